"""The objects of the control plane in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Object = dict[str, Any]
COMPOSITION_KEY = "crossplane.io/composition-resource-name"


class Key(NamedTuple):
    """What identifies an object, whatever its version."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def key_of(value: Mapping[str, Any]) -> Key:
    """The identity of a manifest."""
    group = value["apiVersion"].rpartition("/")[0]
    metadata = value["metadata"]
    return Key(group, value["kind"], str(metadata.get("namespace") or ""), str(metadata["name"]))


def controller_uid(value: Mapping[str, Any]) -> str | None:
    """The uid of the object that composed this one."""
    owners = value["metadata"].get("ownerReferences") or ()
    return next((str(o.get("uid")) for o in owners if o.get("controller")), None)


def dig(value: Any, *path: str) -> Any:
    """What stands at `path`; None where anything on the way is missing or no mapping."""
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


class Store:
    """Objects are replaced, never changed in place, so identity tells whether one changed."""

    def __init__(self) -> None:
        self._objects: dict[Key, Object] = {}
        self._by_kind: dict[tuple[str, str], set[Key]] = {}
        self.changed: dict[Key, tuple[Object | None, Object | None]] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(sorted(self._objects))

    def get(self, key: Key) -> Object | None:
        return self._objects.get(key)

    def by_uid(self, uid: str) -> Object | None:
        """The object with this uid."""
        return next((v for v in self._objects.values() if v["metadata"].get("uid") == uid), None)

    def objects(self) -> dict[Key, Object]:
        """Every object, sorted by what it is."""
        return {key: self._objects[key] for key in self}

    def put(self, value: Object) -> None:
        """Create or replace; an equal object changes nothing."""
        key = key_of(value)
        old = self._objects.get(key)
        if old == value:
            return
        self._objects[key] = value
        self._by_kind.setdefault(key[:2], set()).add(key)
        self.changed[key] = (old, value)

    def delete(self, key: Key) -> None:
        """Remove an object and all that it composed."""
        gone = self._objects.pop(key, None)
        if gone is None:
            return
        self._by_kind[key[:2]].discard(key)
        self.changed[key] = (gone, None)
        uid = gone["metadata"].get("uid")
        for child in [k for k, v in self._objects.items() if uid and controller_uid(v) == uid]:
            self.delete(child)

    def of(self, group: str, kind: str) -> list[Object]:
        """All of a kind, by namespace and name."""
        return [self._objects[key] for key in sorted(self._by_kind.get((group, kind), ()))]
