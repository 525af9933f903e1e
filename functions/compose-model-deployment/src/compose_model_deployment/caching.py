"""The ModelCache that a deployment asks for: where it is Ready, what is said of it, and what keeps it while it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from kit import labels, names
from kit.call import Call, NotFetched
from kit.fields import Fields
from kit.objects import group_version_kind
from scheduling import Cluster
from schemas import ModelCache, ModelDeployment

from compose_model_deployment.replicas import Existing

Manifest = dict[str, Any]

_KEY = "cache-"
_READY = "Ready"


@dataclass(frozen=True)
class Cache:
    """A ModelCache as it was looked at."""

    name: str
    holds: str
    """The repository, and the commit once it is known."""
    message: str
    clusters: frozenset[str]
    """Those where it is Ready."""

    def on(self, cluster: Cluster) -> Cluster:
        """The cluster as a place for pods that mount the cache."""
        return replace(cluster, caches=frozenset({self.name})) if cluster.name in self.clusters else cluster


def asked(xr: ModelDeployment) -> str:
    """The name of the cache that is asked for; empty when none is."""
    return xr.spec.modelCacheRef.name if xr.spec.modelCacheRef else ""


def look_up(call: Call[ModelDeployment]) -> Cache | None:
    """The cache that is asked for, looked at and not watched; None when there is none. Raises NotFetched before."""
    name = asked(call.xr)
    if not name:
        return None
    kind = group_version_kind(ModelCache)
    lines = call.peek_manifests("cache", *kind, _line, name=name, namespace=call.namespace)
    if lines is None:
        raise NotFetched("cache")
    found = [Cache(name, holds, message, frozenset(ready)) for holds, message, ready in map(json.loads, lines)]
    return found[0] if found else None


def report(call: Call[ModelDeployment], cache: Cache | None) -> None:
    """Say ModelCacheResolved, and guard a cache that exists."""
    name = asked(call.xr)
    if not name:
        return
    if cache is None:
        message = (
            f"ModelCache {name} does not exist in namespace {call.namespace}: create it, or correct spec.modelCacheRef."
        )
        call.condition("ModelCacheResolved", False, "NotFound", message)
        return
    call.want(_key(name), _usage(call, name))
    if cache.clusters:
        call.condition("ModelCacheResolved", True, "Resolved", f"ModelCache {name} holds {cache.holds}.")
        return
    message = f"ModelCache {name} is not Ready on any cluster yet. {cache.message}".rstrip()
    call.condition("ModelCacheResolved", False, "NotHydrated", message)


def let_go(call: Call[ModelDeployment], existing: list[Existing]) -> None:
    """A cache that neither the deployment nor a replica of it mounts any more is not guarded for it."""
    if not asked(call.xr):
        call.condition("ModelCacheResolved", False, "NotRequested", "spec.modelCacheRef is not set.")
    used = {_key(name) for name in (asked(call.xr), *(e.cache for e in existing)) if name}
    for key in call.observed():
        if key.startswith(_KEY) and key not in used:
            call.drop(key)


def _key(cache: str) -> str:
    return f"{_KEY}{names.child_name(cache)}"


def _line(cache: Fields) -> str:
    revision = cache.text("status.revision", "")[:12]
    said = (c.text("message", "") for c in cache.parts("status.conditions") if c.text("type", "") == "Hydrated")
    ready = [c.text("name") for c in cache.parts("status.clusters") if c.text("phase", "") == _READY]
    holds = cache.text("spec.huggingFace.repo", "") + (f" at {revision}" if revision else "")
    return json.dumps([holds, next(said, ""), sorted(ready)])


def _usage(call: Call[ModelDeployment], cache: str) -> Manifest:
    """Crossplane's webhook refuses the cache's deletion, with the reason, and repeats it when this is gone."""
    api_version, kind = group_version_kind(ModelCache)
    return {
        "apiVersion": "protection.crossplane.io/v1beta1",
        "kind": "Usage",
        "metadata": {
            "name": names.child_name(call.name, "uses", cache),
            "namespace": call.namespace,
            "labels": {labels.DEPLOYMENT: call.name},
        },
        "spec": {
            "of": {"apiVersion": api_version, "kind": kind, "resourceRef": {"name": cache}},
            "reason": (
                f"ModelDeployment {call.name} mounts it. Delete the deployment or remove its spec.modelCacheRef; "
                "the cache is deleted when nobody uses it any more."
            ),
            "replayDeletion": True,
        },
    }
