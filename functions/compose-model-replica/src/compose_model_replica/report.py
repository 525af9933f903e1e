"""What a replica says of itself, read from the objects that Crossplane saw."""

from __future__ import annotations

from typing import Any

from kit import names
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine

from compose_model_replica import workload
from compose_model_replica.site import Refused, Site

Manifest = dict[str, Any]


def report(call: Call[ModelReplica], site: Site | Refused) -> None:
    """Set every condition and the status. What cannot be known is left as it was."""
    call.condition("ContractValid", None, "NotChecked", "Engine flags are not checked by this version.")
    call.condition("Disaggregating", False, "NotRequested", "spec.serving.mode is Unified.")
    if isinstance(site, Refused):
        call.condition("Granted", False, site.reason, site.message)
        call.report.keep()
        call.report.forget("position")
        call.status(position=site.position or None)
    else:
        call.condition("Granted", True, "Granted", f"Runs on {call.xr.spec.clusterName}.")
        call.status(
            endpoint={"url": f"http://{site.gateway}", "hostname": names.hostname(call.name, call.namespace)},
            providerConfigName=site.target.provider_config,
            namespace=site.namespace,
            offer=site.offer,
        )
    _report_engines(call)
    _report_route(call)


def _report_engines(call: Call[ModelReplica]) -> None:
    found = [(e.name, _ready(call, e), e.copies) for e in call.xr.spec.engines]
    call.status(engines=[{"name": name, "ready": ready, "desired": copies} for name, ready, copies in found])
    ready = sum(r for _, r, _ in found)
    desired = sum(copies for _, _, copies in found)
    counts = ", ".join(f"{name} {r}/{copies}" for name, r, copies in found)
    if ready == 0:
        why = "".join(_trouble(call, workload.key(e)) for e in call.xr.spec.engines) + _postponed(call)
        call.condition("EnginesReady", False, "NotReady", f"No copy answers yet: {counts}.{why}")
        return
    if ready < desired:
        call.condition("EnginesReady", True, "PartlyReady", f"Serves with the copies that answer: {counts}.")
        return
    call.condition("EnginesReady", True, "Ready", f"All copies answer: {counts}.")


def _trouble(call: Call[ModelReplica], key: str) -> str:
    trouble = call.trouble(key).rstrip(".")
    return f" {key} could not be written to the cluster: {trouble}." if trouble else ""


def _postponed(call: Call[ModelReplica]) -> str:
    count = len(call.postponed)
    follow = "1 more object follows" if count == 1 else f"{count} more objects follow"
    return f" {follow} when the first are on the cluster." if count else ""


def _ready(call: Call[ModelReplica], engine: Engine) -> int:
    """Copies that answer; what was last reported when the object has nothing to say."""
    seen = call.seen_remote(workload.key(engine))
    if seen:
        return int(seen.get("status", {}).get("readyReplicas", 0))
    before = call.xr.status.engines if call.xr.status and call.xr.status.engines else []
    return next((e.ready or 0 for e in before if e.name == engine.name), 0)


def _report_route(call: Call[ModelReplica]) -> None:
    if not call.seen("route"):
        call.condition("RoutingReady", False, "NotReady", "The HTTPRoute is not on the cluster yet.")
        return
    if not call.has_said("route"):
        return
    if not call.is_ready("route"):
        why = _trouble(call, "route")
        call.condition("RoutingReady", False, "NotReady", f"The cluster's gateway has not accepted the HTTPRoute.{why}")
        return
    call.condition("RoutingReady", True, "Ready")
