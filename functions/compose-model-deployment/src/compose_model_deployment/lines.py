"""Clusters and classes as lines of JSON: what placement needs of them, small enough to carry between rounds.

Equal lines mean equal clusters, so what was made of a line is kept, within a bound, for later calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kit.fields import Fields, label_selector
from scheduling import Cluster, NodeClass, Pool, read_class, read_selector


@dataclass(frozen=True, eq=False)
class Classes:
    """The InferenceClasses by name; compared by identity, so that it is cheap as a key."""

    by_name: Mapping[str, NodeClass]


@dataclass(frozen=True)
class Found:
    """A cluster, and what decides whether it can be judged yet."""

    cluster: Cluster
    admits_some: bool
    """Whether the namespace's labels decide who may run there."""
    unreached_since: str
    """When it was created, if its gateway has not been reached; empty when it has."""
    asked_at: str
    """When somebody last asked for nodes of it; empty when nobody has."""


def of_cluster(cluster: Fields) -> str:
    """The line of one InferenceCluster."""
    reached = any(c.text("type", "") == "GatewayReady" and _is_true(c) for c in cluster.parts("status.conditions"))
    return _line(
        cluster.text("metadata.name", ""),
        cluster.texts("metadata.labels"),
        label_selector(cluster.part("spec.allowedNamespaces")),
        cluster.flag("spec.drain", default=False),
        bool(cluster.text("status.gateway.address", "")),
        "" if reached else cluster.text("metadata.creationTimestamp", ""),
        max((pool.text("askedAt", "") for pool in cluster.parts("status.gpuPools")), default=""),
        _pools(cluster),
    )


@lru_cache(maxsize=16_384)
def cluster(line: str, classes: Classes) -> Found:
    """The cluster that a line stands for."""
    name, labels, allowed, drain, gateway_ready, unreached_since, asked_at, pools = json.loads(line)
    made = Cluster(
        name=name,
        pools=tuple(_of(classes, *pool) for pool in pools),
        labels=labels,
        allowed_namespaces=read_selector(allowed),
        drain=drain,
        gateway_ready=gateway_ready,
    )
    return Found(made, bool(allowed), unreached_since, asked_at)


def of_class(node_class: Fields) -> str:
    """The line of one InferenceClass."""
    devices = [device.plain() for device in node_class.parts("spec.devices")]
    return _line(node_class.text("metadata.name", ""), devices)


@lru_cache(maxsize=16)
def classes(lines: tuple[str, ...]) -> Classes:
    """The classes that lines stand for."""
    return Classes({name: read_class(name, devices) for name, devices in map(json.loads, lines)})


def _of(classes: Classes, *pool: Any) -> Pool:
    name, class_name, free, domain, drain, waiting, nodes, since = pool
    return Pool(name, class_name, free, classes.by_name.get(class_name), domain, drain, waiting, nodes, since)


def _pools(cluster: Fields) -> list[Any]:
    counted = {pool.text("name"): pool for pool in cluster.parts("status.gpuPools")}
    return sorted(_pool(pool, counted.get(pool.text("name"))) for pool in cluster.parts("spec.nodePools"))


def _pool(pool: Fields, counted: Fields | None) -> list[Any]:
    """Before a cluster has counted its claims, all nodes of a pool are free."""
    nodes = pool.count("nodeCount")
    free = nodes if counted is None else counted.count("free", 0)
    waiting = 0 if counted is None else counted.count("waiting", 0)
    since = "" if counted is None else counted.text("waitingSince", "")
    drain = pool.flag("drain", default=False)
    return [pool.text("name"), pool.text("className"), free, pool.text("domain", ""), drain, waiting, nodes, since]


def _is_true(condition: Fields) -> bool:
    return condition.text("status", "") == "True"


def _line(*parts: Any) -> str:
    return json.dumps(parts, sort_keys=True, separators=(",", ":"))
