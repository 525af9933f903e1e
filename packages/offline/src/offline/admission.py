"""What the API server does with a manifest before it exists: refuse it with sentences, or set its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from offline import naming, rules, structural
from offline.findings import Finding, Path
from offline.kinds import Kinds
from offline.manifests import Manifest, Reading
from offline.store import Key, key_of

_SERVER_FIELDS = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "ownerReferences",
)
Problem = tuple[Path, str]


@dataclass(frozen=True)
class Verdict:
    """The object as it would be stored, and why it would not be."""

    value: dict[str, Any]
    problems: list[Problem]


class Gate:
    """Admits objects of all kinds."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds

    def admit(self, value: dict[str, Any], old: Mapping[str, Any] | None = None) -> Verdict:
        """`value` with its defaults, and everything its kind refuses about it."""
        kind = self.kinds.find(value["apiVersion"], value["kind"])
        problems = list(naming.metadata_problems(value, naming.MAX_NAME if kind else naming.MAX_DOTTED))
        problems += self._scope(value)
        if kind is None:
            return Verdict(value, problems)
        unknown = list(structural.unknown(kind.schema, value))
        value = structural.defaulted(kind.schema, value)
        refused, sound = kind.judge.problems(value)
        broken = rules.broken(kind.schema, value, old) if sound else ()
        return Verdict(value, [*problems, *unknown, *refused, *structural.twice(kind.schema, value), *broken])

    def _scope(self, value: dict[str, Any]) -> Iterator[Problem]:
        namespaced = self.kinds.namespaced(value["apiVersion"], value["kind"])
        if not namespaced and value["metadata"].get("namespace"):
            yield ("metadata", "namespace"), f"{value['kind']} has no namespace; remove this field"


def screen(reading: Reading, gate: Gate, earlier: Mapping[Key, Mapping[str, Any]]) -> dict[Key, dict[str, Any]]:
    """The objects of a reading as they would be stored; what is wrong with them goes to its findings."""
    admitted: dict[Key, dict[str, Any]] = {}
    first: dict[Key, Manifest] = {}
    for manifest in reading.manifests:
        if text := gate.kinds.refusal(manifest.value["apiVersion"], manifest.value["kind"]):
            reading.findings.append(manifest.source.finding(("kind",), text))
            continue
        value = prepared(manifest.value, gate.kinds)
        key = key_of(value)
        verdict = gate.admit(value, earlier.get(key))
        reading.findings += _findings(manifest, verdict.problems)
        if key in first:
            reading.findings.append(_second(key, first[key], manifest))
        first.setdefault(key, manifest)
        admitted[key] = verdict.value
    return admitted


def prepared(value: dict[str, Any], kinds: Kinds) -> dict[str, Any]:
    """`value` without what only the server writes, in the namespace kubectl would choose."""
    metadata = {k: v for k, v in value["metadata"].items() if k not in _SERVER_FIELDS}
    if kinds.namespaced(value["apiVersion"], value["kind"]) and not metadata.get("namespace"):
        metadata["namespace"] = "default"
    return {**{k: v for k, v in value.items() if k != "status"}, "metadata": metadata}


def _second(key: Key, first: Manifest, second: Manifest) -> Finding:
    place = f"{first.source.file}:{first.source.line()}"
    return second.source.finding((), f"{key} stands twice, first at {place}; keep one")


def _findings(manifest: Manifest, problems: list[Problem]) -> Iterator[Finding]:
    source = manifest.source
    known = {path for _, path, _ in source.document.problems}
    for path, text in problems:
        if (*source.base, *path) in known:
            continue
        yield source.finding(path, text + _bare_word(text, source.spelled(path)))


def _bare_word(problem: str, word: str | None) -> str:
    """YAML reads some bare words and all numbers as something else than text."""
    if word is None or not problem.startswith("must be text"):
        return ""
    return f' (YAML does not read {word} as text; write "{word}")'
