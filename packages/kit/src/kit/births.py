"""Objects that have said nothing of themselves yet: they are being born, or their statuses were lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit import composed, conditions

Manifest = dict[str, Any]

# An Object's birth is 13 events of the 100 that a circuit takes at once; a claim and a route come beside.
MOST_AT_ONCE = 6
SECONDS = 30.0


def is_born(seen: Manifest) -> bool:
    """Whether it has said Ready or Synced; one that only removes says Ready when there is something to remove."""
    return bool(conditions.find(seen, "Ready") or conditions.find(seen, "Synced"))


def is_unborn(seen: Manifest) -> bool:
    """Whether it is an Object that has said nothing."""
    return composed.is_object(seen) and not is_born(seen)


def is_silent(seen: Manifest) -> bool:
    """Whether the Object has nothing to say although it is no longer being born."""
    return _unborn_for(seen) > SECONDS


def all_silent_in(all_seen: Iterable[Manifest]) -> float | None:
    """Seconds until every young Object that says nothing now is silent; None when there is none."""
    young = [age for age in map(_unborn_for, all_seen) if 0 < age <= SECONDS]
    return SECONDS + 1 - min(young) if young else None


def _unborn_for(seen: Manifest) -> float:
    created = composed.created(seen)
    return conditions.seconds_since(created) if created and is_unborn(seen) else 0.0
