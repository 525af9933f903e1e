"""Clusters as lines of JSON: what a cache needs to know of them, small enough to carry between rounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.fields import Fields, label_selector
from scheduling import LabelSelector, read_selector

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """One InferenceCluster, as a place for a volume."""

    name: str
    config: str
    """The ClusterProviderConfig; empty before the cluster was composed."""
    created: str
    labels: Mapping[str, str]
    allowed: LabelSelector
    admits_some: bool
    drain: bool
    storage_class: str
    image: str
    taints: tuple[Manifest, ...]

    def refusal(self, selector: LabelSelector, namespace: Mapping[str, str]) -> str:
        """Why the cluster is not one that a cache of such a namespace is for; empty when it is."""
        if reason := selector.mismatch(self.labels):
            return f"does not match clusterSelector: {reason}"
        if reason := self.allowed.mismatch(namespace):
            return f"does not admit the namespace: {reason}"
        return ""


def of_cluster(cluster: Fields) -> str:
    """The line of one InferenceCluster."""
    storage = cluster.part("spec.cluster.existing.cache")
    pools = cluster.parts("spec.nodePools")
    taints = [_taint(taint) for pool in pools for taint in pool.parts("taints")]
    told = (
        cluster.text("metadata.name", ""),
        cluster.text("status.providerConfigName", ""),
        cluster.text("metadata.creationTimestamp", ""),
        cluster.texts("metadata.labels"),
        label_selector(cluster.part("spec.allowedNamespaces")),
        cluster.flag("spec.drain", default=False),
        storage.text("storageClassName", ""),
        storage.text("image", ""),
        [taint for index, taint in enumerate(taints) if taint not in taints[:index]],
    )
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def read(line: str) -> Site:
    """The cluster that a line stands for."""
    name, config, created, labels, allowed, drain, storage_class, image, taints = json.loads(line)
    return Site(
        name, config, created, labels, read_selector(allowed), bool(allowed), drain, storage_class, image, tuple(taints)
    )


def _taint(taint: Fields) -> dict[str, str]:
    told = {"key": taint.text("key"), "effect": taint.text("effect")}
    value = taint.text("value", "")
    return {**told, "value": value} if value else told


def of_replica(replica: Fields) -> str:
    """The line of one ModelReplica: its cluster and its cache."""
    return user(replica.text("spec.clusterName", ""), replica.text("spec.modelCacheRef.name", ""))


def user(cluster: str, cache: str) -> str:
    """The line of a replica on that cluster that uses that cache."""
    return json.dumps([cluster, cache])
