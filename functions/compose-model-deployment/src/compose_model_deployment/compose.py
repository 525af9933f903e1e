"""Keep what is placed, place what is missing, publish what serves, say why not."""

from __future__ import annotations

import hashlib
import json

from contract.findings import Finding
from kit.call import Call
from kit.objects import read
from schemas import ModelDeployment, ModelReplica

from compose_model_deployment import checked, fleet, lost, plan, replicas, serving
from compose_model_deployment.endpoints import want_endpoints
from compose_model_deployment.plan import Plan
from compose_model_deployment.replicas import Existing, Place
from compose_model_deployment.report import report, report_refused

SETTLED_SECONDS = 600.0
ASKED_SECONDS = 20.0
WAITING_SECONDS = 20.0
YOUNG_SECONDS = 2.0
YOUTH_SECONDS = 120.0


def compose(call: Call[ModelDeployment]) -> None:
    """Compose one deployment. A replica that is placed stays placed, whatever becomes of the fleet."""
    existing = replicas.existing(call)
    found = checked.findings(call.xr)
    checked.report(call, found)
    if refused := _refused(call.xr, checked.errors(found)):
        leaving = plan.surplus(existing, call.xr.spec.replicas)
        want_endpoints(call, existing, leaving)
        _remove(call, leaving)
        report_refused(call, [e for e in existing if e.ordinal not in leaving], *refused)
        return
    digest = _digest(call.xr)
    outdated = {e.ordinal for e in existing if not replicas.is_current(call, e.replica)}
    if not outdated and _is_settled(call.xr, existing, digest):
        made = plan.at_rest(existing)
        call.look_again(0)
    elif not outdated and not call.is_to_explain and _has_asked(call.xr, existing, digest):
        made = plan.at_rest(existing)
        call.look_again(_patience(call, existing, made))
    else:
        made = _plan(call, existing, outdated)
        call.look_again(_patience(call, existing, made))
    _want_replicas(call, made)
    want_endpoints(call, existing, made.remove)
    report(call, existing, made, digest)


def _refused(xr: ModelDeployment, wrong: list[Finding]) -> tuple[str, str] | None:
    """Why nothing new may be composed, as a reason and a sentence."""
    if wrong:
        return (
            "InvalidContract",
            "Nothing new is composed and nothing that runs is changed while ContractValid is False.",
        )
    unsupported = _unsupported(xr)
    return ("Unsupported", unsupported) if unsupported else None


def _plan(call: Call[ModelDeployment], existing: list[Existing], outdated: set[int]) -> Plan:
    lines = lost.peek(call)
    found = fleet.look_up(call)
    unseen, leaving = lost.read(call, lines, {e.name for e in existing})
    for ordinal, manifest in unseen.items():
        call.want(replicas.key(ordinal), manifest)
    needs = fleet.needs(call.xr, found.namespace_labels)
    return plan.make(needs, found, existing, outdated, plan.Unseen(set(unseen), leaving))


def _is_settled(xr: ModelDeployment, existing: list[Existing], digest: str) -> bool:
    """Whether every replica has its nodes, on clusters that offer what they did when that was last judged."""
    return (
        len(existing) == xr.spec.replicas
        and all(e.is_granted for e in existing)
        and _is_judged(xr, existing)
        and _is_current(xr, digest)
    )


def _has_asked(xr: ModelDeployment, existing: list[Existing], digest: str) -> bool:
    """Whether nothing is to be decided before a cluster answers, so that looking at the fleet would be in vain."""
    asked = [e for e in existing if e.is_asked]
    missing = xr.spec.replicas - len(existing)
    if not _is_current(xr, digest) or missing < 0 or any(e.is_refused for e in existing):
        return False
    if asked:
        return missing == 0 or len(asked) >= plan.WAVE
    waiting = [e for e in existing if e.is_waiting]
    told = xr.status.scheduling.queue if xr.status.scheduling else None
    return (
        missing == 0
        and len(waiting) > 0
        and all(e.is_waiting or e.is_granted for e in existing)
        and _is_judged(xr, [e for e in existing if e.is_granted])
        and not any(0 < e.position <= plan.MOVES_FROM_POSITION for e in waiting)
        and told is not None
        and (told.cluster, told.position or 0) == (waiting[0].cluster, waiting[0].position)
    )


def _is_judged(xr: ModelDeployment, existing: list[Existing]) -> bool:
    judged = {p.replica: p.offer or "" for p in xr.status.placements}
    return all(judged.get(e.name, "") == e.offer for e in existing)


def _is_current(xr: ModelDeployment, digest: str) -> bool:
    """Whether what was last judged are these needs, and nothing was found out of place."""
    current = any(c.type == "PlacementCurrent" and c.status == "True" for c in xr.status.conditions)
    return current and xr.status.needs == digest


def _digest(xr: ModelDeployment) -> str:
    """Changes with all that makes a replica fit somewhere."""
    engines = [e.model_dump(include={"name", "phase", "copies", "members"}) for e in xr.spec.engines]
    selector = xr.spec.clusterSelector.manifest() if xr.spec.clusterSelector else None
    told = json.dumps([engines, selector, xr.spec.serving.mode], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def _patience(call: Call[ModelDeployment], existing: list[Existing], made: Plan) -> float:
    """Seconds until the fleet is looked at again; it is not watched (`design/peeking.md`)."""
    if made.remove or made.again:
        return YOUNG_SECONDS
    staying = [e for e in existing if e.ordinal in made.places]
    if any(e.is_waiting for e in existing):
        return WAITING_SECONDS
    if len(made.places) > len(staying) or any(not e.holds for e in existing):
        return ASKED_SECONDS
    if len(existing) >= call.xr.spec.replicas:
        return SETTLED_SECONDS
    return YOUNG_SECONDS if call.age(call.xr.metadata.creationTimestamp) < YOUTH_SECONDS else WAITING_SECONDS


def _unsupported(xr: ModelDeployment) -> str:
    """What this version cannot compose; empty when it can."""
    if xr.spec.modelCacheRef:
        return "spec.modelCacheRef cannot be used in this version; let the engine load its weights itself."
    return ""


def _want_replicas(call: Call[ModelDeployment], made: Plan) -> None:
    for ordinal, place in made.places.items():
        call.want(replicas.key(ordinal), _replica(call, ordinal, place))
    _remove(call, made.remove)


def _remove(call: Call[ModelDeployment], ordinals: set[int]) -> None:
    for ordinal in ordinals:
        # The endpoint goes first; its deletion calls us again.
        if call.seen(replicas.endpoint_key(ordinal)) is None:
            call.drop(replicas.key(ordinal))


def _replica(call: Call[ModelDeployment], ordinal: int, place: Place) -> replicas.Manifest:
    engines = replicas.engines(call.xr.spec.engines, dict(place.pools), place.requests)
    seen = call.seen(replicas.key(ordinal))
    served = serving.resolved(call.xr, read(ModelReplica, seen) if seen else None)
    return replicas.manifest(call, ordinal, place, engines, served)
