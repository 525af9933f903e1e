"""DRA claims: one ResourceClaimTemplate per member that claims devices."""

from __future__ import annotations

import json
from typing import Any

from kit import names
from schemas.modelreplica import Member

Manifest = dict[str, Any]
CLAIM = "devices"


def template(replica: str, engine: str, member: Member, namespace: str) -> Manifest | None:
    """The claim template of `member`; None when it claims nothing.

    Its spec is immutable in Kubernetes, so its name carries a hash of the content.
    """
    if not member.deviceRequests:
        return None
    spec = {"spec": {"devices": {"requests": [_request(r) for r in member.deviceRequests]}}}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {
            "name": names.child_name(replica, engine, member.role, content=json.dumps(spec, sort_keys=True)),
            "namespace": namespace,
        },
        "spec": spec,
    }


def _request(request: Any) -> Manifest:
    exactly: Manifest = {
        "deviceClassName": request.deviceClassName,
        "allocationMode": "ExactCount",
        "count": request.count,
    }
    if request.selectors:
        exactly["selectors"] = [{"cel": {"expression": s.cel}} for s in request.selectors]
    return {"name": request.name, "exactly": exactly}
