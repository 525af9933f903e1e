"""How a service is shifted from one deployment to another, replica by replica: pure functions from what is to what is next.

One side rises, the other falls. The rising side is ready, and called, before the falling side gives anything up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Side:
    """One deployment: replicas that are asked for, that serve, and that are there in any state."""

    wanted: int
    ready: int
    there: int

    @property
    def settled(self) -> bool:
        return self.wanted == self.ready == self.there


@dataclass(frozen=True)
class State:
    """What is seen. Weights are those of the service's groups, None where one group selects both."""

    old: Side
    new: Side
    weights: tuple[int, int] | None
    passed: frozenset[Gate] = frozenset()
    """Gates that were passed in this run; another run asks again."""


@dataclass(frozen=True)
class Plan:
    """What a promotion was begun with."""

    replicas: int
    """How many of the old one served; as many of the new one will."""
    floor: int
    """How many of the new one were there before: so many stay after a rollback."""
    weights: tuple[int, int] | None = None
    """Of the service, before."""
    back: bool = False

    def turned(self) -> Plan:
        """The way back."""
        return replace(self, back=True)


@dataclass(frozen=True)
class Scale:
    """Ask for so many replicas."""

    side: str
    replicas: int


@dataclass(frozen=True)
class Weigh:
    """Give the service's groups these weights."""

    old: int
    new: int


@dataclass(frozen=True)
class Gate:
    """Look before so many new replicas are called, or after."""

    when: str
    replicas: int


@dataclass(frozen=True)
class Wait:
    """Until the side is as it was asked to be."""

    side: str


@dataclass(frozen=True)
class Done:
    """Nothing is left to do."""


Step = Scale | Weigh | Gate | Wait | Done


def next_step(plan: Plan, state: State) -> Step:  # noqa: PLR0911  # One return per kind of step, in their order.
    """The one next step, whoever did the ones before and wherever they were interrupted."""
    up, down = (state.old, state.new) if plan.back else (state.new, state.old)
    rising, falling = ("old", "new") if plan.back else ("new", "old")
    if up.ready < up.wanted:
        return Wait(rising)
    # The old one was given up after the last gate, so none is left.
    last = up.wanted >= plan.replicas and not down.wanted
    gate = None if plan.back or last or not up.wanted else _gate(state, up.wanted)
    if gate and gate.when == "before":
        return gate
    weights = _weights(plan, up.wanted)
    if state.weights is not None and up.wanted and state.weights != weights:
        return Weigh(*weights)
    if gate:
        return gate
    left = max(plan.replicas - up.wanted, plan.floor if plan.back else 0)
    if down.wanted > left:
        return Scale(falling, left)
    if down.there > down.wanted:
        return Wait(falling)
    if up.wanted < plan.replicas:
        return Scale(rising, up.wanted + 1)
    return Done()


def _gate(state: State, replicas: int) -> Gate | None:
    gates = (Gate("before", replicas), Gate("after", replicas))
    return next((g for g in gates if g not in state.passed), None)


def _weights(plan: Plan, risen: int) -> tuple[int, int]:
    """In proportion to the replicas that are meant to serve; as before, once all is back."""
    left = max(plan.replicas - risen, 0)
    if plan.back:
        return plan.weights or (risen, 0) if risen >= plan.replicas else (risen, left)
    return left, risen
