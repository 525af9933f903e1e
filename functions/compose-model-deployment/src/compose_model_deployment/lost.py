"""Replicas of the deployment that Crossplane has lost sight of (`design/stale-reads.md`).

A composite that is read from a cache a write behind lacks the newest references. What they stood for
exists on, unseen and never deleted. So before anything is created or moved, all that exists is looked at.
"""

from __future__ import annotations

import json
from typing import Any

from kit import labels, names
from kit.call import Call, NotFetched
from kit.fields import Fields
from kit.objects import group_version_kind
from schemas import ModelDeployment, ModelReplica

from compose_model_deployment.replicas import MOST_ORDINALS

Manifest = dict[str, Any]


def peek(call: Call[ModelDeployment]) -> list[str] | None:
    """All replicas of the deployment as lines; None until they were fetched."""
    by: dict[str, Any] = {"labels": {labels.DEPLOYMENT: call.name}, "namespace": call.namespace}
    return call.peek_manifests("replicas", *group_version_kind(ModelReplica), _line, **by)


def read(call: Call[ModelDeployment], lines: list[str] | None, seen: set[str]) -> tuple[dict[int, Manifest], set[int]]:
    """What exists and is not among `seen` names, by ordinal; and the ordinals of what goes by itself."""
    if lines is None:
        raise NotFetched("replicas")
    ordinals = {names.replica_name(call.name, n): n for n in range(MOST_ORDINALS)}
    found, leaving = {}, set()
    for owner, deleted, manifest in map(json.loads, lines):
        ordinal = ordinals.get(manifest["metadata"]["name"])
        if ordinal is None or manifest["metadata"]["name"] in seen:
            continue
        # One without an owner was restored, or left when a deployment was deleted without its replicas.
        if deleted or owner not in (call.xr.metadata.uid, ""):
            leaving.add(ordinal)
        else:
            found[ordinal] = {**manifest, "metadata": {**manifest["metadata"], "namespace": call.namespace}}
    return found, leaving


def _line(replica: Fields) -> str:
    owners = [
        o.text("uid", "") for o in replica.parts("metadata.ownerReferences") if o.flag("controller", default=False)
    ]
    ours = {k: v for k, v in replica.texts("metadata.labels").items() if k.startswith("modelplane.ai/")}
    spec = {k: v for k, v in replica.part("spec").plain().items() if k != "crossplane"}
    api_version, kind = group_version_kind(ModelReplica)
    manifest = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": replica.text("metadata.name"), "labels": ours},
        "spec": spec,
    }
    return json.dumps([next(iter(owners), ""), bool(replica.text("metadata.deletionTimestamp", "")), manifest])
