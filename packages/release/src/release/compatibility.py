"""The versions of others that this one is tested with, and what of a manifest is outside of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from contract.findings import UNTESTED_VERSION, Finding, Severity
from contract.read import Path as Steps
from contract.read import read

Manifest = Mapping[str, Any]
FILE = Path(__file__).with_name("compatibility.yaml")
_RELEASE = re.compile(r"[vV]?(\d+)\.(\d+)(?:[.+-].*)?")
_STACKS: Mapping[str, Steps] = {
    "InferenceCluster": ("spec", "servingStack", "versions"),
    "ServingStack": ("spec", "versions"),
}
# Under these a package is named as an image is.
_REFERENCES = ("image", "package")


@dataclass(frozen=True)
class Tested:
    """One row of the table."""

    name: str
    where: str
    version: str
    tool: str = ""
    component: str = ""
    also: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    fields: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict, hash=False)

    @property
    def versions(self) -> tuple[str, ...]:
        """All that were run, oldest first."""
        return tuple(sorted({self.version, *self.also}, key=lambda version: _minor(version) or (0, 0)))

    def covers(self, version: str) -> bool:
        """Whether a release with the same minor number was run."""
        return _minor(version) in {_minor(known) for known in self.versions}

    def paths(self, kind: str) -> Iterator[Steps]:
        """Where a manifest of this kind names a version of it."""
        yield from (tuple(path) for path in self.fields.get(kind, ()))
        if self.component and kind in _STACKS:
            yield (*_STACKS[kind], self.component)


@functools.cache
def table() -> tuple[Tested, ...]:
    """Every row of compatibility.yaml."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(
        Tested(**{**row, "also": tuple(row.get("also", ())), "images": tuple(row.get("images", ()))}) for row in rows
    )


def check(manifest: Manifest) -> list[Finding]:
    """A warning for each version that `manifest` names and that was not run."""
    silenced = UNTESTED_VERSION in read(manifest).ignored
    return [
        Finding(UNTESTED_VERSION, Severity.WARNING, path, _sentence(row, version), _fix(row), silenced=silenced)
        for row, path, version in _named(manifest)
        if not row.covers(version)
    ]


def _named(manifest: Manifest) -> Iterator[tuple[Tested, Steps, str]]:
    """Every version that is named: in fields of this kind, and by the tags of images and packages anywhere."""
    for row in table():
        for path in row.paths(str(manifest.get("kind"))):
            found = _at(manifest, path)
            if isinstance(found, str) and found:
                yield row, path, found
    for path, reference in _references(manifest, ()):
        repository, tag = _split(reference)
        for row in table():
            if tag and any(f"/{repository}".endswith(f"/{known}") for known in row.images):
                yield row, path, tag


def _at(manifest: Any, path: Steps) -> Any:
    for step in path:
        manifest = manifest.get(step) if isinstance(manifest, Mapping) else None
    return manifest


def _references(value: Any, path: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            if key in _REFERENCES and isinstance(below, str):
                yield (*path, key), below
            yield from _references(below, (*path, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, below in enumerate(value):
            yield from _references(below, (*path, index))


def _split(reference: str) -> tuple[str, str]:
    """The repository and the tag; a digest tells no version."""
    folders, _, last = reference.partition("@")[0].rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folders}/{name}".lstrip("/"), tag


def _minor(version: str) -> tuple[int, int] | None:
    found = _RELEASE.fullmatch(version)
    return (int(found[1]), int(found[2])) if found else None


def _sentence(row: Tested, version: str) -> str:
    if _minor(version) is None:
        return f"{version} does not tell which release of {row.name} it is"
    return f"{row.name} {version} was not run with this version of Modelplane"


def _fix(row: Tested) -> str:
    return f"use what was run, {' or '.join(row.versions)}, or try it before you rely on it"
