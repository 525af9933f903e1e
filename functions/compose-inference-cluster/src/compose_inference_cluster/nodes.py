"""The nodes that the cluster has for its pools: counted from time to time, never watched (`design/counting-nodes.md`)."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from kit import conditions, labels, names, remote
from kit.call import Call
from kit.fields import Fields
from schemas import InferenceCluster
from schemas.inferencecluster import NodePool

Manifest = dict[str, Any]

# provider-kubernetes lists the nodes anew at its poll.
_SETTLED_SECONDS, _MISSING_SECONDS = 600.0, 60.0
# What is born with a cluster, its ledger and first tenant, is as much as its circuit takes.
_YOUTH_SECONDS = 120.0
_KEY = "nodes-"
_PAUSED = "crossplane.io/paused"


def peek(call: Call[InferenceCluster]) -> Counter[str] | None:
    """How many nodes each pool has, as provider-kubernetes last saw; None before that was looked at."""
    mine = {labels.NODES_OF: call.name}
    lines = call.peek_manifests(
        "nodes", remote.API_VERSION, "Object", _pool, labels=mine, namespace=names.SYSTEM_NAMESPACE
    )
    return None if lines is None else Counter(lines)


def want(call: Call[InferenceCluster], config: str) -> None:
    """For each pool, what finds its nodes by their labels."""
    wanted = {f"{_KEY}{pool.name}": _collection(call.name, config, pool) for pool in call.xr.spec.nodePools}
    for key, manifest in wanted.items():
        if call.seen(key) or not _youth(call):
            call.want(key, manifest)
    for key in call.observed():
        if key.startswith(_KEY) and key not in wanted:
            call.drop(key)


def report(call: Call[InferenceCluster], found: Counter[str] | None) -> None:
    """Set PoolNodesFound, last of all conditions; what was said before stands until the nodes were looked at."""
    if call.report.is_ready():
        call.look_again(_youth(call) or _SETTLED_SECONDS)
    pools = call.xr.spec.nodePools
    trouble = next((t for t in (call.trouble(f"{_KEY}{pool.name}") for pool in pools) if t), "")
    if trouble:
        message = f"The cluster's nodes cannot be listed: {trouble.rstrip('.')}."
        call.condition("PoolNodesFound", None, "NotChecked", message)
    elif found is not None and all(_is_counted(call, pool) for pool in pools):
        _compare(call, found)
    elif not conditions.find({"status": call.xr.status.manifest()}, "PoolNodesFound"):
        call.condition("PoolNodesFound", None, "NotChecked", "The cluster's nodes have not been counted yet.")


def _youth(call: Call[InferenceCluster]) -> float:
    """How many seconds the cluster is too young to be counted; 0 when it is old enough."""
    left = _YOUTH_SECONDS - call.age(call.xr.metadata.creationTimestamp)
    return float(math.ceil(left)) if left > 0 else 0.0


def _compare(call: Call[InferenceCluster], found: Counter[str]) -> None:
    pools = call.xr.spec.nodePools
    short = [f"{_told(pool, found)} ({_spelled(pool)})" for pool in pools if found[pool.name] < pool.nodeCount]
    if not short:
        told = "; ".join(_told(pool, found) for pool in pools)
        call.condition("PoolNodesFound", True, "Found", f"{told}.")
        return
    if call.report.is_ready():
        call.look_again(_MISSING_SECONDS)
    message = f"{'; '.join(short)}. Label nodes, add some, or correct spec.nodePools; seen within ten minutes."
    call.condition("PoolNodesFound", False, "NotFound", message)


def _told(pool: NodePool, found: Counter[str]) -> str:
    return f"pool {pool.name} declares {pool.nodeCount} nodes, {found[pool.name]} found"


def _is_counted(call: Call[InferenceCluster], pool: NodePool) -> bool:
    return call.is_ready(f"{_KEY}{pool.name}")


def _selector(pool: NodePool) -> dict[str, str]:
    return dict(pool.nodeSelector) or {labels.POOL: pool.name}


def _spelled(pool: NodePool) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(_selector(pool).items()))


def _collection(cluster: str, config: str, pool: NodePool) -> Manifest:
    """It makes an Object per node, which is paused, so that nobody reads the node's status again and again."""
    told = {labels.NODES_OF: cluster, labels.POOL: pool.name}
    return {
        "apiVersion": remote.API_VERSION,
        "kind": "ObservedObjectCollection",
        "metadata": {
            "name": names.child_name(cluster, "nodes", pool.name),
            "namespace": names.SYSTEM_NAMESPACE,
            "labels": {labels.CLUSTER: cluster},
        },
        "spec": {
            "providerConfigRef": {"kind": "ClusterProviderConfig", "name": config},
            "observeObjects": {"apiVersion": "v1", "kind": "Node", "selector": {"matchLabels": _selector(pool)}},
            "objectTemplate": {"metadata": {"labels": told, "annotations": {_PAUSED: "true"}}},
        },
    }


def _pool(member: Fields) -> str:
    return member.texts("metadata.labels").get(labels.POOL, "")
