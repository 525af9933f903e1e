"""The status that a workload cluster would give to an object, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from offline.conditions import Condition, condition
from offline.store import dig

Status = dict[str, Any]
GATEWAY = ("modelplane-system", "inference-gateway")
UNKNOWN_COMMIT = "0" * 40
NAMESPACES = ("default", "kube-public", "kube-system", "modelplane-system")


def status_of(manifest: Mapping[str, Any], cluster: str, healthy: bool) -> Status | None:
    """The status of `manifest` on `cluster`; None for a kind without one."""
    simulate = _KINDS.get(manifest["kind"])
    return simulate(manifest, cluster, healthy) if simulate else None


def gateway() -> dict[str, Any]:
    """The gateway that the serving stack of every cluster has."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"namespace": GATEWAY[0], "name": GATEWAY[1]},
    }


def _workload(manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    wanted = _spec(manifest).get("replicas", 1)
    ready = wanted if healthy else 0
    reason = "MinimumReplicasAvailable" if healthy else "MinimumReplicasUnavailable"
    return {
        "observedGeneration": 1,
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": wanted - ready if isinstance(wanted, int) and isinstance(ready, int) else 0,
        "conditions": [condition("Available", healthy, reason)],
    }


def _group(manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    wanted = _spec(manifest).get("replicas", 1)
    return {
        "observedGeneration": 1,
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": wanted if healthy else 0,
        "conditions": [condition("Available", healthy, "AllGroupsReady" if healthy else "GroupsProgressing")],
    }


def _daemons(_manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    ready = 1 if healthy else 0
    counts = ("numberReady", "numberAvailable", "updatedNumberScheduled")
    return {"observedGeneration": 1, "desiredNumberScheduled": 1, **dict.fromkeys(counts, ready)}


def _job(manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    if not healthy:
        return {"active": 1, "ready": 0}
    done = [
        condition("SuccessCriteriaMet", True, "CompletionsReached"),
        condition("Complete", True, "CompletionsReached"),
    ]
    return {"succeeded": _spec(manifest).get("completions", 1), "conditions": done}


def _claim(manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    if not healthy:
        return {"phase": "Pending"}
    capacity = dig(manifest, "spec", "resources", "requests") or {}
    return {"phase": "Bound", "accessModes": _spec(manifest).get("accessModes", []), "capacity": capacity}


def _pod(manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    if healthy and _spec(manifest).get("restartPolicy") == "OnFailure":
        # It looks up the commit of a branch, which nobody knows here.
        ended = {"exitCode": 0, "message": UNKNOWN_COMMIT}
        return {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": ended}}]}
    return {"phase": "Running", "conditions": [condition("Ready", healthy, "PodReady" if healthy else "PodNotReady")]}


def _namespace(_manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    return {"phase": "Active" if healthy else "Terminating"}


def _service(manifest: Mapping[str, Any], cluster: str, healthy: bool) -> Status:
    if _spec(manifest).get("type") != "LoadBalancer" or not healthy:
        return {"loadBalancer": {}}
    return {"loadBalancer": {"ingress": [{"hostname": f"{manifest['metadata']['name']}.{cluster}.example"}]}}


def _route(manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    return {"parents": [_parent(ref, healthy) for ref in _entries(_spec(manifest).get("parentRefs"))]}


def _pool(_manifest: Mapping[str, Any], _cluster: str, healthy: bool) -> Status:
    ref = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": GATEWAY[0], "name": GATEWAY[1]}
    return {"parents": [_parent(ref, healthy)]}


def _parent(ref: Any, healthy: bool) -> dict[str, Any]:
    judged: list[Condition] = [
        condition("Accepted", healthy, "Accepted" if healthy else "NoMatchingParent"),
        condition("ResolvedRefs", healthy, "ResolvedRefs" if healthy else "BackendNotFound"),
    ]
    return {"parentRef": ref, "controllerName": "gateway.example/controller", "conditions": judged}


def _gateway(_manifest: Mapping[str, Any], cluster: str, healthy: bool) -> Status:
    judged = [
        condition("Accepted", True, "Accepted"),
        condition("Programmed", healthy, "Programmed" if healthy else "AddressNotAssigned"),
    ]
    addresses = [{"type": "Hostname", "value": f"{cluster}.example"}] if healthy else []
    return {"addresses": addresses, "conditions": judged}


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _spec(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = manifest.get("spec")
    return spec if isinstance(spec, Mapping) else {}


_KINDS: Mapping[str, Callable[[Mapping[str, Any], str, bool], Status]] = {
    "DaemonSet": _daemons,
    "Deployment": _workload,
    "Gateway": _gateway,
    "HTTPRoute": _route,
    "InferencePool": _pool,
    "Job": _job,
    "LeaderWorkerSet": _group,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "ReplicaSet": _workload,
    "Service": _service,
    "StatefulSet": _workload,
}
