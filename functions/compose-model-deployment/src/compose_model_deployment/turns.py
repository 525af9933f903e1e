"""The turns of a deployment's replicas in its status, and what is asked for that was not done yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kit.call import Call
from schemas import ModelDeployment

from compose_model_deployment.plan import Plan
from compose_model_deployment.replicas import Existing, endpoint_key, name_of, ordinal_of
from compose_model_deployment.rolling import Change, Limits, Seen, Step, Turn, step
from compose_model_deployment.wishes import Asked

Manifest = dict[str, Any]

RESCHEDULE = "modelplane.ai/reschedule"
# A gateway asks for names every 5 s and may have heard just before that there is none (`design/rolling.md`).
KNOWN_SECONDS = 15.0
_LONGEST_VALUE = 4096


def read(call: Call[ModelDeployment]) -> dict[int, Turn]:
    """The turns that were written, by ordinal."""
    found = {ordinal_of(call, t.replica): t for t in call.xr.status.turns}
    drain = call.xr.spec.rollout.drainSeconds
    return {
        n: Turn(
            Change(t.change),
            ordinal_of(call, t.replacement) if t.replacement else None,
            t.since or "",
            drained=not drain or call.is_to_explain or (bool(t.since) and call.age(t.since or "") >= drain),
            revision=t.revision or 0,
        )
        for n, t in found.items()
        if n is not None
    }


def asked(call: Call[ModelDeployment], outdated: frozenset[int]) -> Asked:
    """What the owner wants changed."""
    judged, value = call.xr.status.rescheduled, _value(call)
    new = bool(value) and (judged is None or judged.value != value)
    names = judged.replicas if judged and value and not new else []
    return Asked(outdated, read(call), frozenset(names), judge=new)


def decide(call: Call[ModelDeployment], existing: list[Existing], made: Plan) -> Step:
    """The next step of what was planned."""
    spec = call.xr.spec
    # Whoever asks what will be is told the end, and not each step on the way.
    most = max(spec.replicas, 1) if call.is_to_explain else spec.rollout.maxUnavailable
    seen = {e.ordinal: _seen(call, e, made) for e in existing}
    return step(seen, read(call), Limits(spec.replicas, most), made.free)


def _seen(call: Call[ModelDeployment], existing: Existing, made: Plan) -> Seen:
    endpoint = call.seen(endpoint_key(existing.ordinal))
    serves = existing.serves
    if (endpoint is None and serves is None) or not existing.holds:
        serves = False  # Nothing can go to it.
    surplus = existing.ordinal in made.remove
    return Seen(
        change=Change.REMOVE if surplus else made.wishes[existing.ordinal].change,
        published=endpoint is not None,
        ending=bool(endpoint and endpoint["metadata"].get("deletionTimestamp")),
        known=_known_in(call, existing.ordinal) <= 0.0,
        serves=serves,
        revision=existing.replica.spec.revision or 0,
        surplus=surplus,
    )


def write(call: Call[ModelDeployment], taken: Step, made: Plan) -> bool:
    """Put turns and what is still to move into the status; whether the turns are others now."""
    before = read(call)
    now = {n: _dated(call, n, turn, taken) for n, turn in sorted(taken.turns.items())}
    call.report.forget("turns")
    if now:
        call.status(turns=[_written(call, n, turn) for n, turn in now.items()])
    changed = _plain(before) != _plain(now)
    if changed:
        call.only_if_current()
    _write_rescheduled(call, made)
    return changed


def seconds_left(call: Call[ModelDeployment], taken: Step, existing: list[Existing]) -> float:
    """Until the first drain is over, or the first new endpoint known; 0 when neither is awaited."""
    drain = call.xr.spec.rollout.drainSeconds
    drains = [drain - call.age(t.since) for t in taken.turns.values() if t.since and not t.drained]
    unknown = [left for left in (_known_in(call, e.ordinal) for e in existing) if left > 0.0]
    return max(min(drains + unknown, default=0.0), 1.0 if drains or unknown else 0.0)


def _known_in(call: Call[ModelDeployment], ordinal: int) -> float:
    """Seconds until gateways have learnt of a replica's endpoint."""
    endpoint = call.seen(endpoint_key(ordinal))
    if endpoint is None or call.is_to_explain:
        return 0.0
    age = call.age(str(endpoint["metadata"].get("creationTimestamp", "")))
    return KNOWN_SECONDS - max(age, 0.0)  # Clocks differ.


def _dated(call: Call[ModelDeployment], ordinal: int, turn: Turn, taken: Step) -> Turn:
    return replace(turn, since=call.now, drained=False) if ordinal in taken.gone else turn


def _plain(turns: dict[int, Turn]) -> dict[int, Turn]:
    return {n: replace(t, drained=False) for n, t in turns.items()}


def _written(call: Call[ModelDeployment], ordinal: int, turn: Turn) -> Manifest:
    written: Manifest = {"replica": name_of(call, ordinal), "change": str(turn.change)}
    if turn.replacement is not None:
        written["replacement"] = name_of(call, turn.replacement)
    if turn.revision:
        written["revision"] = turn.revision
    return {**written, "since": turn.since} if turn.since else written


def _write_rescheduled(call: Call[ModelDeployment], made: Plan) -> None:
    value = _value(call)
    call.report.forget("rescheduled")
    if not value:
        return
    if not made.looked or made.asked.judge:
        call.report.keep_field("rescheduled")
        return
    names = sorted(made.asked.to_move)
    call.status(rescheduled={"value": value, "replicas": names} if names else {"value": value})


def _value(call: Call[ModelDeployment]) -> str:
    return call.xr.metadata.annotations.get(RESCHEDULE, "")[:_LONGEST_VALUE]
