"""Objects of other kinds as they came over the wire: a few fields are read, the rest is never unpacked.

A fleet is thousands of objects. Turned into dictionaries and models it takes thirty times as long
as it takes to read the few fields that a decision needs (`design/peeking.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf import struct_pb2

D = TypeVar("D", str, int, bool)

_NULL = "null_value"


class Unreadable(Exception):  # noqa: N818  # Somebody else's object is in the way, not a bug.
    """An object that was found or seen is not what its kind's schema says."""


class Fields:
    """A read-only view of one object, or of a part of one; paths are keys with dots between them.

    Null counts as absent. What is absent has the default that the reader gives, and is Unreadable
    where none is given; so is a value of another type than the one that is asked for.
    """

    __slots__ = ("_fields", "_place")

    def __init__(self, fields: Mapping[str, Any], place: tuple[Any, ...]) -> None:
        self._fields = fields
        self._place = place

    def text(self, path: str, default: str | None = None) -> str:
        """The text at `path`."""
        value = self._at(path)
        found = None if value is None else _text(value)
        return self._default(path, value, default, "a text") if found is None else found

    def count(self, path: str, default: int | None = None) -> int:
        """The whole number at `path`, which is not negative."""
        value = self._at(path)
        found = value.number_value if value is not None else 0.0
        if found > 0 and found.is_integer():
            return int(found)
        if value is not None and value.WhichOneof("kind") == "number_value" and found == 0:
            return 0
        return self._default(path, value, default, "a whole number, 0 or more")

    def flag(self, path: str, default: bool | None = None) -> bool:
        """The truth value at `path`."""
        value = self._at(path)
        if value is not None and value.WhichOneof("kind") == "bool_value":
            return bool(value.bool_value)
        return self._default(path, value, default, "true or false")

    def texts(self, path: str) -> dict[str, str]:
        """The map of texts at `path`, such as labels; empty when it is absent."""
        inside = self.part(path)._fields
        return {key: self._own_text(f"{path}.{key}", inside[key]) for key in sorted(inside)}

    def list_of_texts(self, path: str) -> list[str]:
        """The texts in the list at `path`; none when it is absent."""
        return [self._own_text(f"{path}.{index}", item) for index, item in enumerate(self._list(path))]

    def part(self, path: str) -> Fields:
        """The object at `path`; an empty one when it is absent."""
        value = self._at(path)
        if value is not None and value.WhichOneof("kind") not in ("struct_value", _NULL):
            raise self._wrong(path, "an object")
        return Fields(value.struct_value.fields if value is not None else {}, (*self._place, path))

    def parts(self, path: str) -> list[Fields]:
        """The objects in the list at `path`; none when it is absent."""
        found = []
        for index, item in enumerate(self._list(path)):
            inside = item.struct_value.fields
            if not inside and item.WhichOneof("kind") != "struct_value":
                raise self._wrong(f"{path}.{index}", "an object")
            found.append(Fields(inside, (*self._place, path, index)))
        return found

    def plain(self) -> dict[str, Any]:
        """All of it as plain values: for small parts that another reader checks."""
        return {key: _plain(self._fields[key]) for key in sorted(self._fields) if not _is_null(self._fields[key])}

    def _list(self, path: str) -> list[Any]:
        value = self._at(path)
        if value is not None and value.WhichOneof("kind") not in ("list_value", _NULL):
            raise self._wrong(path, "a list")
        return value.list_value.values if value is not None else []

    def _at(self, path: str) -> Any:
        """The value at `path`, or None; a protobuf map would add a key that is asked for with brackets."""
        *parents, last = path.split(".")
        fields = self._fields
        for depth, key in enumerate(parents, 1):
            value = fields.get(key)
            if value is None:
                return None
            fields = value.struct_value.fields
            if not fields and value.WhichOneof("kind") not in ("struct_value", _NULL):
                raise self._wrong(".".join(parents[:depth]), "an object")
        return fields.get(last)

    def _own_text(self, path: str, value: Any) -> str:
        found = _text(value)
        if found is None:
            raise self._wrong(path, "a text")
        return found

    def _default(self, path: str, value: Any, default: D | None, wanted: str) -> D:
        if value is not None and not _is_null(value):
            raise self._wrong(path, wanted)
        if default is None:
            raise self._wrong(path, f"{wanted}, and is missing")
        return default

    def _wrong(self, path: str, wanted: str) -> Unreadable:
        kind, name, *place = self._place
        where = ".".join(str(part) for part in (*place, path))
        return Unreadable(f"{kind} {name} cannot be read: {where} must be {wanted}")


def view(kind: str, struct: struct_pb2.Struct) -> Fields:
    """The view of one object of `kind`."""
    return Fields(struct.fields, (kind, _identity(struct, "name")))


def label_selector(part: Fields) -> dict[str, Any]:
    """A label selector with its types checked; empty when it selects everything."""
    rules = [
        {"key": rule.text("key"), "operator": rule.text("operator"), "values": rule.list_of_texts("values")}
        for rule in part.parts("matchExpressions")
    ]
    selector = {"matchLabels": part.texts("matchLabels"), "matchExpressions": rules}
    return selector if any(selector.values()) else {}


def version(struct: struct_pb2.Struct) -> tuple[str, str]:
    """The uid and resourceVersion of an object: the same two are the same content. Empty when it has none."""
    return _identity(struct, "uid"), _identity(struct, "resourceVersion")


def _identity(struct: struct_pb2.Struct, key: str) -> str:
    metadata = struct.fields.get("metadata")
    value = metadata.struct_value.fields.get(key) if metadata is not None else None
    return str(value.string_value) if value is not None else ""


def _text(value: Any) -> str | None:
    found: str = value.string_value
    return found if found or value.WhichOneof("kind") == "string_value" else None


def _is_null(value: Any) -> bool:
    return value.WhichOneof("kind") in (_NULL, None)


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return Fields(value.struct_value.fields, ()).plain()
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return None if kind in (_NULL, None) else getattr(value, kind)
