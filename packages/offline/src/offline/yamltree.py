"""YAML to plain values, with the line of every field, for any bytes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from offline.findings import Path, spell
from offline.scalars import BadScalarError, resolve

MAX_DEPTH = 64
MAX_NODES = 2_000_000
_PAIR = re.compile(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)")
_ADVICE = {
    "mapping values are not allowed": "put a value that contains ': ' in quotes",
    "tab character": "indent with spaces",
    "cannot start any token": "indent with spaces, not tabs, and put a value that starts with @, ` or % in quotes",
    "did not find expected key": "look at the indentation and the quotes of this line and those above",
    "UTF-8": "save the file as UTF-8",
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Document:
    """One YAML document: its value and where each field stands."""

    value: Any = None
    line: int = 1
    lines: dict[Path, int] = field(default_factory=dict)
    spelled: dict[Path, str] = field(default_factory=dict)
    problems: list[tuple[int, Path, str]] = field(default_factory=list)


class UnreadableError(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def documents(content: bytes) -> Iterator[Document]:
    """Each document of a file; raises `UnreadableError` where reading must stop."""
    reader = _Reader(_as_yaml(content))
    while (document := reader.document()) is not None:
        yield document


def _as_yaml(content: bytes) -> bytes:
    """JSON in the part of it that YAML reads too, line by line; anything else as it is."""
    if not content.lstrip().startswith((b"{", b"[")):
        return content
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return content
    return _PAIR.sub(_one_escape, content.replace(b"\t", b" "))


def _one_escape(match: re.Match[bytes]) -> bytes:
    high, low = match.groups()
    if high is None:
        return match[0]
    return b"\\U%08x" % (0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        try:
            self.loader = _LOADER(content)
        except (yaml.YAMLError, ValueError) as error:
            raise _unreadable(error, content) from None
        self.nodes = 0

    def event(self) -> Any:
        try:
            return self.loader.get_event()
        except (yaml.YAMLError, ValueError) as error:
            raise _unreadable(error, self.content) from None

    def document(self) -> Document | None:
        event = self.event()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentEndEvent)):
            event = self.event()
        if event is None or isinstance(event, yaml.StreamEndEvent):
            return None
        builder = _Builder(self, Document())
        first = self.event()
        builder.into.line = first.start_mark.line + 1
        builder.into.value = builder.node(first, ())
        return builder.into

    def spend(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise UnreadableError(line, f"more than {MAX_NODES} values, aliases counted: too big to read")


class _Builder:
    def __init__(self, reader: _Reader, into: Document) -> None:
        self.reader = reader
        self.into = into
        self.anchors: dict[str, tuple[Any, int]] = {}

    def node(self, event: Any, path: Path) -> Any:
        line = event.start_mark.line + 1
        self.into.lines[path] = line
        if len(path) > MAX_DEPTH:
            raise UnreadableError(line, f"more than {MAX_DEPTH} levels of nesting")
        self.reader.spend(1, line)
        before = self.reader.nodes
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor, line)
        value = self.build(event, path)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.reader.nodes - before + 1)
        return value

    def build(self, event: Any, path: Path) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path)
        return self.mapping(path)

    def alias(self, anchor: str | None, line: int) -> Any:
        if anchor is None or anchor not in self.anchors:
            raise UnreadableError(line, f"the alias *{anchor} has no anchor before it")
        value, size = self.anchors[anchor]
        self.reader.spend(size, line)
        return copy.deepcopy(value)

    def scalar(self, event: Any, path: Path) -> Any:
        plain = event.implicit[0]
        try:
            value = resolve(event.value, event.tag, plain)
        except BadScalarError as error:
            self.into.problems.append((event.start_mark.line + 1, path, str(error)))
            return None
        if plain and value is not None and not isinstance(value, str):
            self.into.spelled[path] = event.value
        return value

    def sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self.reader.event(), yaml.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        return items

    def mapping(self, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self.reader.event(), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
                self.merge(merged, self.node(self.reader.event(), (*path, "<<")), line)
                continue
            key = self.key(event, path)
            if key in own:
                self.into.problems.append((line, path, f"the key {key} stands twice; keep one"))
            own[key] = self.node(self.reader.event(), (*path, key))
            self.into.lines[(*path, key)] = line
        return {**merged, **own}

    def merge(self, into: dict[str, Any], value: Any, line: int) -> None:
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise UnreadableError(line, "<< merges mappings only")
        for part in parts:
            for key, item in part.items():
                into.setdefault(key, item)

    def key(self, event: Any, path: Path) -> str:
        value = self.node(event, (*path, "<key>"))
        self.into.lines.pop((*path, "<key>"), None)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return str(value)
        where = spell(path) or "the document"
        advice = "; a template is no manifest: render its {{ … }} first" if isinstance(value, dict) else ""
        raise UnreadableError(event.start_mark.line + 1, f"a key of {where} is not text{advice}")


def _unreadable(error: Exception, content: bytes) -> UnreadableError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    words = " ".join(" ".join(str(part) for part in (context, problem) if part).split())
    advice = next((f"; {advice}" for part, advice in _ADVICE.items() if part in words), "")
    # What is no text is told by its place among the bytes.
    line = mark.line if mark else content[: getattr(error, "position", 0) or 0].count(b"\n")
    return UnreadableError(line + 1, f"not YAML: {words}{advice}")
