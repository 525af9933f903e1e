"""Manifests from files, folders and standard input, each with the place of every field."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from offline.findings import Finding, MissingPartError, Path, spell
from offline.yamltree import Document, UnreadableError, documents

MAX_BYTES = 64 * 2**20
SUFFIXES = (".yaml", ".yml", ".json")
EXCLUDED = ("want.yaml",)


@dataclass(frozen=True)
class Source:
    """Where a manifest came from, down to its fields."""

    file: str
    document: Document = field(default_factory=Document, repr=False, compare=False)
    base: Path = ()

    def finding(self, path: Path, message: str) -> Finding:
        """A finding at `path`, or at the nearest field above it that was written."""
        return Finding(self.file, self.line(path), message, spell(path))

    def line(self, path: Path = ()) -> int:
        full = (*self.base, *path)
        while full and full not in self.document.lines:
            full = full[:-1]
        return self.document.lines.get(full, self.document.line)

    def spelled(self, path: Path) -> str | None:
        """The bare word in the file, where YAML made something other than text of it."""
        return self.document.spelled.get((*self.base, *path))


@dataclass(frozen=True)
class Manifest:
    """One object as its author wrote it."""

    value: dict[str, Any]
    source: Source


@dataclass
class Reading:
    """All manifests that could be read, and all that is wrong with the rest."""

    manifests: list[Manifest] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read(paths: Sequence[str]) -> Reading:
    """Every manifest below `paths`; `-` is standard input."""
    reading = Reading()
    for file in _files(paths):
        content = sys.stdin.buffer.read(MAX_BYTES + 1) if file == "-" else _content(file)
        name = "<stdin>" if file == "-" else file
        if len(content) > MAX_BYTES:
            reading.findings.append(Finding(name, 0, f"bigger than {MAX_BYTES // 2**20} MiB"))
            continue
        _read(name, content, reading)
    return reading


def _files(paths: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    for path in paths:
        is_folder = path != "-" and _is_folder(path)
        found.update(dict.fromkeys(_below(path)) if is_folder else {path: None})
    return list(found)


def _is_folder(path: str) -> bool:
    try:
        return pathlib.Path(path).is_dir()
    except (OSError, ValueError):
        return False  # Opening it gives the reason.


def _below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(SUFFIXES) and name not in EXCLUDED:
                yield str(pathlib.Path(parent, name))


def _content(file: str) -> bytes:
    try:
        with pathlib.Path(file).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MissingPartError(f"{file}: cannot be read: {reason}") from None


def _read(file: str, content: bytes, reading: Reading) -> None:
    try:
        for document in documents(content):
            source = Source(file, document)
            reading.findings += [Finding(file, line, text, spell(path)) for line, path, text in document.problems]
            for manifest in _expanded(document.value, source, reading):
                if findings := _unnamed(manifest):
                    reading.findings += findings
                    continue
                reading.manifests.append(manifest)
    except UnreadableError as error:
        reading.findings.append(Finding(file, error.line, str(error)))


def _expanded(value: Any, source: Source, reading: Reading) -> Iterable[Manifest]:
    """The manifests of a document: none if it is empty, the items of a List."""
    if value is None:
        return
    if not isinstance(value, dict):
        reading.findings.append(source.finding((), f"a manifest is a mapping, this is {_no_manifest(value)}"))
        return
    if not _is_list(value):
        yield Manifest(value, source)
        return
    items = value.get("items")
    if not isinstance(items, list):
        reading.findings.append(source.finding(("items",), "items of a List must be a list of manifests"))
        return
    for index, item in enumerate(items):
        below = Source(source.file, source.document, (*source.base, "items", index))
        yield from _expanded(item, below, reading)


def _is_list(value: dict[str, Any]) -> bool:
    """A List of kubectl, or of one kind as the API server gives it, which has no name."""
    kind, metadata = value.get("kind"), value.get("metadata")
    is_named = isinstance(metadata, dict) and "name" in metadata
    return kind == "List" or (
        isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list) and not is_named
    )


def _no_manifest(value: Any) -> str:
    advice = "; separate manifests by ---, or put them under items of a manifest of kind: List"
    return a_kind_of(value) + (advice if isinstance(value, list) else "")


def _unnamed(manifest: Manifest) -> list[Finding]:
    value, source = manifest.value, manifest.source
    findings = [
        source.finding((key,), f"{key} {'must be text' if value.get(key) else 'is missing; every manifest needs one'}")
        for key in ("apiVersion", "kind")
        if not isinstance(value.get(key), str) or not value[key]
    ]
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return [*findings, source.finding(("metadata",), "metadata.name is missing; every manifest needs one")]
    if "name" not in metadata and metadata.get("generateName"):
        text = "generateName has no name to show before the object exists; set metadata.name"
        return [*findings, source.finding(("metadata", "generateName"), text)]
    if not metadata.get("name"):
        return [*findings, source.finding(("metadata", "name"), "metadata.name is missing; every manifest needs one")]
    return findings


def a_kind_of(value: Any) -> str:
    """What `value` is, in the API server's words."""
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "an integer", float: "a number"}
    return "null" if value is None else names.get(type(value), "something else")
