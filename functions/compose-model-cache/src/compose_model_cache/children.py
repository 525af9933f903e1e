"""The ClusterCaches of a cache: what exists, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit import labels, names
from kit.call import Call
from kit.objects import read
from schemas import ClusterCache, ModelCache

from compose_model_cache.sites import Site

Manifest = dict[str, Any]

# The function's own image brings huggingface_hub; clusters that cannot reach it name another one.
IMAGE = "xpkg.crossplane.io/modelplane/compose-cluster-cache:v0.1.0"
_KEY = "cluster-"
_BRANCH = "main"


@dataclass(frozen=True)
class Child:
    """The cache on one cluster, as Crossplane last saw it."""

    key: str
    phase: str
    message: str
    told: str
    """What its condition says, without the steps that a message tells."""
    revision: str
    image: str
    goes: bool
    """Whether its volume would go with it."""
    age: float
    """Seconds since it was created."""


def key(cluster: str) -> str:
    """The composed resource's key of the cache on a cluster."""
    return f"{_KEY}{cluster}"


def existing(call: Call[ModelCache]) -> dict[str, Child]:
    """All that exist, by cluster."""
    keys = [k for k in call.observed() if k.startswith(_KEY)]
    found = {k.removeprefix(_KEY): read(ClusterCache, call.seen(k) or {}) for k in keys}
    return {cluster: _child(call, key(cluster), seen) for cluster, seen in found.items()}


def manifest(call: Call[ModelCache], site: Site, revision: str, image: str = "") -> Manifest:
    """The cache on a cluster; the image stays the one that it was created with."""
    spec = call.xr.spec
    source = spec.huggingFace.manifest() if spec.huggingFace else {}
    hub: Manifest = {
        "repo": source["repo"],
        "endpoint": spec.huggingFace.endpoint if spec.huggingFace else "",
        "requested": source.get("revision", _BRANCH),
        "sizeGiB": source["sizeGiB"],
    }
    if revision:
        hub["revision"] = revision
    if spec.huggingFace and spec.huggingFace.authSecret:
        hub["authSecret"] = {"name": spec.huggingFace.authSecret.name, "key": spec.huggingFace.authSecret.key}
    written: Manifest = {
        "cacheName": call.name,
        "clusterName": site.name,
        "providerConfigName": site.config,
        "image": image or site.image or IMAGE,
        "huggingFace": hub,
        "reclaim": spec.reclaim,
    }
    if site.storage_class:
        written["storageClassName"] = site.storage_class
    if site.taints:
        written["tolerations"] = list(site.taints)
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ClusterCache",
        "metadata": {
            "name": names.child_name(call.name, site.name),
            "namespace": call.namespace,
            "labels": {labels.CACHE: names.child_name(call.name), labels.CLUSTER: site.name},
        },
        "spec": written,
    }


def _told(seen: ClusterCache) -> str:
    said = next((c.message or "" for c in seen.status.conditions if c.type == "Hydrated"), "")
    return said.removeprefix(f"{seen.spec.clusterName}: ").rstrip(".")


def _child(call: Call[ModelCache], key: str, seen: ClusterCache) -> Child:
    status = seen.status
    return Child(
        key=key,
        phase=status.phase or "",
        message=status.message or "",
        told=_told(seen),
        revision=status.revision or "",
        image=seen.spec.image,
        goes=status.reclaim == "Delete",
        age=call.age(seen.metadata.creationTimestamp),
    )
