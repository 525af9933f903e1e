"""The status of a pod, from what is known of its containers; a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.datapath.container import Container

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A pod as it is on this machine."""

    address: str
    host: str
    begun: str
    initial: Sequence[Container]
    """Its init containers in order, those that run on among them."""
    main: Sequence[Container]
    initialized: bool

    @property
    def sidecars(self) -> list[Container]:
        return [c for c in self.initial if c.policy == "Always"]


def phase(seen: Seen) -> str:
    """Pending, Running, Succeeded or Failed."""
    if any(c.failed and c.policy == "Never" for c in seen.initial):
        return "Failed"
    if not seen.initialized:
        return "Pending"
    states = [c.state for c in seen.main]
    if all("terminated" in s for s in states) and all(c.gone.is_set() for c in seen.main):
        return "Succeeded" if all(c.succeeded for c in seen.main) else "Failed"
    never_ran = all("waiting" in c.state and not c.last for c in seen.main)
    return "Pending" if never_ran else "Running"


def of(seen: Seen, pod: Manifest, time: str) -> Manifest:
    """The whole status, with the times of conditions that did not change."""
    now_in = phase(seen)
    unready = [c.name for c in (*seen.main, *seen.sidecars) if not c.ready]
    ready = now_in == "Running" and not unready
    initial = [c.name for c in seen.initial if not (c.succeeded or (c.policy == "Always" and c.started))]
    wanted = {
        "PodReadyToStartContainers": (True, "", ""),
        "Initialized": (seen.initialized, "ContainersNotInitialized", f"containers not initialized: {initial}"),
        "ContainersReady": (ready, "ContainersNotReady", _unready(now_in, unready)),
        "Ready": (ready, "ContainersNotReady", _unready(now_in, unready)),
    }
    known = {c["type"]: c for c in pod.get("status", {}).get("conditions") or []}
    kept = [c for name, c in known.items() if name not in wanted]
    conditions = [_condition(name, w, known.get(name, {}), time) for name, w in wanted.items()]
    return {
        "phase": now_in,
        "podIP": seen.address,
        "podIPs": [{"ip": seen.address}],
        "hostIP": seen.host,
        "startTime": seen.begun,
        "conditions": [*kept, *conditions],
        "initContainerStatuses": [c.status() for c in seen.initial],
        "containerStatuses": [c.status() for c in seen.main],
        "observedGeneration": pod["metadata"].get("generation", 1),
    }


def _unready(phase_: str, names: Sequence[str]) -> str:
    return f"the pod has {phase_.lower()}" if not names else f"containers with unready status: {sorted(names)}"


def _condition(name: str, wanted: tuple[bool, str, str], known: Manifest, time: str) -> Manifest:
    met, reason, message = wanted
    value = "True" if met else "False"
    changed = known.get("lastTransitionTime", time) if known.get("status") == value else time
    told = {} if met else {"reason": reason, "message": message}
    return {"type": name, "status": value, "lastTransitionTime": changed, **told}
