"""Rolls in any order of events, read late in any way: enough endpoints at every moment, and an end.

`World` is what Crossplane does with a step: what is dropped goes first, then all that is wanted is applied, then the
status is written, and refused where the deployment was read late. What is read never goes back in time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace

from compose_model_deployment.rolling import Change, Limits, Seen, Step, Turn, step
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLES = 5_000 if os.environ.get("SOAK") else 300
MOST_CALLS = 12


@dataclass(frozen=True)
class Replica:
    """What is true of one replica."""

    spec: int = 0
    """The version of the spec that it is of."""
    ready: bool = True
    revision: int = 0


@dataclass(frozen=True)
class Deployment:
    """One version of the deployment: what is asked for, and its status."""

    spec: int = 0
    turns: dict[int, Turn] = field(default_factory=dict)


@dataclass
class World:
    """What there is, with all that there was."""

    most_down: int
    deployment: list[Deployment]
    replicas: list[dict[int, Replica]]
    endpoints: list[frozenset[int]]
    read: list[int] = field(default_factory=lambda: [0, 0, 0])
    breaks: frozenset[int] = frozenset()
    """Versions of the spec that never become ready."""

    @property
    def fewest(self) -> int:
        return len(self.replicas[0]) - self.most_down

    def call(self, behind: tuple[int, int, int]) -> Step:
        """One call of the function, each kind read so many versions behind, but never older than the last time."""
        histories = (self.deployment, self.replicas, self.endpoints)
        self.read = [max(r, len(h) - 1 - b) for r, h, b in zip(self.read, histories, behind, strict=True)]
        deployment, replicas, endpoints = (h[i] for h, i in zip(histories, self.read, strict=True))
        seen = {
            n: Seen(
                Change.UPDATE if r.spec != deployment.spec else Change.NONE,
                n in endpoints,
                serves=r.ready,
                revision=r.revision,
            )
            for n, r in replicas.items()
        }
        taken = step(seen, deployment.turns, Limits(len(seen), self.most_down))
        self._apply(taken, replicas, deployment)
        self._write(taken, deployment)
        return taken

    def _apply(self, taken: Step, replicas: dict[int, Replica], deployment: Deployment) -> None:
        gone = {n for n, r in replicas.items() if n in taken.withdrawn or not r.ready}
        self.publish(self.endpoints[-1] - gone)
        self.publish(self.endpoints[-1] | {n for n, r in replicas.items() if r.ready and n not in gone})
        now = self.replicas[-1]
        changed = {n: Replica(deployment.spec, False, r) for n, r in taken.update.items() if now[n].revision != r}
        self.replicas.append({**now, **changed})

    def _write(self, taken: Step, read: Deployment) -> None:
        turns = {n: replace(t, since="t") if n in taken.gone else t for n, t in taken.turns.items()}
        if turns != read.turns and self.read[0] == len(self.deployment) - 1:
            self.deployment.append(replace(self.deployment[-1], turns=turns))

    def publish(self, endpoints: frozenset[int]) -> None:
        if endpoints != self.endpoints[-1]:
            self.endpoints.append(endpoints)

    def edit(self, spec: int) -> None:
        self.deployment.append(replace(self.deployment[-1], spec=spec))

    def settle(self) -> None:
        """Time passes: what can become ready is, and drains are over."""
        now = {n: replace(r, ready=r.spec not in self.breaks) for n, r in self.replicas[-1].items()}
        self.replicas.append(now)
        last = self.deployment[-1]
        over = {n: replace(t, drained=bool(t.since)) for n, t in last.turns.items()}
        self.deployment.append(replace(last, turns=over))

    def is_rolled(self) -> bool:
        spec = self.deployment[-1].spec
        whole = all(r.spec == spec and r.ready for r in self.replicas[-1].values())
        return whole and self.endpoints[-1] == set(self.replicas[-1]) and not self.deployment[-1].turns


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 4))
    return World(
        most_down=draw(st.sampled_from([1, 1, 2])),
        deployment=[Deployment()],
        replicas=[{n: Replica() for n in range(count)}],
        endpoints=[frozenset(range(count))],
    )


behind = st.tuples(*[st.integers(0, 3)] * 3)
events = st.lists(st.one_of(behind, behind, behind, st.just("settle"), st.integers(0, 2)), min_size=20, max_size=60)


def play(world: World, happens: list[object]) -> None:
    for event in happens:
        if isinstance(event, tuple):
            world.call(event)
        elif isinstance(event, int):
            world.edit(event)
        else:
            world.settle()


@settings(max_examples=EXAMPLES, deadline=None)
@given(world=worlds(), happens=events)
def test_enough_endpoints_at_every_moment_whatever_is_read_late(world: World, happens: list[object]) -> None:
    play(world, happens)
    assert min(map(len, world.endpoints)) >= world.fewest


@settings(max_examples=EXAMPLES, deadline=None)
@given(world=worlds(), happens=events)
def test_every_roll_ends(world: World, happens: list[object]) -> None:
    """From wherever things are, once everything works and is read as it is."""
    play(world, happens)
    calls = 0
    while not world.is_rolled():
        world.settle()
        world.call((0, 0, 0))
        calls += 1
        assert calls <= MOST_CALLS * len(world.replicas[-1])


@settings(max_examples=EXAMPLES, deadline=None)
@given(world=worlds(), happens=st.lists(st.integers(-6, 9), min_size=10, max_size=60))
def test_a_turn_begins_only_while_enough_others_serve(world: World, happens: list[int]) -> None:
    """Whoever breaks without being asked to, replica or spec: nobody is taken out in addition."""
    world.breaks = frozenset({2})
    for event in happens:
        if event < 0:
            now = world.replicas[-1]
            fails = -event - 1
            world.replicas.append({n: replace(r, ready=r.ready and n != fails) for n, r in now.items()})
            world.publish(world.endpoints[-1] - {fails})
        elif event < 3:
            world.edit(event)
        elif event < 5:
            world.settle()
        before, taken = world.deployment[-1].turns, world.call((0, 0, 0))
        for n in set(taken.turns) - set(before):
            others = world.endpoints[-1] - set(taken.turns)
            assert len(others) >= world.fewest, n


@settings(max_examples=EXAMPLES, deadline=None)
@given(world=worlds(), edits=st.lists(st.integers(1, 4), max_size=4), settles=st.lists(st.booleans(), max_size=60))
def test_a_spec_that_never_works_takes_out_no_more_than_may_be(
    world: World, edits: list[int], settles: list[bool]
) -> None:
    """And only replicas that are ready are published."""
    world.breaks = frozenset({1, 2, 3, 4})
    for number, settle in enumerate(settles):
        if number % 10 == 0 and edits:
            world.edit(edits.pop())
        if settle:
            world.settle()
        world.call((0, 0, 0))
        ready = {n for n, r in world.replicas[-1].items() if r.ready}
        assert world.endpoints[-1] <= ready
        assert len(world.endpoints[-1]) >= world.fewest


seen = st.builds(
    Seen,
    change=st.sampled_from(Change),
    published=st.booleans(),
    ending=st.booleans(),
    serves=st.sampled_from([True, False, None]),
    surplus=st.just(False),
)
turn = st.builds(
    Turn,
    st.sampled_from([Change.UPDATE, Change.REPLACE, Change.REMOVE]),
    replacement=st.integers(0, 5),
    drained=st.booleans(),
)
members = st.dictionaries(st.integers(0, 4), seen, max_size=5)


@settings(max_examples=EXAMPLES, deadline=None)
@given(seen=members, turns=st.dictionaries(st.integers(0, 4), turn, max_size=3), most=st.integers(1, 3))
def test_the_order_of_what_is_read_is_irrelevant(seen: dict[int, Seen], turns: dict[int, Turn], most: int) -> None:
    limits = Limits(len(seen), most)
    backwards = step(dict(reversed(seen.items())), dict(reversed(turns.items())), limits)
    assert step(seen, turns, limits) == backwards


@settings(max_examples=EXAMPLES, deadline=None)
@given(seen=members, most=st.integers(1, 3))
def test_a_step_that_is_repeated_begins_nobody_else(seen: dict[int, Seen], most: int) -> None:
    """Read back, what was begun goes on; nobody is added while nothing has changed."""
    limits = Limits(len(seen), most)
    first = step(seen, {}, limits)
    again = step(seen, first.turns, limits)
    assert set(again.turns) == set(first.turns)
    assert first.withdrawn == {n for n in first.withdrawn if seen[n].serves is False}
