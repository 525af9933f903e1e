"""The pd-sidecar beside a decode engine: it has the prompt prefilled elsewhere, then lets the engine decode."""

from __future__ import annotations

from typing import Any

from contract.picker import Dialect
from kit import remote
from schemas import ModelReplica

from compose_model_replica import injected

Manifest = dict[str, Any]

NAME = "pd-sidecar"


def add(template: Manifest, xr: ModelReplica, dialect: Dialect, engine_port: int) -> Manifest:
    """The template with the sidecar as a native one: it starts before the engine and ends after it."""
    spec = template["spec"]
    return {
        **template,
        "spec": {**spec, "initContainers": [*spec.get("initContainers", []), _sidecar(xr, dialect, engine_port)]},
    }


def _sidecar(xr: ModelReplica, dialect: Dialect, engine_port: int) -> Manifest:
    asked = xr.spec.serving.sidecar
    connector = xr.spec.serving.disaggregation.connector if xr.spec.serving.disaggregation else "NixlV2"
    resources = asked.resources.manifest() if asked and asked.resources else {}
    return {
        "name": NAME,
        "image": asked.image if asked and asked.image else dialect.sidecar_image,
        "restartPolicy": "Always",
        "args": [
            f"--port={injected.SERVING_PORT}",
            f"{dialect.engine_port_flag}={engine_port}",
            f"--kv-connector={connector.lower()}",
            "--secure-proxy=false",
        ],
        "ports": [dict(injected.PORT.value)],
        # Its /health says 200 whatever the engine does; that it listens is all that can be asked of it.
        "readinessProbe": {"tcpSocket": {"port": injected.SERVING_PORT}, "periodSeconds": 3, "failureThreshold": 2},
        "resources": resources or injected.SIDECAR_RESOURCES,
        "securityContext": remote.RESTRICTED,
    }
