"""What a change keeps, creates, updates and deletes, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kit.conditions import NOTHING_WRONG

from offline import conditions
from offline.findings import printable, shortened, spell
from offline.kinds import Kinds
from offline.plane import Result, differences
from offline.remote import OBJECT_GROUP, Fleet, outlives
from offline.store import Key, Object, Store, controller_uid

_FIELDS = 3
Subject = tuple[str, Key]  # The cluster, empty for the control plane, and the object.


@dataclass(frozen=True)
class Change:
    """What happens to one object."""

    action: str  # "keep", "create", "update" or "delete"
    cluster: str
    key: Key
    why: str

    def __str__(self) -> str:
        place = f" on {self.cluster}" if self.cluster else ""
        return printable(f"{self.action} {self.key}{place}" + (f": {self.why}" if self.why else ""))


@dataclass(frozen=True)
class _Side:
    """One moment: the control plane's objects, and all subjects with what their authors wrote."""

    store: Store
    subjects: Mapping[Subject, Mapping[str, Any]]
    owners: Mapping[Subject, Key]

    def outlives(self, subject: Subject) -> bool:
        """Whether it stays on its cluster when its Object goes."""
        own = self.store.get(self.owners[subject]) if subject in self.owners else None
        return own is not None and outlives(own)

    def parent(self, subject: Subject) -> Object | None:
        own = self.store.get(self.owners.get(subject, subject[1])) or {}
        uid = controller_uid(own) if own else None
        return self.store.by_uid(uid) if uid else None


def compare(
    earlier: Mapping[Key, Object], result: Result, held: Mapping[Subject, Mapping[str, Any]] | None = None
) -> list[Change]:
    """Every object of either moment, by cluster and by what it is; `held` is what clusters had besides."""
    before, after = _side(earlier, result.kinds), _side(result.objects, result.kinds)
    before = replace(before, subjects={**(held or {}), **before.subjects})
    return [_change(s, before, after) for s in sorted({*before.subjects, *after.subjects})]


def _side(objects: Mapping[Key, Object], kinds: Kinds) -> _Side:
    store = Store()
    for value in objects.values():
        store.put(value)
    subjects: dict[Subject, Mapping[str, Any]] = {}
    told = {k for k, v in objects.items() if kinds.find(v["apiVersion"], k.kind) or controller_uid(v)}
    told -= {key for key in told if (key.group, key.kind) == (OBJECT_GROUP, "Object")}
    for key, value in objects.items():
        if key in told:
            subjects["", key] = _written(value)
    remotes = {(r.cluster, r.key): r for r in Fleet(store).remotes()}
    subjects.update({subject: remote.manifest for subject, remote in remotes.items()})
    return _Side(store, subjects, {subject: remote.owner for subject, remote in remotes.items()})


def _written(value: Object) -> dict[str, Any]:
    """An object without what the control plane itself writes."""
    metadata = {k: v for k, v in value["metadata"].items() if k in ("name", "namespace", "labels", "annotations")}
    written = {k: v for k, v in value.items() if k not in ("status", "metadata", "spec")}
    spec = value.get("spec")
    spec = {k: v for k, v in spec.items() if k != "crossplane"} if isinstance(spec, dict) else spec
    return {**written, "metadata": metadata, "spec": spec}


def _change(subject: Subject, before: _Side, after: _Side) -> Change:
    old, new = before.subjects.get(subject), after.subjects.get(subject)
    if old is None:
        parent = after.parent(subject)
        return Change("create", *subject, f"wanted by {_name(parent)}" if parent else "new in the given files")
    if new is None and before.outlives(subject):
        return Change("keep", *subject, "")
    if new is None:
        return Change("delete", *subject, _why_deleted(subject, before, after))
    if old == new:
        return Change("keep", *subject, "")
    return Change("update", *subject, _fields(old, new))


def _why_deleted(subject: Subject, before: _Side, after: _Side) -> str:
    parent = before.parent(subject)
    if parent is None:
        return "no longer in the given files"
    now = after.store.by_uid(parent["metadata"]["uid"])
    if now is None:
        return f"{_name(parent)} is deleted"
    return "; ".join([f"no longer wanted by {_name(parent)}", *_sentences(_written(parent), now)])


def _sentences(written: Mapping[str, Any], now: Object) -> Iterator[str]:
    """What changed about a composite, and what it says itself."""
    if fields := _fields(written, _written(now)):
        yield fields
    for found in conditions.of(now):
        if _is_wrong(found) and found["type"] not in conditions.SYSTEM:
            yield conditions.sentence(found)


def _is_wrong(found: conditions.Condition) -> bool:
    """A mode that nobody asked for is no reason for anything."""
    return found.get("status") == "False" and found.get("reason") not in NOTHING_WRONG


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    paths = list(differences(old, new))
    words = [f"{spell(path)} {_at(old, path)} → {_at(new, path)}" for path in paths[:_FIELDS]]
    more = [f"and {len(paths) - _FIELDS} more"] if len(paths) > _FIELDS else []
    return "; ".join([*words, *more])


def _at(value: Any, path: tuple[str | int, ...]) -> str:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else value[step]
    return "(unset)" if value is None else shortened(json.dumps(value, ensure_ascii=False), 40)


def _name(value: Object) -> str:
    metadata = value["metadata"]
    return f"{value['kind']} {metadata['name']}"
