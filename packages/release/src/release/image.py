"""An image as the archive that `docker load` and `crossplane xpkg build` take, written by hand."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from release.architecture import BUILDER
from release.runtime import INTERPRETER, USER


@dataclass(frozen=True)
class Image:
    """Layers as tars, bottom first, and the Python module that is started."""

    name: str
    module: str
    layers: tuple[bytes, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    architecture: str = BUILDER.name


def docker_archive(image: Image) -> bytes:
    """The image as one tar: the same image is the same bytes."""
    config = _json(_config(image))
    layers = {f"{_sha256(layer)}.tar": layer for layer in image.layers}
    name = f"{_sha256(config)}.json"
    manifest = [{"Config": name, "RepoTags": [image.name], "Layers": [f"{_sha256(x)}.tar" for x in image.layers]}]
    return _tar({"manifest.json": _json(manifest), name: config, **layers}.items())


def _config(image: Image) -> dict[str, Any]:
    return {
        "architecture": image.architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["PATH=/usr/bin", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
            "Entrypoint": [f"/{INTERPRETER}", "-P", "-m", image.module],
            "WorkingDir": "/",
            "Labels": dict(image.labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer)}" for layer in image.layers]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "modelplane"} for _ in image.layers],
    }


def _tar(files: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
