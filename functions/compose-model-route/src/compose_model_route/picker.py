"""The endpoint picker of a pool: a Deployment without accelerators, and its Service."""

from __future__ import annotations

import copy
from typing import Any

from contract.picker import Dialect
from kit import labels, names, remote
from schemas.modelroute import Serving

from compose_model_route.pool import PICKER_PORT

Manifest = dict[str, Any]

HEALTH_PORT = 9003
METRICS_PORT = 9090
DRAIN_SECONDS = 30
_ONE_BY_ONE: Manifest = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
# Of several only the leader is ready, so a new one would wait for ever for an old one to go.
_RECREATE: Manifest = {"type": "Recreate"}
# Its health server says ready while it still makes the key that requests are served with, which can take half a minute.
_LISTENS: Manifest = {"tcpSocket": {"port": PICKER_PORT}, "periodSeconds": 1, "failureThreshold": 180}
RESOURCES: Manifest = {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}


def deployment(metadata: Manifest, pool: str, serving: Serving, dialect: Dialect, config: str) -> Manifest:
    """The picker. Its configuration is an argument, so that another one starts new pods."""
    asked = serving.endpointPicker
    replicas = asked.replicas if asked else 1
    container = {
        "name": "picker",
        "image": asked.image if asked and asked.image else dialect.picker_image,
        "args": _args(pool, metadata["namespace"], config, replicas),
        "ports": [
            {"name": "grpc", "containerPort": PICKER_PORT, "protocol": "TCP"},
            {"name": "grpc-health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "startupProbe": _LISTENS,
        # It answers on until another one does; without it every request fails.
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "livenessProbe": {**_health("liveness"), "initialDelaySeconds": 15, "periodSeconds": 10},
        "readinessProbe": {**_health("readiness"), "periodSeconds": 2},
        "resources": asked.resources.manifest() if asked and asked.resources else RESOURCES,
        "securityContext": remote.RESTRICTED,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": replicas,
            "strategy": _ONE_BY_ONE if replicas == 1 else _RECREATE,
            "selector": {"matchLabels": _selector(metadata)},
            "template": {
                "metadata": {"labels": {**metadata["labels"], **_selector(metadata)}},
                "spec": {
                    "serviceAccountName": names.PICKER_ACCOUNT,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": DRAIN_SECONDS + 30,
                    "containers": [container],
                },
            },
        },
    }


def as_it_runs(deployed: Manifest, seen: Manifest) -> Manifest:
    """The picker, or what an earlier version composed of the same: an upgrade restarts nothing.

    That one had no probe of its port and did not drain. It becomes the other with the next change that a person makes.
    """
    older: Manifest = copy.deepcopy(deployed)
    pod = older["spec"]["template"]["spec"]
    older["spec"]["strategy"] = _RECREATE
    del pod["terminationGracePeriodSeconds"], pod["containers"][0]["startupProbe"], pod["containers"][0]["lifecycle"]
    return older if seen == older else deployed


def service(metadata: Manifest) -> Manifest:
    """The Service that the pool refers to; the gateway speaks gRPC over TLS to it."""
    port = {"name": "grpc", "port": PICKER_PORT, "targetPort": PICKER_PORT, "protocol": "TCP", "appProtocol": "http2"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": _selector(metadata), "ports": [port]},
    }


def _args(pool: str, namespace: str, config: str, replicas: int) -> list[str]:
    flags = [
        f"--pool-name={pool}",
        f"--pool-namespace={namespace}",
        f"--grpc-port={PICKER_PORT}",
        f"--grpc-health-port={HEALTH_PORT}",
        f"--metrics-port={METRICS_PORT}",
        "--metrics-endpoint-auth=false",
        "--tracing=false",
        f"--config-text={config}",
    ]
    # Two pickers that do not know of each other would both be asked, and each would know half of the prefixes.
    return [*flags, "--ha-enable-leader-election"] if replicas > 1 else flags


def _health(service: str) -> Manifest:
    return {"grpc": {"port": HEALTH_PORT, "service": service}}


def _selector(metadata: Manifest) -> dict[str, str]:
    return {labels.WORKLOAD: metadata["name"]}
