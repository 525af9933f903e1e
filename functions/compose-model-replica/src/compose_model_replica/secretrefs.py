"""The Secrets that a pod refers to, by the names they have here and on the cluster."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from schemas import ModelReplica

Manifest = dict[str, Any]


def required(replica: ModelReplica) -> set[str]:
    """The Secrets without which the replica's pods do not start."""
    return {ref[field] for pod in _pods(replica) for ref, field in _references(pod) if not ref.get("optional")}


def used(replica: ModelReplica) -> set[str]:
    """All Secrets that the replica's pods refer to."""
    return {ref[field] for pod in _pods(replica) for ref, field in _references(pod)}


def renamed(pod: Manifest, name: Callable[[str], str]) -> Manifest:
    """The pod's spec with each Secret under another name."""
    result = copy.deepcopy(pod)
    for ref, field in _references(result):
        ref[field] = name(ref[field])
    return result


def _pods(replica: ModelReplica) -> Iterator[Manifest]:
    for engine in replica.spec.engines:
        for member in engine.members:
            yield member.template.manifest()["spec"]


def _references(pod: Manifest) -> Iterator[tuple[Manifest, str]]:
    """Each reference, and the field of it that holds the name."""
    for pull in pod.get("imagePullSecrets", []):
        yield pull, "name"
    for volume in pod.get("volumes", []):
        if "secret" in volume:
            yield volume["secret"], "secretName"
    for container in pod.get("containers", []):
        for source in container.get("envFrom", []):
            if "secretRef" in source:
                yield source["secretRef"], "name"
        for entry in container.get("env", []):
            if "secretKeyRef" in entry.get("valueFrom", {}):
                yield entry["valueFrom"]["secretKeyRef"], "name"
