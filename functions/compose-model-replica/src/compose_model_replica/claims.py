"""DRA claims: one ResourceClaimTemplate for the members of an engine that claim the same devices."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from kit import names
from schemas.modelreplica import Engine, Member

Manifest = dict[str, Any]
CLAIM = "devices"


def templates(replica: str, engine: Engine, namespace: str, labels: Mapping[str, str]) -> dict[str, Manifest]:
    """The claim template of each member that claims something, by role.

    Its spec is immutable in Kubernetes, so its name carries a hash of the content.
    """
    made: dict[str, Manifest] = {}
    by_content: dict[str, Manifest] = {}
    for member in engine.members:
        if member.deviceRequests:
            content = json.dumps(_spec(member), sort_keys=True)
            name = names.child_name(replica, engine.name, member.role, content=content)
            metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
            template = {**_HEAD, "metadata": metadata, "spec": _spec(member)}
            made[member.role] = by_content.setdefault(content, template)
    return made


def key(engine: str, template: Manifest) -> str:
    """The composed resource of a claim template: another content is another object."""
    return f"claim-{engine}-{template['metadata']['name'][-5:]}"


def is_used(template: str, workloads: Collection[Manifest]) -> bool:
    """Whether pods of any of the workloads, as their cluster shows them, may still be made from the template.

    They may while the workload names it, or while it has not replaced all pods of an earlier revision.
    """
    return any(template in json.dumps(each.get("spec", {})) or not has_rolled(each) for each in workloads)


def has_rolled(workload: Manifest) -> bool:
    """Whether every pod of a workload, as its cluster shows it, is made from its template."""
    status, wanted = workload.get("status") or {}, workload.get("spec", {}).get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= workload.get("metadata", {}).get("generation", 1)
    return bool(seen and status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted)


def _spec(member: Member) -> Manifest:
    return {"spec": {"devices": {"requests": [_request(r) for r in member.deviceRequests]}}}


def _request(request: Any) -> Manifest:
    exactly: Manifest = {
        "deviceClassName": request.deviceClassName,
        "allocationMode": "ExactCount",
        "count": request.count,
    }
    if request.selectors:
        exactly["selectors"] = [{"cel": {"expression": s.cel}} for s in request.selectors]
    return {"name": request.name, "exactly": exactly}


_HEAD: Manifest = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate"}
