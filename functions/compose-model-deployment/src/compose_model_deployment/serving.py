"""How a replica is served, with everything resolved that the deployment leaves open.

A replica keeps what was resolved when it was created, so that a new version of Modelplane,
with other defaults, restarts nothing.
"""

from __future__ import annotations

from typing import Any

from contract.flags import parse
from contract.picker import UnknownVersion, dialect_of
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
    earlier: Manifest = {} if "image" in asked or "version" in asked else before.get("endpointPicker", {})
    dialect = dialect_of(asked.get("image", earlier.get("image")), asked.get("version", earlier.get("version")))
    if isinstance(dialect, UnknownVersion):
        return written  # The contract has told it; nothing is composed from this.
    image = asked.get("image") or earlier.get("image") or dialect.picker_image
    sidecar = {"image": before.get("sidecar", {}).get("image") if earlier else None, **written.get("sidecar", {})}
    return {
        **written,
        "disaggregation": {"blockSizeTokens": _block(xr), **written.get("disaggregation", {})},
        "sidecar": {**sidecar, "image": sidecar["image"] or dialect.sidecar_image},
        "endpointPicker": {**asked, "image": image, "version": asked.get("version") or _version(image, dialect)},
    }


def _version(image: str, dialect: Any) -> str:
    """The release of the image where its tag tells it, else the dialect's."""
    tag = image.rpartition(":")[2]
    return (
        tag
        if tag.startswith(f"{dialect.name}.") and tag.removeprefix(f"{dialect.name}.").isdigit()
        else dialect.version
    )


def _block(xr: ModelDeployment) -> int:
    """Tokens in a KV block of the decode engine."""
    decode = next((e for e in xr.spec.engines if e.phase == "Decode"), xr.spec.engines[0])
    container = decode.members[0].template.manifest()["spec"]["containers"][0]
    flags = parse(container.get("command"), container.get("args"), container.get("env"), container.get("image", ""))
    return flags.block_size or ENGINE_BLOCK
