"""Who watches: every pod, workload, replica, endpoint and claim, by the API servers' own watches.

What was deleted or restarted for a moment between two looks is seen all the same. An API server
that was away is asked for the whole list again; an object that came back meanwhile has another uid.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.api import Api, Kind
from local.errors import LocalError

Manifest = dict[str, Any]
OURS = "modelplane.ai/v1alpha1"
ON_THE_CONTROL_PLANE = (
    Kind(OURS, "ModelDeployment"),
    Kind(OURS, "ModelReplica"),
    Kind(OURS, "ModelEndpoint"),
    Kind(OURS, "ModelRoute"),
    Kind(OURS, "ClusterTenant"),
    Kind("kubernetes.m.crossplane.io/v1alpha1", "Object"),
    Kind("v1", "ConfigMap"),
)
ON_A_CLUSTER = (
    Kind("v1", "Pod"),
    Kind("v1", "Service"),
    Kind("apps/v1", "Deployment"),
    Kind("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"),
    Kind("inference.networking.k8s.io/v1", "InferencePool"),
    Kind("gateway.networking.k8s.io/v1", "HTTPRoute"),
    Kind("resource.k8s.io/v1", "ResourceClaim"),
)
_LABELS = ("modelplane.ai/cluster", "modelplane.ai/deployment", "modelplane.ai/tenant", "modelplane.ai/capacity-claim")


@dataclass(frozen=True, order=True)
class Thing:
    """One object that must not be lost; another one of the same name is another thing."""

    where: str
    kind: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name} on {self.where}"


@dataclass
class Recorder:
    """What exists now, what is gone since when, and how often a container was started anew."""

    alive: dict[Thing, Manifest] = field(default_factory=dict)
    gone: dict[Thing, float] = field(default_factory=dict)
    born: dict[Thing, float] = field(default_factory=dict)
    restarts: dict[Thing, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    """What replicas said of themselves, each time that they said something else."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def watch(self, where: str, kubeconfig: Path, kinds: tuple[Kind, ...]) -> None:
        """Watch these kinds of one API server until `stop`."""
        for kind in kinds:
            threading.Thread(target=self._follow, args=(where, kubeconfig, kind), daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def now(self) -> frozenset[Thing]:
        """All that exists at this moment."""
        with self._lock:
            return frozenset(self.alive)

    def lost(self, since: frozenset[Thing]) -> list[str]:
        """What of `since` was deleted or restarted, in words."""
        with self._lock:
            deleted = [f"{thing} was deleted" for thing in sorted(since) if thing in self.gone]
            return deleted + [f"{thing} was restarted" for thing in sorted(since) if self.restarts.get(thing)]

    def added(self, since: frozenset[Thing]) -> list[Thing]:
        """What came into being besides `since`."""
        with self._lock:
            return sorted(set(self.born) - since)

    def when_gone(self, things: Iterator[Thing]) -> float | None:
        """When the last of these was gone, on the monotonic clock; None while one is there."""
        with self._lock:
            times = [self.gone.get(thing) for thing in things]
        return None if None in times or not times else max(t for t in times if t)

    def forget(self) -> None:
        """Begin anew: what happened so far was meant."""
        with self._lock:
            self.gone.clear()
            self.restarts.clear()
            self.born.clear()
            self.told.clear()

    def _follow(self, where: str, kubeconfig: Path, kind: Kind) -> None:
        while not self._ended.is_set():
            with suppress(LocalError, ValueError, KeyError), closing(Api.from_file(kubeconfig, "faults")) as api:
                version = self._list(where, api, kind)
                for event in api.watch(kind, version) if version else ():
                    if event["type"] == "ERROR":
                        break
                    self._see(where, kind, event["object"], event["type"] == "DELETED")
            self._ended.wait(0.2)

    def _list(self, where: str, api: Api, kind: Kind) -> str:
        found, version = api.snapshot(kind)
        if not version:
            return ""  # A server that has just started does not know the kind yet: that says nothing of its objects.
        listed = {_thing(where, kind, m) for m in found}
        with self._lock:
            for thing in [t for t in self.alive if (t.where, t.kind) == (where, kind.kind) and t not in listed]:
                self._end(thing)
        for manifest in found:
            self._see(where, kind, manifest, deleted=False)
        return version

    def _see(self, where: str, kind: Kind, manifest: Manifest, deleted: bool) -> None:
        if not any(label in manifest["metadata"].get("labels", {}) for label in _LABELS) and kind.api_version != OURS:
            return
        thing = _thing(where, kind, manifest)
        with self._lock:
            if deleted or "deletionTimestamp" in manifest["metadata"]:
                self._end(thing)
                return
            if thing not in self.alive:
                self.born[thing] = time.monotonic()
            before, self.alive[thing] = self.alive.get(thing), manifest
            if kind.kind == "ModelReplica" and _said(before) != _said(manifest):
                self.told.append(f"{thing.name}: {_said(manifest)}")
            more = _starts(manifest) - (_starts(before) if before else _starts(manifest))
            self.restarts[thing] = self.restarts.get(thing, 0) + max(more, 0)

    def _end(self, thing: Thing) -> None:
        self.alive.pop(thing, None)
        self.gone.setdefault(thing, time.monotonic())


def _thing(where: str, kind: Kind, manifest: Manifest) -> Thing:
    return Thing(where, kind.kind, manifest["metadata"]["name"], manifest["metadata"]["uid"])


def _said(manifest: Mapping[str, Any] | None) -> str:
    conditions = (manifest or {}).get("status", {}).get("conditions", [])
    return ", ".join(f"{c['type']} {c['status']} {c['reason']}" for c in conditions if c["type"] != "Synced")


def _starts(pod: Mapping[str, Any]) -> int:
    return sum(c.get("restartCount", 0) for c in pod.get("status", {}).get("containerStatuses") or [])
