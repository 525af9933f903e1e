"""How a replica is served, with everything resolved that the deployment leaves open.

A replica keeps what was resolved when it was created, so that a new version of Modelplane,
with other defaults, restarts nothing.
"""

from __future__ import annotations

import re
from typing import Any

from contract.flags import parse
from contract.picker import Dialect, UnknownVersion, dialect_of
from schemas import ModelDeployment, ModelReplica

Manifest = dict[str, Any]

# vLLM's on CUDA and ROCm, where the flags do not tell.
ENGINE_BLOCK = 16


def resolved(xr: ModelDeployment, existing: ModelReplica | None) -> Manifest:
    """spec.serving of a replica; `existing` is the replica as it is, if there is one."""
    written = xr.spec.serving.manifest()
    if xr.spec.serving.mode != "PrefillDecode":
        return written
    asked: Manifest = written.get("endpointPicker", {})
    before: Manifest = existing.spec.serving.manifest() if existing else {}
    picker = _same(asked, before.get("endpointPicker", {}))
    dialect = dialect_of(asked.get("image", picker.get("image")), asked.get("version", picker.get("version")))
    if isinstance(dialect, UnknownVersion):
        return written  # The contract has told it; nothing is composed from this.
    version = asked.get("version") or picker.get("version") or _version(asked.get("image", ""), dialect)
    image = asked.get("image") or picker.get("image") or f"{dialect.picker_repository}:{version}"
    sidecar = before.get("sidecar", {}).get("image") if picker else None
    default_sidecar = f"{dialect.sidecar_repository}:{version}"
    return {
        **written,
        "disaggregation": {"blockSizeTokens": _block(xr), **written.get("disaggregation", {})},
        "sidecar": {"image": sidecar or default_sidecar, **written.get("sidecar", {})},
        "endpointPicker": {**asked, "image": image, "version": version},
    }


def _same(asked: Manifest, earlier: Manifest) -> Manifest:
    """What was resolved before, as long as nothing else is asked for now."""
    changed = any(asked.get(key, earlier.get(key)) != earlier.get(key) for key in ("image", "version"))
    return {} if changed else earlier


def _version(image: str, dialect: Dialect) -> str:
    """The release that an image's tag names, else the dialect's."""
    tag = image.rpartition(":")[2]
    return tag if re.fullmatch(rf"{re.escape(dialect.name)}\.\d+", tag) else dialect.version


def _block(xr: ModelDeployment) -> int:
    """Tokens in a KV block of the decode engine."""
    decode = next((e for e in xr.spec.engines if e.phase == "Decode"), xr.spec.engines[0])
    container = decode.members[0].template.manifest()["spec"]["containers"][0]
    flags = parse(container.get("command"), container.get("args"), container.get("env"), container.get("image", ""))
    return flags.block_size or ENGINE_BLOCK
