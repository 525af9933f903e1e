"""Which replicas are taken out of service next, and what is done to those that are.

A turn is written into the status before its replica's endpoint goes, and read back after the endpoint is there
again: what is read late can repeat a step, it can not take a second one out (`design/rolling.md`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Change(StrEnum):
    """What is to become of a replica."""

    NONE = ""
    UPDATE = "Update"
    REPLACE = "Replace"
    REMOVE = "Remove"


_WITHDRAWING = (Change.UPDATE, Change.REMOVE)


@dataclass(frozen=True)
class Seen:
    """One replica as it is, and what it should become."""

    change: Change = Change.NONE
    published: bool = True
    """Whether its endpoint is there."""
    ending: bool = False
    """Whether that endpoint is being deleted."""
    known: bool = True
    """Whether it is there for so long that gateways have learnt of it."""
    serves: bool | None = True
    """Whether it answers, all of it made from its spec; None when it has said nothing of itself."""
    revision: int = 0
    """How often it was changed, as far as is seen."""
    surplus: bool = False
    """Whether nobody wants it any more, so that no other has to serve in its place."""

    @property
    def is_up(self) -> bool:
        return self.published and not self.ending and self.known and self.serves is not False

    @property
    def is_broken(self) -> bool:
        return self.serves is False and not self.published


@dataclass(frozen=True)
class Turn:
    """A replica that is taken out of service on purpose."""

    change: Change
    replacement: int | None = None
    since: str = ""
    drained: bool = False
    """Whether `since` is long enough ago."""
    revision: int = 0
    """What its revision will be; until that is seen, what is seen of the replica may be of before."""

    def is_due(self, one: Seen) -> bool:
        return one.revision < self.revision


@dataclass(frozen=True)
class Limits:
    """What the owner asks for."""

    wanted: int
    most_down: int = 1

    @property
    def fewest_up(self) -> int:
        return self.wanted - self.most_down


@dataclass(frozen=True)
class Step:
    """What is done now; replicas by ordinal."""

    turns: Mapping[int, Turn]
    """To be written, and acted on when they are read back."""
    withdrawn: frozenset[int] = frozenset()
    """Whose endpoint goes."""
    update: Mapping[int, int] = field(default_factory=dict)
    """Who is changed, to which revision."""
    remove: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    """Whose endpoint is seen to be gone for the first time: their drain begins now."""
    later: tuple[int, ...] = ()
    """Whose turn comes later."""


def step(seen: Mapping[int, Seen], turns: Mapping[int, Turn], limits: Limits, free: int = 0) -> Step:
    """The next step. `turns` were read back; `free` is an ordinal for a replacement."""
    kept = {n: t for n, t in ((n, _continued(seen[n], turns[n])) for n in sorted(turns) if n in seen) if t}
    out = {n for n, turn in kept.items() if _is_out(turn, seen)}
    done = {n: _done(seen[n], kept[n]) for n in out if not seen[n].published}
    # What does not answer is no loss: it needs no turn.
    done |= {n: one.change for n, one in seen.items() if n not in kept and one.change in _WITHDRAWING and one.is_broken}
    begun = dict(_begin(seen, kept, limits, free))
    after = {n: _decided(seen[n], turn) if n in out else turn for n, turn in kept.items()}
    return Step(
        turns={**after, **begun},
        withdrawn=frozenset(n for n in out | set(done) if seen[n].change or (n in kept and kept[n].is_due(seen[n]))),
        update={n: _revision(seen[n], kept.get(n)) for n, what in done.items() if what is Change.UPDATE},
        remove=frozenset(n for n, what in done.items() if what is Change.REMOVE),
        gone=frozenset(n for n in out if _begins_to_drain(seen[n], kept[n])),
        later=tuple(sorted(n for n, one in seen.items() if one.change and not {n} & {*kept, *begun, *done})),
    )


def _continued(one: Seen, turn: Turn) -> Turn | None:
    """The turn as it goes on; None when it is over, or what is to be done is another thing now."""
    if turn.is_due(one) and one.change is not Change.REMOVE:
        return turn
    if one.change is Change.NONE:
        return None if one.is_up or turn.change is Change.REPLACE else turn
    if one.change in _WITHDRAWING and turn.change in _WITHDRAWING:
        return replace(turn, change=one.change)
    return turn if one.change is turn.change else None


def _done(one: Seen, turn: Turn) -> Change:
    """What is done to a replica whose endpoint is gone."""
    free = turn.drained or one.serves is False
    if turn.change is not Change.UPDATE:
        return Change.REMOVE if one.change and free else Change.NONE
    # Asked for as it is by now, nothing of it is changed but its revision, so it need not drain.
    return Change.UPDATE if turn.is_due(one) and (free or not one.change) else Change.NONE


def _decided(one: Seen, turn: Turn) -> Turn:
    """With the revision that the replica gets, written before it is given."""
    changes = one.change and turn.change is Change.UPDATE and not one.published and not turn.is_due(one)
    return replace(turn, revision=one.revision + 1) if changes else turn


def _revision(one: Seen, turn: Turn | None) -> int:
    return turn.revision if turn else one.revision + 1


def _begins_to_drain(one: Seen, turn: Turn) -> bool:
    return bool(one.change and not one.published and one.serves is not False and not turn.drained and not turn.since)


def _is_out(turn: Turn, seen: Mapping[int, Seen]) -> bool:
    """Whether the turn's replica serves nobody: one that is replaced does, until the other one is up."""
    if turn.change is not Change.REPLACE:
        return True
    other = seen.get(turn.replacement) if turn.replacement is not None else None
    return other is not None and other.is_up


def _begin(seen: Mapping[int, Seen], kept: Mapping[int, Turn], limits: Limits, free: int) -> Iterator[tuple[int, Turn]]:
    """New turns, those first who are not up anyway."""
    up = {n for n, one in seen.items() if one.is_up and not (n in kept and _is_out(kept[n], seen))}
    moves = any(turn.change is Change.REPLACE for turn in kept.values())
    active = limits.most_down if moves else sum(1 for n in kept if not seen[n].surplus)
    for n in sorted(seen, key=lambda n: (seen[n].is_up, n)):
        one = seen[n]
        if n in kept or not one.change or (one.change in _WITHDRAWING and one.is_broken):
            continue
        if one.surplus:
            yield n, Turn(Change.REMOVE)
        elif active >= limits.most_down:
            continue
        elif one.change is Change.REPLACE and not active:
            active = limits.most_down
            yield n, Turn(Change.REPLACE, replacement=free)
        elif one.change in _WITHDRAWING and len(up - {n}) >= limits.fewest_up:
            active += 1
            up.discard(n)
            yield n, Turn(one.change)
