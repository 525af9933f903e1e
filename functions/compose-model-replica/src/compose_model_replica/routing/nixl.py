"""NIXL, over which KV blocks travel from prefill to decode: on every pod of both phases, gang workers too."""

from __future__ import annotations

from typing import Any

from contract import sidechannel
from contract.flags import parse
from kit import names

from compose_model_replica import injected

Manifest = dict[str, Any]

_VOLUME = "modelplane-shm"


def add(template: Manifest) -> Manifest:
    """The template with what NIXL needs; what its owner set stands."""
    spec = template["spec"]
    containers = [_container(c) if c["name"] == names.ENGINE_CONTAINER else c for c in spec["containers"]]
    added = {**spec, "containers": containers}
    if not _has_shared_memory(spec):
        volume = {"name": _VOLUME, **injected.SHARED_MEMORY.value}
        added["volumes"] = [*spec.get("volumes", []), volume]
    return {**template, "spec": added}


def _container(container: Manifest) -> Manifest:
    theirs = {e["name"] for e in container.get("env", [])}
    ours = [{"name": i.field.rpartition(" ")[2], **i.value} for i in injected.NIXL_ENV]
    flags = parse(container.get("command"), container.get("args"), container.get("env"), container["image"])
    port = {"name": sidechannel.PORT, "value": str(sidechannel.port_unless_set(flags))}
    ours = [port if e["name"] == sidechannel.PORT else e for e in ours]
    added = {**container, "env": [*(e for e in ours if e["name"] not in theirs), *container.get("env", [])]}
    if not _mounts_shared_memory(container):
        added["volumeMounts"] = [*container.get("volumeMounts", []), {"name": _VOLUME, "mountPath": "/dev/shm"}]  # noqa: S108  # NIXL's.
    return added


def _has_shared_memory(spec: Manifest) -> bool:
    return any(_mounts_shared_memory(c) for c in spec["containers"] if c["name"] == names.ENGINE_CONTAINER)


def _mounts_shared_memory(container: Manifest) -> bool:
    return any(m["mountPath"].rstrip("/") == "/dev/shm" for m in container.get("volumeMounts", []))  # noqa: S108  # As above.
