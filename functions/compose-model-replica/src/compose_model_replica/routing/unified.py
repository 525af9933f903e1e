"""Unified: every pod answers whole requests, behind one Service and one HTTPRoute."""

from __future__ import annotations

from typing import Any

from kit import labels, names

from compose_model_replica.injected import SERVING_PORT

Manifest = dict[str, Any]

SERVICE_PORT = 80
# No gateway can be trusted to finish a token stream within its own default.
NO_TIMEOUT = "0s"
ROUTE_READY_WHEN = (
    "has(object.status) && has(object.status.parents) && object.status.parents.exists(p, "
    'p.conditions.exists(c, c.type == "Accepted" && c.status == "True") && '
    'p.conditions.exists(c, c.type == "ResolvedRefs" && c.status == "True"))'
)


def service(metadata: Manifest) -> Manifest:
    """The Service over the replica's serving pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "selector": {labels.SERVING: metadata["name"]},
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": SERVING_PORT, "protocol": "TCP"}],
        },
    }


def route(metadata: Manifest, hostname: str) -> Manifest:
    """The HTTPRoute on the cluster's gateway: this replica's host, the OpenAI API only."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {
            "parentRefs": [
                {
                    "group": "gateway.networking.k8s.io",
                    "kind": "Gateway",
                    "namespace": names.SYSTEM_NAMESPACE,
                    "name": names.GATEWAY,
                }
            ],
            "hostnames": [hostname],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
                    "backendRefs": [{"name": metadata["name"], "port": SERVICE_PORT}],
                    "timeouts": {"request": NO_TIMEOUT},
                }
            ],
        },
    }
