"""The volume, and the pods that find out what goes into it and fill it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kit import labels, names
from kit.remote import RESTRICTED
from schemas.clustercache import ClusterCache

from compose_cluster_cache.causes import SENTENCES

Manifest = dict[str, Any]

CONTAINER = "hydrate"
ATTEMPT = "modelplane.ai/attempt"
_SIZE = "modelplane.ai/size-gib"
COMPLETE = (
    "has(object.status) && has(object.status.conditions) && "
    'object.status.conditions.exists(c, c.type == "Complete" && c.status == "True")'
)
SUCCEEDED = 'has(object.status) && has(object.status.phase) && object.status.phase == "Succeeded"'
BOUND = 'has(object.status) && has(object.status.phase) && object.status.phase == "Bound"'
_COMMAND = ["/usr/bin/python3.11", "-P", "-m", "compose_cluster_cache.hydrate"]
_USER = 65532
_RETRIES = 20


@dataclass(frozen=True)
class Token:
    """The hub's token on the cluster."""

    secret: str
    key: str


def claim(xr: ClusterCache, before: Manifest) -> Manifest:
    """The claim of the volume; what Kubernetes makes immutable stays as it was asked for `before`."""
    spec = xr.spec
    storage_class = before.get("spec", {}).get("storageClassName") if before else spec.storageClassName
    asked: Manifest = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": f"{spec.huggingFace.sizeGiB}Gi"}},
    }
    if storage_class:
        asked["storageClassName"] = storage_class
    metadata = _metadata(xr, names.cache_volume(spec.cacheName))
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": asked}


def job(xr: ClusterCache, revision: str, volume: str, token: Token | None, attempt: int) -> Manifest:
    """The Job that fills the volume of that uid. Another volume, commit or attempt is another Job."""
    metadata = _numbered(xr, "hydrate", [revision, volume], attempt)
    metadata["annotations"] = {_SIZE: str(xr.spec.huggingFace.sizeGiB)}
    pod = {**_pod(xr, _container(xr, "fetch", revision, token)), "restartPolicy": "Never"}
    codes = {"containerName": CONTAINER, "operator": "In", "values": sorted(SENTENCES)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": _RETRIES,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": codes}]},
            "template": {"metadata": {"labels": dict(metadata["labels"])}, "spec": pod},
        },
    }


def resolver(xr: ClusterCache, token: Token | None, attempt: int) -> Manifest:
    """The Pod that asks the hub for the commit behind a branch or tag; it ends with the commit as its last word.

    What the volume holds already, it does not ask for again.
    """
    metadata = _numbered(xr, "resolve", [xr.spec.huggingFace.requested], attempt)
    pod = _pod(xr, _container(xr, "resolve", xr.spec.huggingFace.requested, token))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**pod, "restartPolicy": "OnFailure"}}


def _metadata(xr: ClusterCache, name: str) -> Manifest:
    namespace = xr.metadata.namespace
    owned = {labels.TENANT: namespace, labels.CACHE: names.child_name(xr.spec.cacheName)}
    return {"name": name, "namespace": names.tenant_namespace(namespace), "labels": owned}


def _numbered(xr: ClusterCache, what: str, content: list[str], attempt: int) -> Manifest:
    """The metadata of what Kubernetes makes immutable: the name changes with the content."""
    told = json.dumps([*content, attempt])
    metadata = _metadata(xr, names.child_name(xr.spec.cacheName, what, content=told))
    return {**metadata, "labels": {**metadata["labels"], ATTEMPT: str(attempt)}}


def _pod(xr: ClusterCache, container: Manifest) -> Manifest:
    pod: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"fsGroup": _USER, "fsGroupChangePolicy": "OnRootMismatch"},
        "containers": [container],
        "volumes": [
            {"name": "scratch", "emptyDir": {}},
            {"name": "weights", "persistentVolumeClaim": {"claimName": names.cache_volume(xr.spec.cacheName)}},
        ],
    }
    tolerated = [_toleration(t.manifest()) for t in xr.spec.tolerations]
    return {**pod, "tolerations": tolerated} if tolerated else pod


def _container(xr: ClusterCache, command: str, revision: str, token: Token | None) -> Manifest:
    source = xr.spec.huggingFace
    env: list[Manifest] = [
        {"name": "HF_ENDPOINT", "value": source.endpoint},
        {"name": "HF_HOME", "value": "/tmp/hub"},  # noqa: S108  # A volume of the pod's own.
        {"name": "HF_HUB_DISABLE_TELEMETRY", "value": "1"},
        {"name": "MODELPLANE_REPO", "value": source.repo},
        {"name": "MODELPLANE_REVISION", "value": revision},
    ]
    if token:
        secret = {"name": token.secret, "key": token.key}
        env.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": secret}})
    return {
        "name": CONTAINER,
        "image": xr.spec.image,
        "command": [*_COMMAND, command],
        "env": env,
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
        "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108  # As above.
            {"name": "weights", "mountPath": names.CACHE_MOUNT},
        ],
    }


def _toleration(taint: Manifest) -> Manifest:
    operator = {"operator": "Equal", "value": taint["value"]} if "value" in taint else {"operator": "Exists"}
    return {"key": taint["key"], "effect": taint["effect"], **operator}
