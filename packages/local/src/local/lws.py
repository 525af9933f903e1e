"""The LeaderWorkerSet controller of a workload cluster: its configuration, and its webhooks on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import tools
from local.install import aimed, read
from local.pki import Pki

Manifest = dict[str, Any]

NAME = "lws"
_PODS_OF_GROUPS = {"matchExpressions": [{"key": "leaderworkerset.sigs.k8s.io/name", "operator": "Exists"}]}


def crds() -> Path:
    """The folder of the kinds that it serves."""
    return tools.files(NAME) / "crds"


def configuration(pki: Pki, health: int, metrics: int, webhook: int) -> str:
    """Its configuration file; the three are ports."""
    return json.dumps(
        {
            "apiVersion": "config.lws.x-k8s.io/v1alpha1",
            "kind": "Configuration",
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {"enable": False},
            "webhook": {"host": "127.0.0.1", "port": webhook, "certDir": str(pki.tls)},
            "metrics": {"bindAddress": f"127.0.0.1:{metrics}"},
            "health": {"healthProbeBindAddress": f"127.0.0.1:{health}"},
        }
    )


def webhooks(pki: Pki, port: int) -> Iterator[Manifest]:
    """Its own webhook configurations, aimed at the process instead of a Service."""
    for found in read(tools.files(NAME) / "webhooks"):
        manifest = aimed(found, pki, port)
        for webhook in manifest["webhooks"]:
            if "pods" in webhook["rules"][0]["resources"]:
                # As upstream's kustomize patches: otherwise no pod starts while the controller is away.
                webhook["objectSelector"] = _PODS_OF_GROUPS
        yield {**manifest, "metadata": {"name": f"{NAME}-{manifest['metadata']['name']}"}}
