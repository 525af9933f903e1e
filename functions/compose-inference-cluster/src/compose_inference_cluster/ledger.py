"""The CapacityLedger of a cluster: a small composite of its own, so that its claims do not wake the cluster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kit import labels
from kit.call import Call
from kit.objects import read as read_as
from schemas import CapacityLedger, InferenceClass, InferenceCluster
from schemas.capacityledger import Status
from schemas.inferencecluster import NodePool

Manifest = dict[str, Any]

KEY = "ledger"


def manifest(
    cluster: InferenceCluster, config: str, gateway: Mapping[str, str], classes: Mapping[str, InferenceClass | None]
) -> Manifest:
    """The ledger, with what its grants tell of the cluster."""
    spec = cluster.spec
    ledger = CapacityLedger.model_validate(
        {
            "apiVersion": "modelplane.ai/v1alpha1",
            "kind": "CapacityLedger",
            "metadata": {"name": cluster.metadata.name, "labels": {labels.CLUSTER: cluster.metadata.name}},
            "spec": {
                "clusterName": cluster.metadata.name,
                "providerConfigName": config,
                "gateway": _gateway(**gateway),
                "offer": _offer(cluster, classes),
                "drain": spec.drain,
                "pools": [_pool(pool) for pool in spec.nodePools],
            },
        }
    )
    return ledger.manifest()


def _gateway(address: str, url: str) -> Manifest:
    # What is plain is not said, so that nothing that was granted before says something new.
    return {"address": address} if url == f"http://{address}" else {"address": address, "url": url}


def read(call: Call[InferenceCluster]) -> Status | None:
    """What the ledger has committed; None when it is not there or has said nothing yet."""
    seen = call.seen(KEY)
    status = read_as(CapacityLedger, seen).status if seen else None
    return status if status and status.replicas else None


def _pool(pool: NodePool) -> Manifest:
    told: Manifest = {"name": pool.name, "nodes": pool.nodeCount, "drain": pool.drain}
    if pool.nodeSelector:
        told["nodeSelector"] = pool.nodeSelector
    if pool.taints:
        told["taints"] = [t.manifest() for t in pool.taints]
    return told


def _offer(cluster: InferenceCluster, classes: Mapping[str, InferenceClass | None]) -> str:
    """Changes with all that makes a replica fit here, the free nodes aside: deployments judge their places anew."""
    spec = cluster.spec
    theirs = {k: v for k, v in cluster.metadata.labels.items() if not k.startswith("crossplane.io/")}
    told = {
        "labels": theirs,
        "drain": spec.drain,
        "allowed": spec.allowedNamespaces.manifest() if spec.allowedNamespaces else None,
        "pools": [[p.name, p.className, p.domain, p.drain] for p in spec.nodePools],
        "classes": {name: found.spec.manifest() if found else None for name, found in classes.items()},
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:10]
