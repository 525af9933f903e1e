"""What a deployment says of itself: where its replicas are, which serve, and why the rest is not placed."""

from __future__ import annotations

from typing import Any

from kit import labels, names
from kit.call import Call
from scheduling import Decision, Gate, Refusal, count_of
from schemas import ModelDeployment

from compose_model_deployment.plan import Plan
from compose_model_deployment.replicas import Existing

Manifest = dict[str, Any]

_LISTED = 8
_TOLD = 3
_LONGEST_MESSAGE = 1024


def report(call: Call[ModelDeployment], existing: list[Existing], plan: Plan, needs: str) -> None:
    """Set every condition and the status."""
    call.condition("ModelCacheResolved", False, "NotRequested", "spec.modelCacheRef is not set.")
    staying = [e for e in existing if e.ordinal not in plan.remove]
    _report_scheduled(call, staying, plan)
    _report_current(call, plan, staying)
    _report_replicas(call, staying, set(plan.places) - plan.remove)
    call.status(needs=needs)
    if call.is_to_explain:
        call.explain([{**_refused(r), "fix": r.fix} for r in plan.decision.refusals])


def _report_scheduled(call: Call[ModelDeployment], staying: list[Existing], plan: Plan) -> None:
    decision, wanted = plan.decision, call.xr.spec.replicas
    total = count_of(wanted, "replica")
    held = sum(1 for e in staying if e.holds)
    if held >= wanted:
        call.condition("ReplicasScheduled", True, "Scheduled", f"{wanted} of {total} placed.")
        return
    if not plan.looked:
        call.report.keep_field("scheduling")  # What was said when the fleet was looked at stands.
        return
    if plan.awaited:
        awaited = ", ".join(plan.awaited)
        call.condition("ReplicasScheduled", False, "Pending", f"Waiting for {awaited}, just created, to be reached.")
        return
    waiting = [e for e in staying if e.is_waiting]
    if (
        not waiting
        and not (decision.refusals or decision.invalid)
        and (decision.placements or any(not e.holds for e in staying))
    ):
        call.condition("ReplicasScheduled", False, "Pending", f"{held} of {total} placed, more are being asked for.")
        return
    told = [f"{held} of {total} placed."]
    if decision.refusals or decision.invalid or not waiting:
        told = [_sentence(decision.summary) + _fix(decision)]
    if waiting:
        told.append("; ".join(_queued(e) for e in waiting[:_TOLD]) + ".")
    reason = "InsufficientCapacity" if waiting and not decision.invalid else _reason(decision)
    call.condition("ReplicasScheduled", False, reason, " ".join(told))
    call.status(scheduling=_scheduling(decision, waiting))


def _queued(existing: Existing) -> str:
    at = f"at position {existing.position}" if existing.position else "far behind"
    return f"{existing.name} waits in the queue of {existing.cluster}, {at}"


def report_refused(call: Call[ModelDeployment], existing: list[Existing], reason: str, why: str) -> None:
    """Nothing new may be composed, and what runs stays."""
    call.report.keep()
    if reason == "Unsupported":
        call.condition("ContractValid", False, reason, why)
    held = sum(1 for e in existing if e.holds)
    placed = reason != "Unsupported" and held == len(existing) == call.xr.spec.replicas
    total = count_of(call.xr.spec.replicas, "replica")
    if placed:
        call.condition("ReplicasScheduled", True, "Scheduled", f"{call.xr.spec.replicas} of {total} placed.")
    else:
        call.condition("ReplicasScheduled", False, reason, why)
    call.condition("ModelCacheResolved", False, "NotRequested", "spec.modelCacheRef is not used.")
    call.condition("PlacementCurrent", None, "Pending", "Not judged while the deployment cannot be composed.")
    _report_replicas(call, existing, {e.ordinal for e in existing})
    call.look_again(0)


def _reason(decision: Decision) -> str:
    if decision.invalid:
        return "InvalidNodeSelector"
    gates = {r.gate for r in decision.refusals}
    if not gates:
        return "NoClusters"
    if gates & {Gate.NODES, Gate.UNDECIDED} or decision.queue:
        return "InsufficientCapacity"
    if gates <= {Gate.LABEL, Gate.NAMESPACE}:
        return "NoClusters"
    return "WaitingForCache" if gates == {Gate.CACHE} else "NoFittingCluster"


def _fix(decision: Decision) -> str:
    """What to do about the cluster that is the closest, as a sentence of its own."""
    if decision.invalid:
        return " Correct the selector."
    fix = decision.refusals[0].fix if decision.refusals else "create an InferenceCluster"
    return f" {_sentence(fix[:1].upper() + fix[1:])}" if fix else ""


def _scheduling(decision: Decision, waiting: list[Existing]) -> Manifest:
    refused = [_refused(r) for r in decision.refusals[:_LISTED]]
    said: Manifest = {"message": decision.summary[:_LONGEST_MESSAGE]}
    if waiting:
        first = waiting[0]
        said["queue"] = {"cluster": first.cluster} | ({"position": first.position} if first.position else {})
    return {**said, "clusters": refused} if refused else said


def _refused(refusal: Refusal) -> Manifest:
    return {"name": refusal.cluster, "gate": str(refusal.gate), "message": refusal.message[:_LONGEST_MESSAGE]}


def _report_current(call: Call[ModelDeployment], plan: Plan, staying: list[Existing]) -> None:
    if plan.decision.invalid and staying:
        why = f"What runs stays as it is until the selector is corrected: {plan.decision.invalid[0]}"
        call.condition("PlacementCurrent", False, "Outdated", _sentence(why))
        return
    stale = {s.replica: s.refusal for s in plan.decision.stale} | plan.stuck
    if not stale:
        call.condition("PlacementCurrent", True, "Current")
        return
    anew = "delete the replica to have it placed anew"
    told = (f"{name} stays, but {r.cluster} {r.message}; {r.fix or anew}." for name, r in sorted(stale.items()))
    call.condition("PlacementCurrent", False, "Outdated", " ".join(told))


def _report_replicas(call: Call[ModelDeployment], existing: list[Existing], placed: set[int]) -> None:
    total = call.xr.spec.replicas
    ready = sum(1 for e in existing if e.serves)
    call.status(
        selector=f"{labels.DEPLOYMENT}={call.name}",
        replicas={"total": total, "ready": ready, "summary": f"{ready}/{total}"},
        placements=[_placement(e) for e in existing],
    )
    if total == 0:
        call.condition("ReplicasReady", True, "NoReplicas", "spec.replicas is 0.")
        return
    if ready >= total:
        call.condition("ReplicasReady", True, "Ready", "Every replica serves.")
        return
    waiting = placed - {e.ordinal for e in existing if e.serves}
    told = ", ".join(names.replica_name(call.name, ordinal) for ordinal in sorted(waiting))
    rest = f"not ready: {told}" if told else "see ReplicasScheduled for the rest"
    call.condition("ReplicasReady", False, "NotReady", f"{ready} of {total} serve; {rest}.")


def _placement(existing: Existing) -> Manifest:
    told = {"replica": existing.name, "cluster": existing.cluster, "ready": bool(existing.serves)}
    return {**told, "offer": existing.offer} if existing.offer else told


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
