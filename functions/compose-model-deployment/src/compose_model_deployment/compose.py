"""Keep what is placed, place what is missing, publish what serves, say why not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from contract.findings import Finding
from kit.call import Call
from scheduling import Gate
from schemas import ModelDeployment

from compose_model_deployment import caching, checked, fleet, lost, plan, queueing, replicas, serving, turns
from compose_model_deployment.endpoints import want_endpoints
from compose_model_deployment.plan import Plan
from compose_model_deployment.replicas import Existing, Place
from compose_model_deployment.report import State, report, report_refused
from compose_model_deployment.rolling import Change, Step
from compose_model_deployment.wishes import Asked

SETTLED_SECONDS = 600.0
ASKED_SECONDS = 20.0
WAITING_SECONDS = 20.0
YOUNG_SECONDS = 2.0
YOUTH_SECONDS = 120.0
NEXT_SECONDS = 1.0
# What of an engine's members decides where they fit.
_PLACED = {"role", "nodeSelector", "worker"}


def compose(call: Call[ModelDeployment]) -> None:
    """Compose one deployment. A replica that is placed stays placed, whatever becomes of the fleet."""
    existing = replicas.existing(call)
    found = checked.findings(call.xr)
    checked.report(call, found)
    digest, refused = _digest(call.xr), _refused(checked.errors(found))
    caching.let_go(call, existing)
    outdated = frozenset(e.ordinal for e in existing if not _is_current(call, e))
    asked = turns.asked(call, outdated)
    made = plan.fewer(existing, call.xr.spec.replicas) if refused else _plan(call, existing, asked, digest)
    step = turns.decide(call, existing, made)
    changed = turns.write(call, step, made)
    _want_replicas(call, existing, made, step, outdated)
    want_endpoints(call, existing, step.withdrawn)
    state = State(existing, made, step, outdated)
    if refused:
        report_refused(call, state, *refused)
    else:
        report(call, state, digest)
    rest = 0.0 if refused and not step.turns else _patience(call, existing, made, step)
    call.look_again(NEXT_SECONDS if changed else rest)


def _refused(wrong: list[Finding]) -> tuple[str, str] | None:
    """Why nothing new may be composed, as a reason and a sentence."""
    if not wrong:
        return None
    return "InvalidContract", "Nothing new is composed and nothing that runs is changed while ContractValid is False."


def _plan(call: Call[ModelDeployment], existing: list[Existing], asked: Asked, digest: str) -> Plan:
    """Decide, with a look at the fleet where that is of use."""
    if _is_settled(call.xr, existing, digest) and not asked.judge and not asked.to_move:
        needs, in_place = fleet.needs(call.xr, {}), {t.change for t in asked.turns.values()} <= {Change.UPDATE}
        if in_place and all(fleet.is_enough(e.replica, needs) for e in existing):
            return plan.in_place(existing, asked.outdated)
    nothing_begun = not asked.outdated and not asked.turns
    if nothing_begun and not call.is_to_explain and _has_asked(call.xr, existing, digest):
        return plan.at_rest(existing)
    lines = lost.peek(call)
    found = fleet.look_up(call)
    caching.report(call, found.cache)
    unseen, leaving = lost.read(call, lines, {e.name for e in existing})
    for ordinal, manifest in unseen.items():
        call.want(replicas.key(ordinal), manifest)
    needs = fleet.needs(call.xr, found.namespace_labels)
    return plan.make(needs, found, existing, asked, plan.Unseen(set(unseen), leaving))


def _is_settled(xr: ModelDeployment, existing: list[Existing], digest: str) -> bool:
    """Whether every replica has its nodes, on clusters that offer what they did when that was last judged."""
    return (
        len(existing) == xr.spec.replicas
        and all(e.is_granted for e in existing)
        and _is_judged(xr, existing)
        and _is_placed(xr, digest)
    )


def _has_asked(xr: ModelDeployment, existing: list[Existing], digest: str) -> bool:
    """Whether nothing is to be decided before a cluster answers, so that looking at the fleet would be in vain."""
    waits = [e for e in existing if e.is_asked]
    missing = xr.spec.replicas - len(existing)
    if not _is_placed(xr, digest) or missing < 0 or any(e.is_refused for e in existing):
        return False
    if waits:
        return missing == 0 or len(waits) >= plan.WAVE
    waiting = [e for e in existing if e.is_waiting]
    told = xr.status.scheduling.queue if xr.status.scheduling else None
    return (
        missing == 0
        and len(waiting) > 0
        and all(e.is_waiting or e.is_granted for e in existing)
        and _is_judged(xr, [e for e in existing if e.is_granted])
        and not any(map(queueing.is_near, waiting))
        and told is not None
        and (told.cluster, told.position or 0) == (waiting[0].cluster, waiting[0].position)
    )


def _is_judged(xr: ModelDeployment, existing: list[Existing]) -> bool:
    judged = {p.replica: p.offer or "" for p in xr.status.placements}
    return all(judged.get(e.name, "") == e.offer for e in existing)


def _is_placed(xr: ModelDeployment, digest: str) -> bool:
    """Whether what was last judged are these needs, and nothing was found out of place."""
    current = any(c.type == "PlacementCurrent" and c.status == "True" for c in xr.status.conditions)
    return current and xr.status.needs == digest


def _digest(xr: ModelDeployment) -> str:
    """Changes with all that makes a replica fit somewhere."""
    placed: Any = {"name": True, "phase": True, "copies": True, "members": {"__all__": _PLACED}}
    engines = [e.model_dump(include=placed) for e in xr.spec.engines]
    selector = xr.spec.clusterSelector.manifest() if xr.spec.clusterSelector else None
    cache = [caching.asked(xr)] if caching.asked(xr) else []
    told = json.dumps([engines, selector, xr.spec.serving.mode, *cache], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def _patience(  # noqa: PLR0911  # One return per state, the most urgent first.
    call: Call[ModelDeployment], existing: list[Existing], made: Plan, step: Step
) -> float:
    """Seconds until the fleet is looked at again; it is not watched (`design/peeking.md`)."""
    if made.again or step.remove:
        return YOUNG_SECONDS
    if step.turns:
        return turns.seconds_left(call, step, existing) or ASKED_SECONDS
    if made.pause:
        return min(made.pause + NEXT_SECONDS, WAITING_SECONDS)
    if made.looks_after:
        return min(made.looks_after, WAITING_SECONDS)
    if any(e.is_waiting for e in existing) or _is_awaited(made):
        return WAITING_SECONDS
    if made.create or step.later or step.update or any(not e.holds for e in existing):
        return ASKED_SECONDS
    if len(existing) >= call.xr.spec.replicas:
        return SETTLED_SECONDS if made.looked else 0.0
    return YOUNG_SECONDS if call.age(call.xr.metadata.creationTimestamp) < YOUTH_SECONDS else WAITING_SECONDS


def _is_awaited(made: Plan) -> bool:
    """Whether a replica would go elsewhere if there were a place, or be changed if its cluster had the weights."""
    return any(why.gate in (Gate.DRAIN, Gate.CACHE) for why in made.stuck.values())


def _is_current(call: Call[ModelDeployment], existing: Existing) -> bool:
    return replicas.is_current(call, existing, serving.resolved(call.xr, existing.replica))


def _want_replicas(
    call: Call[ModelDeployment], existing: list[Existing], made: Plan, step: Step, outdated: frozenset[int]
) -> None:
    """Who is not to be changed now keeps its spec to the letter, whatever is asked for by now."""
    for ordinal, place in made.create.items():
        call.want(replicas.key(ordinal), replicas.manifest(call, ordinal, place, serving.resolved(call.xr, None)))
    for one in existing:
        key, wish = replicas.key(one.ordinal), made.wishes[one.ordinal]
        if one.ordinal in step.remove:
            call.drop(key)
        elif one.ordinal in step.update:
            call.want(key, _changed(call, one, wish.target, step.update[one.ordinal]))
        elif one.ordinal not in outdated:
            call.want(key, _changed(call, one, wish.target, one.replica.spec.revision))


def _changed(call: Call[ModelDeployment], one: Existing, place: Place, revision: int | None) -> replicas.Manifest:
    served = serving.resolved(call.xr, one.replica)
    return replicas.manifest(call, one.ordinal, place, served, revision)
