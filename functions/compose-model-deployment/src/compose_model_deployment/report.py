"""What a deployment says of itself: where its replicas are, which serve, and why the rest is not placed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit import labels, names
from kit.call import Call
from scheduling import Decision, Gate, Refusal, count_of, likewise
from schemas import ModelDeployment

from compose_model_deployment import progress
from compose_model_deployment.plan import Plan
from compose_model_deployment.replicas import Existing
from compose_model_deployment.rolling import Change, Step
from compose_model_deployment.wishes import Wish

Manifest = dict[str, Any]

_LISTED = 8
_TOLD = 3
_LONGEST_MESSAGE = 1024


@dataclass(frozen=True)
class State:
    """What is told of a deployment: its replicas, what was planned for them, and what is done now."""

    existing: list[Existing]
    plan: Plan
    step: Step
    outdated: frozenset[int]

    @property
    def staying(self) -> list[Existing]:
        """Without those that are too many."""
        return [e for e in self.existing if e.ordinal not in self.plan.remove]


def report(call: Call[ModelDeployment], state: State, needs: str) -> None:
    """Set every condition and the status."""
    _report_scheduled(call, state.staying, state.plan)
    _report_current(call, state.plan, state.staying)
    _report_replicas(call, state)
    call.status(needs=needs)
    if call.is_to_explain:
        call.explain([{**_refused(r), "fix": r.fix} for r in state.plan.decision.refusals])


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
    if plan.left:
        told.append(f"Room on {plan.left} is left to those that have waited longer.")
    reason = "InsufficientCapacity" if waiting and not decision.invalid else _reason(decision)
    call.condition("ReplicasScheduled", False, reason, " ".join(told))
    call.status(scheduling=_scheduling(decision, waiting, _left(call, plan.left)))


def _queued(existing: Existing) -> str:
    at = f"at position {existing.position}" if existing.position else "far behind"
    return f"{existing.name} waits in the queue of {existing.cluster}, {at}"


def report_refused(call: Call[ModelDeployment], state: State, reason: str, why: str) -> None:
    """Nothing new may be composed, and what runs stays."""
    existing = state.staying
    call.report.keep()
    held = sum(1 for e in existing if e.holds)
    placed = held == len(existing) == call.xr.spec.replicas
    total = count_of(call.xr.spec.replicas, "replica")
    if placed:
        call.condition("ReplicasScheduled", True, "Scheduled", f"{call.xr.spec.replicas} of {total} placed.")
    else:
        call.condition("ReplicasScheduled", False, reason, why)
    call.condition("PlacementCurrent", None, "Pending", "Not judged while the deployment cannot be composed.")
    _report_replicas(call, state)


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


def _left(call: Call[ModelDeployment], cluster: str) -> Manifest:
    """Whose nodes are left to others, and since when."""
    before = call.xr.status.scheduling.queue if call.xr.status.scheduling else None
    since = before.leftAt if before and before.left == cluster else None
    return {"left": cluster, "leftAt": since or call.now} if cluster else {}


def _scheduling(decision: Decision, waiting: list[Existing], left: Manifest) -> Manifest:
    refused = [_refused(r) for r in decision.refusals[:_LISTED]]
    said: Manifest = {"message": decision.summary[:_LONGEST_MESSAGE]}
    if waiting:
        first = waiting[0]
        said["queue"] = {"cluster": first.cluster} | ({"position": first.position} if first.position else {}) | left
    return {**said, "clusters": refused} if refused else said


def _refused(refusal: Refusal) -> Manifest:
    return {"name": refusal.cluster, "gate": str(refusal.gate), "message": refusal.message[:_LONGEST_MESSAGE]}


def _report_current(call: Call[ModelDeployment], plan: Plan, staying: list[Existing]) -> None:
    if plan.decision.invalid and staying:
        why = f"What runs stays as it is until the selector is corrected: {plan.decision.invalid[0]}"
        call.condition("PlacementCurrent", False, "Outdated", _sentence(why))
        return
    told: dict[str, list[str]] = {}
    for e in sorted(staying, key=lambda e: e.name):
        if why := _out_of_place(e, plan.wishes[e.ordinal], plan):
            told.setdefault(why, []).append(e.name)
    if not told:
        call.condition("PlacementCurrent", True, "Current")
        return
    reason = "Outdated" if plan.stuck else "Moving"
    said = [f"{first} {why}{likewise(others)}." for why, (first, *others) in told.items()]
    call.condition("PlacementCurrent", False, reason, " ".join(said))


def _out_of_place(existing: Existing, wish: Wish, plan: Plan) -> str:
    """What becomes of a replica whose place would not be chosen any more; empty when it would."""
    if wish.change is Change.REPLACE:
        why = f": {wish.why.cluster} {wish.why.message}" if wish.why else ", as was asked"
        return f"moves as soon as another one serves in its place{why}"
    if wish.why is None:
        return ""
    why = f"{wish.why.cluster} {wish.why.message}"
    if wish.change is Change.REMOVE:
        return f"ends before another one is placed, there is no room for both: {why}"
    beside = next((f", and {r.cluster} {r.message}" for r in plan.beside if r.cluster != existing.cluster), "")
    if wish.why.gate is Gate.DRAIN and beside:
        return f"stays until there is another place for it, but {why}{beside}"
    return f"stays, but {why}; {wish.why.fix or 'delete the replica to have it placed anew'}"


def _report_replicas(call: Call[ModelDeployment], state: State) -> None:
    existing, total = state.staying, call.xr.spec.replicas
    serving = [e for e in existing if e.serves and e.ordinal not in state.step.withdrawn]
    ready, updated = len(serving), sum(1 for e in existing if e.ordinal not in state.outdated)
    call.status(
        selector=f"{labels.DEPLOYMENT}={call.name}",
        replicas={"total": total, "ready": ready, "summary": f"{ready}/{total}", "updated": f"{updated}/{total}"},
        placements=[_placement(e) for e in existing],
    )
    if total == 0:
        call.condition("ReplicasReady", True, "NoReplicas", "spec.replicas is 0.")
        return
    told = progress.told(call, state.existing, state.plan, state.step, state.outdated)
    if progress.is_rolling(state.step, state.outdated):
        head = f"{ready} of {total} serve, {updated} of {total} are of the present spec."
        call.condition("ReplicasReady", ready >= total, "Rolling", f"{head} {told}")
        return
    if ready >= total:
        interrupts = " There is one: a change will interrupt it." if total == 1 else ""
        call.condition("ReplicasReady", True, "Ready", f"Every replica serves.{interrupts}")
        return
    planned = {*(e.ordinal for e in existing), *state.plan.create} - {e.ordinal for e in serving}
    names_of = ", ".join(names.replica_name(call.name, ordinal) for ordinal in sorted(planned))
    rest = f"not ready: {names_of}" if names_of else "see ReplicasScheduled for the rest"
    call.condition("ReplicasReady", False, "NotReady", f"{ready} of {total} serve; {rest}.")


def _placement(existing: Existing) -> Manifest:
    told = {"replica": existing.name, "cluster": existing.cluster, "ready": bool(existing.serves)}
    return {**told, "offer": existing.offer} if existing.offer else told


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
