"""What of a control plane has to be kept, and the order in which it comes back (`design/export-and-restore.md`).

Everything else follows from it: what our functions compose is composed again, and finds on
the workload clusters what it left there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from kit import labels, names

Manifest = dict[str, Any]

GROUPS = ("modelplane.ai", "infrastructure.modelplane.ai")
REPLICA, DEPLOYMENT, CLUSTER, LEDGER = "ModelReplica", "ModelDeployment", "InferenceCluster", "CapacityLedger"
# Replicas before deployments, or those would create new ones; clusters last, or they would give away nodes in use.
ORDER = ("Namespace", "InferenceClass", REPLICA, DEPLOYMENT)
_REFERENCES = ("resourceRefs", "compositionRevisionRef")


def select(objects: Iterable[Manifest]) -> list[Manifest]:
    """What people wrote and the replicas that exist, in the order to restore; nothing that is being deleted."""
    found = [o for o in objects if "deletionTimestamp" not in o["metadata"]]
    holding = {uid for o in found if o["kind"] == LEDGER for uid in o.get("status", {}).get("entries", {})}
    owners = {o["metadata"]["uid"] for o in found if o["kind"] == DEPLOYMENT}
    kept = [_restorable(o, holding) for o in found if _is_kept(o, owners)]
    used = {m["metadata"].get("namespace") for m in kept} - {None, names.SYSTEM_NAMESPACE}
    spaces = [_restorable(o, holding) for o in found if o["kind"] == "Namespace" and o["metadata"]["name"] in used]
    created = {_identity(o): o["metadata"].get("creationTimestamp", "") for o in found}
    return sorted([*spaces, *kept], key=lambda m: (_rank(m), created[_identity(m)], _identity(m)))


def stages(manifests: Iterable[Manifest]) -> list[tuple[str, list[Manifest]]]:
    """What is applied together: the field manager ("" for a person's) and the manifests, in order.

    A replica is written in the name of its deployment's Crossplane. By another hand, a field
    that the deployment drops later would stay for ever.
    """
    ordered = sorted(manifests, key=_rank)
    grouped = groupby(ordered, key=lambda m: (_rank(m), _manager(m)))
    return [(manager, list(group)) for (_, manager), group in grouped]


def kubeconfigs(manifests: Iterable[Manifest]) -> dict[str, str]:
    """The Secret in modelplane-system through which each cluster is reached, by cluster."""
    existing = {
        m["metadata"]["name"]: m["spec"].get("cluster", {}).get("existing") or {}
        for m in manifests
        if m["kind"] == CLUSTER
    }
    return {name: str(each["secretRef"]["name"]) for name, each in existing.items() if "secretRef" in each}


def _is_kept(manifest: Manifest, deployments: set[str]) -> bool:
    if manifest["apiVersion"].partition("/")[0] not in GROUPS:
        return False
    owner = next((o for o in manifest["metadata"].get("ownerReferences", []) if o.get("controller")), None)
    if manifest["kind"] == REPLICA:
        return owner is None or owner["uid"] in deployments
    return owner is None


def _restorable(manifest: Manifest, holding: set[str]) -> Manifest:
    metadata = manifest["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
    for key in ("labels", "annotations"):
        ours = {k: v for k, v in metadata.get(key, {}).items() if not _is_bookkeeping(k)}
        if ours:
            kept[key] = ours
    restorable = {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": kept}
    if manifest["kind"] == "Namespace":
        return restorable
    spec = dict(manifest.get("spec", {}))
    crossplane = {k: v for k, v in spec.pop("crossplane", {}).items() if k not in _REFERENCES}
    if crossplane and manifest["kind"] != REPLICA:
        spec["crossplane"] = crossplane
    if manifest["kind"] == REPLICA and metadata["uid"] in holding:
        spec["reserved"] = True
    return {**restorable, "spec": spec}


def _is_bookkeeping(key: str) -> bool:
    prefix = key.partition("/")[0]
    return (
        prefix in {"kubectl.kubernetes.io", "crossplane.io", "protection.crossplane.io"}
        or key == "kubernetes.io/metadata.name"
    )


def _manager(manifest: Manifest) -> str:
    """Crossplane's field manager for what the replica's deployment composes (its composition_functions.go)."""
    deployment = manifest["metadata"].get("labels", {}).get(labels.DEPLOYMENT, "")
    if manifest["kind"] != REPLICA or not deployment:
        return ""
    digest = hashlib.sha256(f"{deployment}{DEPLOYMENT}.{GROUPS[0]}".encode()).hexdigest()
    return f"apiextensions.crossplane.io/composed/{digest}"


def _rank(manifest: Manifest) -> int:
    kind = manifest["kind"]
    return ORDER.index(kind) if kind in ORDER else len(ORDER) + (kind == CLUSTER)


def _identity(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]
