"""Capacity claims: small inert objects that say which nodes a replica takes.

A cluster counts these instead of watching ModelReplicas, whose every change would wake it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import ModelReplica

from kit import labels, names

Manifest = dict[str, Any]

API_VERSION = "v1"
KIND = "ConfigMap"


@dataclass(frozen=True)
class Claim:
    """Nodes per pool that one replica takes on one cluster."""

    namespace: str
    replica: str
    nodes: Mapping[str, int]


def nodes_of(replica: ModelReplica) -> Counter[str]:
    """The nodes per pool that a replica takes: one for each pod, times the copies of its engine."""
    nodes: Counter[str] = Counter()
    for engine in replica.spec.engines:
        for member in engine.members:
            nodes[member.nodePoolName] += engine.copies * (member.worker.nodes if member.worker else 1)
    return nodes


def claim(name: str, namespace: str, cluster: str, nodes: Mapping[str, int]) -> Manifest:
    """The ConfigMap that claims `nodes` per pool for the replica `name`."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": names.child_name(name, "claim"), "namespace": namespace, "labels": selector(cluster)},
        "data": {"replica": name, "nodes": json.dumps(dict(sorted(nodes.items())))},
    }


def selector(cluster: str) -> dict[str, str]:
    """The label that all claims on a cluster have."""
    return {labels.CAPACITY_CLAIM: cluster}


def read(manifest: Manifest) -> Claim | None:
    """The claim in a ConfigMap; None when it is not one of ours, so that nobody else's can upset the count."""
    data = manifest.get("data") or {}
    try:
        nodes = json.loads(data["nodes"])
        counted = {str(pool): number for pool, number in nodes.items() if type(number) is int and number > 0}
        metadata = manifest["metadata"]
        return Claim(metadata["namespace"], str(data["replica"]), counted) if counted == nodes else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
