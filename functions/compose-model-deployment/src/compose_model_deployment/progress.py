"""How far a change of a deployment has got, in sentences."""

from __future__ import annotations

from kit import names
from kit.call import Call
from schemas import ModelDeployment

from compose_model_deployment.plan import Plan
from compose_model_deployment.replicas import Existing, name_of
from compose_model_deployment.rolling import Change, Step, Turn

_TOLD = 3


def is_rolling(step: Step, outdated: frozenset[int]) -> bool:
    """Whether anything is on its way that people should know of."""
    return bool(step.turns or outdated)


def told(
    call: Call[ModelDeployment], existing: list[Existing], made: Plan, step: Step, outdated: frozenset[int]
) -> str:
    """What happens to whom, who waits, and how to go back; empty when nothing is on its way."""
    by = {e.ordinal: e for e in existing}
    parts = [_turn(call, by[n], turn, made, step) for n, turn in sorted(step.turns.items())][:_TOLD]
    silent = [e for e in existing if e.serves is False and e.holds and e.ordinal not in step.turns]
    parts += [_silent(e, outdated) for e in silent[:_TOLD] if outdated]
    later = [name_of(call, n) for n in step.later]
    if later:
        verb = "has its turn" if len(later) == 1 else "have their turns"
        parts.append(f"{', '.join(later)} {verb} later, and until then the earlier spec.")
    if outdated and not parts:
        parts.append("The rest keeps its earlier spec; see PlacementCurrent.")
    out = [t for n, t in step.turns.items() if n not in made.remove and t.change is not Change.REPLACE]
    if call.xr.spec.replicas == 1 and out:
        parts.append("It is the only replica: requests get no answer until it serves again.")
    return " ".join(parts)


def _turn(call: Call[ModelDeployment], one: Existing, turn: Turn, made: Plan, step: Step) -> str:
    change = Change.REMOVE if one.ordinal in made.remove else made.wishes[one.ordinal].change
    if change is Change.NONE:
        return _unready(one) if one.serves is False else f"{one.name} serves again in a moment."
    if change is Change.REPLACE and one.ordinal not in step.withdrawn:
        other = names.replica_name(call.name, turn.replacement or 0)
        return f"{one.name} goes when {other} serves in its place."
    verb = "is changed" if change is Change.UPDATE else "ends"
    return f"{one.name} {verb} as soon as its requests are drained."


def _silent(one: Existing, outdated: frozenset[int]) -> str:
    return f"{one.name} serves nobody and is changed now." if one.ordinal in outdated else _unready(one)


def _unready(one: Existing) -> str:
    back = "re-apply the earlier spec to go back"
    return f"{one.name} is of the present spec and not ready yet (kubectl describe mr {one.name} says why); {back}."
