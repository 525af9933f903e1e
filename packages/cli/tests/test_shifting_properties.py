"""A promotion step by step, in a fleet that takes its time, is interrupted anywhere and turned back anywhere."""

from __future__ import annotations

from dataclasses import replace

from cli.shifting import Done, Gate, Plan, Scale, Side, State, Wait, Weigh, next_step
from hypothesis import given
from hypothesis import strategies as st

PATIENCE = 400


@st.composite
def plans(draw):
    replicas = draw(st.integers(1, 6))
    return Plan(replicas, draw(st.integers(0, replicas)), draw(st.sampled_from([(replicas, 0), (100, 0), (95, 5)])))


def start(plan, weighted=True):
    one = lambda n: Side(n, n, n)  # noqa: E731
    return State(one(plan.replicas), one(plan.floor), plan.weights if weighted else None)


def acted(state, step):
    """What the step makes of the fleet, before the fleet has moved."""
    if isinstance(step, Scale):
        side = getattr(state, step.side)
        ready = min(side.ready, step.replicas)
        return replace(state, **{step.side: Side(step.replicas, ready, max(side.there, ready))})
    if isinstance(step, Weigh):
        return replace(state, weights=(step.old, step.new))
    if isinstance(step, Gate):
        return replace(state, passed=state.passed | {step})
    return state


def moved(state):
    """One replica of each side gets where it was asked to be."""
    toward = lambda s: Side(  # noqa: E731
        s.wanted, s.ready + (s.ready < s.wanted), s.there + (s.there < s.wanted) - (s.there > s.wanted)
    )
    return replace(state, old=toward(state.old), new=toward(state.new))


def run(plan, state, chances=(), turn_at=None):
    """All states until it is done; `chances` say when the process is ended and begins anew."""
    for n in range(PATIENCE):
        if n == turn_at:
            plan = plan.turned()
        if n < len(chances) and chances[n]:
            state = replace(state, passed=frozenset())
        step = next_step(plan, state)
        yield plan, state, step
        if isinstance(step, Done):
            return
        state = moved(state) if isinstance(step, Wait) else acted(state, step)
    raise AssertionError("it never ends")


@given(plans(), st.booleans(), st.lists(st.booleans(), max_size=40), st.none() | st.integers(0, 60))
def test_never_fewer_serve_than_before_and_it_always_ends(plan, weighted, ended, turn):
    for _, state, _ in run(plan, start(plan, weighted), ended, turn):
        assert state.old.ready + state.new.ready >= plan.replicas


@given(plans(), st.lists(st.booleans(), max_size=40), st.none() | st.integers(0, 60))
def test_requests_go_only_to_replicas_that_are_ready(plan, ended, turn):
    for _, state, _ in run(plan, start(plan), ended, turn):
        old, new = state.weights
        assert not old or state.old.ready
        assert not new or state.new.ready or (old, new) == plan.weights


@given(plans(), st.lists(st.booleans(), max_size=40))
def test_one_replica_more_than_before_is_all_that_it_needs(plan, ended):
    room = plan.replicas + max(plan.floor, 1)
    for _, state, _ in run(plan, start(plan), ended):
        assert max(state.old.there, state.old.wanted) + max(state.new.there, state.new.wanted) <= room


@given(plans(), st.integers(0, 60))
def test_a_rollback_from_anywhere_ends_where_it_began(plan, turn):
    *_, (turned, state, _) = run(plan, start(plan), turn_at=turn)
    if turned.back:
        assert (state.old.ready, state.weights) == (plan.replicas, plan.weights)
        assert state.new.wanted == plan.floor
    else:
        assert (state.old.wanted, state.new.ready, state.weights) == (0, plan.replicas, (0, plan.replicas))


@given(plans())
def test_nothing_new_is_called_before_its_gate(plan):
    asked = [s for _, _, s in run(plan, start(plan)) if isinstance(s, Gate | Weigh)]
    for n, step in enumerate(asked):
        if isinstance(step, Weigh):
            assert asked[n - 1] == Gate("before", step.new)
            assert asked[n + 1] == Gate("after", step.new)


def test_two_replicas_step_by_step():
    plan = Plan(2, 1, (2, 0))
    assert [s for _, _, s in run(plan, start(plan)) if not isinstance(s, Wait)] == [
        Gate("before", 1),
        Weigh(1, 1),
        Gate("after", 1),
        Scale("old", 1),
        Scale("new", 2),
        Gate("before", 2),
        Weigh(0, 2),
        Gate("after", 2),
        Scale("old", 0),
        Done(),
    ]
