"""What a peek carries from one round of a reconcile to the next: a line for each object."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from google.protobuf import struct_pb2

from kit.fields import Fields, Unreadable, version, view

Read = Callable[[Fields], str]

# In a request: somebody wants all reasons, not the few that a status has room for. In an answer: the reasons.
EXPLAIN = "modelplane.ai/explain"
_PEEKED = "modelplane.ai/peeked-"
_UNREADABLE = "modelplane.ai/unreadable-"
# By reader and uid: the resourceVersion that was read, and its line. It starts anew when it is full.
_known: dict[tuple[Read, str], tuple[str, str]] = {}
_MOST_KNOWN = 50_000


def carried(context: struct_pb2.Struct, key: str) -> list[str] | None:
    """The lines that an earlier round wrote down; None when it did not. Raises Unreadable where it could not."""
    if _UNREADABLE + key in context.fields:
        raise Unreadable(context.fields[_UNREADABLE + key].string_value)
    if _PEEKED + key not in context.fields:
        return None
    text: str = context.fields[_PEEKED + key].string_value
    return text.split("\n") if text else []


def carry(key: str, kind: str, found: Iterable[struct_pb2.Struct], read: Read) -> dict[str, str]:
    """What to put into the context: the sorted lines, or why an object could not be read."""
    lines, unreadable = [], []
    for struct in found:
        try:
            lines.append(_line(kind, struct, read))
        except Unreadable as e:
            unreadable.append(str(e))
    if unreadable:
        return {_UNREADABLE + key: min(unreadable)}
    return {_PEEKED + key: "\n".join(sorted(lines))}


def _line(kind: str, struct: struct_pb2.Struct, read: Read) -> str:
    uid, resource_version = version(struct)
    if not uid or not resource_version:
        return read(view(kind, struct))
    seen, line = _known.get((read, uid), ("", ""))
    if seen == resource_version:
        return line
    line = read(view(kind, struct))
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[read, uid] = (resource_version, line)
    return line
