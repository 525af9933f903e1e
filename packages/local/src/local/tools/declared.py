"""tools/tools.yaml as values, and where what it names has been built."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from local.errors import ToolMissingError


@dataclass(frozen=True)
class Tool:
    """One row of the table; `folder` holds its Go module."""

    name: str
    folder: Path
    module: str
    version: str
    package: str = ""
    binaries: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Changes with the row and with every byte of the tool's folder, and with nothing else."""
        row = {k: v for k, v in asdict(self).items() if k != "folder"}
        digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode())
        for source in sorted(p for p in self.folder.iterdir() if p.is_file()):
            digest.update(f"\0{source.name}\0".encode() + source.read_bytes())
        return digest.hexdigest()[:12]

    @property
    def place(self) -> Path:
        """Where the built tool is; it exists only when the build was completed."""
        return built() / f"{self.name}-{self.version}-{self.key}"


def sources() -> Path:
    """The folder tools/ of the checkout that this package is run from."""
    for folder in (*Path(__file__).resolve().parents, Path.cwd()):
        if (folder / "tools" / "tools.yaml").is_file():
            return folder / "tools"
    raise ToolMissingError("tools/tools.yaml was not found: run this from a checkout of Modelplane")


def built() -> Path:
    """The ignored folder that built tools are kept in (MODELPLANE_TOOLS overrides it)."""
    override = os.environ.get("MODELPLANE_TOOLS")
    return Path(override).absolute() if override else sources().parent / ".tools"


@functools.cache
def table() -> dict[str, Tool]:
    """Every tool by name, in the order in which they are built."""
    rows = yaml.safe_load((sources() / "tools.yaml").read_text())
    return {
        name: Tool(name, sources() / name, **{**row, "binaries": tuple(row.get("binaries", ()))})
        for name, row in rows.items()
    }


def path(binary: str) -> Path:
    """The built binary of that name."""
    for tool in table().values():
        if binary in tool.binaries:
            return _existing(tool, tool.place / "bin" / binary)
    known = ", ".join(b for t in table().values() for b in t.binaries)
    raise ToolMissingError(f"There is no tool {binary!r} in tools/tools.yaml; it has {known}")


def files(name: str) -> Path:
    """The folder of the files that were taken from the tool's module."""
    if name not in table():
        raise ToolMissingError(f"There is no tool {name!r} in tools/tools.yaml; it has {', '.join(table())}")
    return _existing(table()[name], table()[name].place / "files")


def _existing(tool: Tool, target: Path) -> Path:
    if not target.exists():
        raise ToolMissingError(
            f"{target.name if tool.package else tool.name} {tool.version} is not built yet: run `make tools`"
        )
    return target
