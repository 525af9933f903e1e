"""The part of a storage provisioner that others wait for: a volume for each claim. Nothing is stored in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from local.api import Kind

Manifest = dict[str, Any]
CLAIM = Kind("v1", "PersistentVolumeClaim")
VOLUME = Kind("v1", "PersistentVolume")


def missing(claims: Iterable[Manifest], volumes: Iterable[Manifest]) -> Iterator[Manifest]:
    """The volumes of claims that have none; Kubernetes binds them by itself."""
    there = {volume["metadata"]["name"] for volume in volumes}
    for claim in claims:
        volume = _volume(claim)
        if not claim["spec"].get("volumeName") and volume["metadata"]["name"] not in there:
            yield volume


def _volume(claim: Manifest) -> Manifest:
    metadata, spec = claim["metadata"], claim["spec"]
    name = f"local-{metadata['uid']}"
    made: Manifest = {
        "accessModes": spec["accessModes"],
        "capacity": spec["resources"]["requests"],
        "claimRef": {"namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]},
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": f"/nowhere/{name}"},
    }
    if "storageClassName" in spec:
        made["storageClassName"] = spec["storageClassName"]
    return {"apiVersion": VOLUME.api_version, "kind": VOLUME.kind, "metadata": {"name": name}, "spec": made}
