"""The nodes of a declared cluster, as KWOK plays them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]
POOL = "modelplane.ai/pool"


@dataclass(frozen=True)
class Node:
    """One node, and the class whose devices it has."""

    name: str
    class_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Manifest, ...] = ()

    def manifest(self) -> Manifest:
        """The Node object; KWOK gives it cpu, memory and pods in plenty, devices are what is scarce."""
        labels = {
            "kubernetes.io/hostname": self.name[:63].strip("-."),
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            **self.labels,
        }
        spec = {"taints": [dict(taint) for taint in self.taints]} if self.taints else {}
        metadata = {"name": self.name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
        return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec}


def declared(cluster: Manifest, limit: int | None) -> list[Node]:
    """Every node of every pool, at most `limit` in all."""
    nodes = [node for pool in cluster["spec"].get("nodePools") or [] for node in _of_pool(pool)]
    return nodes if limit is None else nodes[:limit]


def plain(limit: int | None) -> list[Node]:
    """The nodes of a cluster that nothing is declared for."""
    return [Node(f"node-{i}") for i in range(limit or 0)]


def _of_pool(pool: Manifest) -> list[Node]:
    chosen = pool.get("nodeSelector") or {POOL: pool["name"]}
    zones = pool.get("zones") or []
    nodes = []
    for i in range(pool.get("nodeCount") or 0):
        zone = {"topology.kubernetes.io/zone": zones[i % len(zones)]} if zones else {}
        nodes.append(
            Node(f"{pool['name']}-{i}", pool.get("className", ""), {**zone, **chosen}, tuple(pool.get("taints") or ()))
        )
    return nodes
