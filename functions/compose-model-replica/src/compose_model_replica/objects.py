"""Objects of a replica on its cluster, and what they have to say when they cannot be written."""

from __future__ import annotations

from typing import Any

from kit import labels, names
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine

from compose_model_replica.site import Site

Manifest = dict[str, Any]


def owned_labels(xr: ModelReplica, engine: Engine | None = None) -> dict[str, str]:
    """The labels of all that a replica has on its cluster: whose it is."""
    owned = {
        labels.DEPLOYMENT: xr.metadata.labels.get(labels.DEPLOYMENT, ""),
        labels.REPLICA: xr.metadata.name,
        labels.TENANT: xr.metadata.namespace,
    }
    return {**owned, labels.ENGINE: engine.name} if engine else owned


def want_object(call: Call[ModelReplica], site: Site, key: str, manifest: Manifest, ready_when: str = "") -> None:
    """Want one object on the replica's cluster."""
    call.want(key, site.target.apply(names.child_name(call.name, key), manifest, ready_when))


def trouble(call: Call[ModelReplica], key: str) -> str:
    """Why an object could not be written, as a sentence after another; empty when it was."""
    told = call.trouble(key).rstrip(".")
    return f" {key} could not be written to the cluster: {told}." if told else ""
