"""Conditions as Crossplane writes them on an object's status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from offline.store import dig

TIME = "2026-01-01T00:00:00Z"
SYSTEM = ("Ready", "Synced", "Responsive")
Condition = dict[str, Any]


def condition(kind: str, met: bool | str, reason: str, message: str = "") -> Condition:
    """One condition, at the time that never changes."""
    status = met if isinstance(met, str) else str(met)
    made = {"type": kind, "status": status, "reason": reason, "lastTransitionTime": TIME}
    return {**made, "message": message} if message else made


def of(value: Mapping[str, Any]) -> list[Condition]:
    """The conditions of an object, whatever its status holds."""
    found = dig(value, "status", "conditions")
    return [c for c in found if isinstance(c, dict) and "type" in c] if isinstance(found, list) else []


def find(value: Mapping[str, Any], kind: str) -> Condition | None:
    """The condition of one type."""
    return next((c for c in of(value) if c.get("type") == kind), None)


def is_true(value: Mapping[str, Any], kind: str) -> bool:
    """Whether the condition exists and is True."""
    found = find(value, kind)
    return bool(found and found.get("status") == "True")


def sentence(found: Mapping[str, Any]) -> str:
    """A condition in one line, without its full stop."""
    return f"{found.get('type')}: {str(found.get('message') or found.get('reason')).rstrip('.')}"


def merged(before: Iterable[Condition], after: Iterable[Condition]) -> list[Condition]:
    """The conditions `before` with those of `after` in their place, or added."""
    by_type = {c["type"]: c for c in before}
    by_type.update({c["type"]: c for c in after})
    return list(by_type.values())


def some(names: Sequence[str], limit: int = 3) -> str:
    """The first few names, sorted, and how many more there are, in Crossplane's spelling."""
    ordered = sorted(names)
    if len(ordered) == limit:
        return f"{', '.join(ordered[:-1])}, and {ordered[-1]}"
    if len(ordered) < limit:
        return ", ".join(ordered)
    return f"{', '.join(ordered[:limit])}, and {len(ordered) - limit} more"
