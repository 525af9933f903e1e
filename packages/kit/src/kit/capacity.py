"""Claims and grants: small inert objects by which a replica asks for nodes and its cluster answers.

A claim stands beside its ModelReplica, a grant in modelplane-system, where tenants cannot
write. Neither is watched by more than the one who has to act on it (`design/capacity-ledger.md`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas import ModelReplica

from kit import labels, names

Manifest = dict[str, Any]

API_VERSION = "v1"
KIND = "ConfigMap"
GRANTED, WAITING, REFUSED = "Granted", "Waiting", "Refused"
# Positions further back are not told: every grant would rewrite the whole queue.
LAST_POSITION = 20
_MOST_NODES = 10_000
_SITE = {"providerConfig", "gateway", "offer", "pools", "nodes"}


@dataclass(frozen=True)
class Claim:
    """Nodes per pool that one replica asks for on one cluster."""

    uid: str
    namespace: str
    replica: str
    nodes: Mapping[str, int]
    reserved: bool = False
    created: str = ""


@dataclass(frozen=True)
class Grant:
    """A cluster's answer to one claim, and all that its replica must know of the cluster."""

    uid: str
    verdict: str
    message: str = ""
    position: int = 0
    site: Manifest = field(default_factory=dict)
    """With a granted claim: providerConfig, gateway, offer, pools {name: {nodeSelector, taints}}, nodes by pool."""


def nodes_of(replica: ModelReplica) -> Counter[str]:
    """The nodes per pool that a replica takes: one for each pod, times the copies of its engine."""
    nodes: Counter[str] = Counter()
    for engine in replica.spec.engines:
        for member in engine.members:
            nodes[member.nodePoolName] += engine.copies * (member.worker.nodes if member.worker else 1)
    return nodes


def claim(replica: ModelReplica) -> Manifest:
    """The ConfigMap by which a replica asks for its nodes."""
    metadata = replica.metadata
    data = {
        "replica": metadata.name,
        "uid": metadata.uid,
        "nodes": json.dumps(dict(sorted(nodes_of(replica).items()))),
    }
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": names.child_name(metadata.name, "claim"),
            "namespace": metadata.namespace,
            "labels": selector(replica.spec.clusterName),
        },
        "data": {**data, "reserved": "true"} if replica.spec.reserved else data,
    }


def selector(cluster: str) -> dict[str, str]:
    """The label that all claims on a cluster have."""
    return {labels.CAPACITY_CLAIM: cluster}


def read_claim(manifest: Manifest) -> Claim | None:
    """The claim in a ConfigMap; None when it is not one of ours, so that nobody else's can upset the count."""
    try:
        data, metadata = manifest["data"], manifest["metadata"]
        nodes = json.loads(data["nodes"])
        counted = {p: n for p, n in nodes.items() if type(n) is int and 0 < n <= _MOST_NODES}
        texts = (data["uid"], metadata["namespace"], data["replica"], metadata.get("creationTimestamp") or "")
        if counted != nodes or not counted or not _are_texts(texts) or not data["uid"]:
            return None
        uid, namespace, replica, created = texts
        return Claim(uid, namespace, replica, counted, data.get("reserved") == "true", created)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def grant_name(namespace: str, replica: str) -> str:
    """The grant of one replica."""
    return names.child_name(namespace, replica, "grant")


def grant(claim: Claim, cluster: str, answer: Grant) -> Manifest:
    """The ConfigMap that answers a claim."""
    data = {"uid": claim.uid, "verdict": answer.verdict, "message": answer.message}
    if answer.position:
        data["position"] = str(answer.position)
    if answer.site:
        data["site"] = json.dumps(answer.site, sort_keys=True)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": grant_name(claim.namespace, claim.replica),
            "namespace": names.SYSTEM_NAMESPACE,
            "labels": {labels.CAPACITY_GRANT: cluster},
        },
        "data": data,
    }


def read_grant(manifest: Manifest) -> Grant | None:
    """The answer in a ConfigMap; None when it is not one of ours."""
    try:
        data = manifest["data"]
        site = json.loads(data.get("site") or "{}")
        if data["verdict"] not in (GRANTED, WAITING, REFUSED):
            return None
        if data["verdict"] == GRANTED and not set(site) >= _SITE:
            return None
        message, position = data.get("message") or "", int(data.get("position") or 0)
        if not _are_texts((data["uid"], message)):
            return None
        return Grant(data["uid"], data["verdict"], message, position, site)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _are_texts(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, str) for value in values)
