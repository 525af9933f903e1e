"""A promotion as the control plane holds it: two deployments, the service before them, and a note of how it began."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kit.labels import DEPLOYMENT

from cli import kubectl
from cli.prove import Plane
from cli.shifting import Plan, Scale, Side, State, Weigh

Manifest = dict[str, Any]
NOTE = "modelplane.ai/promotion"


class RefusedError(Exception):
    """What was asked for cannot be; the sentence names the field and the fix."""


@dataclass(frozen=True)
class Note:
    """Written to the new deployment when it begins, so that whoever comes next knows how to go on."""

    old: str
    service: str
    plan: Plan
    reason: str = ""
    """Why it goes back."""


@dataclass(frozen=True)
class Promotion:
    """From one deployment to another."""

    plane: Plane
    old: str
    new: str
    service: str

    def state(self) -> State:
        """What is seen now."""
        seen = self._look()
        groups = self._groups(seen)
        weights = None if groups[0] == groups[1] else _weights(seen, groups)
        return State(_side(seen, self.old), _side(seen, self.new), weights)

    def begin(self) -> Plan:
        """The plan of a promotion that begins now."""
        state = self.state()
        if not state.old.wanted:
            raise RefusedError(f"md/{self.old} has spec.replicas: 0: name with --from the deployment that serves")
        if not state.old.settled:
            raise RefusedError(f"md/{self.old} is not whole yet ({_told(state.old)}): promote once all replicas serve")
        return Plan(state.old.wanted, state.new.wanted, state.weights)

    def act(self, step: Scale | Weigh) -> None:
        """Do it; the fleet follows in its own time."""
        if isinstance(step, Scale):
            name = self.old if step.side == "old" else self.new
            self._patch("modeldeployment", name, {"spec": {"replicas": step.replicas}})
            return
        seen = self._look()
        found = seen.service["spec"]["endpoints"]
        old, new = self._groups(seen)
        patch = [
            entry
            for group, weight in ((old, step.old), (new, step.new))
            for entry in (
                {"op": "test", "path": f"/spec/endpoints/{group}/selector", "value": found[group]["selector"]},
                {"op": "add", "path": f"/spec/endpoints/{group}/weight", "value": weight},
            )
        ]
        words = (
            "patch",
            "modelservice",
            self.service,
            "-n",
            self.plane.namespace,
            "--type=json",
            "-p",
            json.dumps(patch),
        )
        kubectl.run(self.plane.kubeconfig, self.plane.context, *words)

    def follows(self) -> bool:
        """Whether the service's route is what its weights say."""
        found = self._look().service
        ready = _condition(found, "Ready")
        return ready.get("status") == "True" and ready.get("observedGeneration", 0) >= found["metadata"]["generation"]

    def write(self, note: Note | None) -> None:
        """Note it, or take the note away."""
        text = None if note is None else json.dumps(asdict(note))
        self._patch("modeldeployment", self.new, {"metadata": {"annotations": {NOTE: text}}})

    def _patch(self, kind: str, name: str, patch: Mapping[str, Any]) -> None:
        words = ("patch", kind, name, "-n", self.plane.namespace, "--type=merge", "-p", json.dumps(patch))
        kubectl.run(self.plane.kubeconfig, self.plane.context, *words)

    def _look(self) -> Seen:
        """All of it by one call: it is looked at often."""
        kinds = "modeldeployment,modelreplica,modelservice"
        items = self.plane.get(kinds, "-n", self.plane.namespace)["items"]
        named = {(m["kind"], m["metadata"]["name"]): m for m in items}
        wanted = [("ModelDeployment", self.old), ("ModelDeployment", self.new), ("ModelService", self.service)]
        for kind, name in wanted:
            if (kind, name) not in named:
                raise RefusedError(f"There is no {kind} {name} in namespace {self.plane.namespace}")
        old, new, service = (named[each] for each in wanted)
        replicas = [m for m in items if m["kind"] == "ModelReplica"]
        return Seen({self.old: old, self.new: new}, service, replicas)

    def _groups(self, seen: Seen) -> tuple[int, int]:
        """The group of the service that selects each deployment: the first, as the service counts."""
        old, new = (self._group(seen, name) for name in (self.old, self.new))
        return old, new

    def _group(self, seen: Seen, name: str) -> int:
        labels = {**seen.deployments[name]["metadata"].get("labels", {}), DEPLOYMENT: name}
        for n, group in enumerate(seen.service["spec"]["endpoints"]):
            if group["selector"].get("matchLabels", {}).items() <= labels.items():
                return n
        raise RefusedError(
            f"ms/{self.service} selects nothing of md/{name}: give spec.endpoints a group with matchLabels of its labels, "
            f"such as {DEPLOYMENT}: {name}, and weight: 0 until it is promoted"
        )


@dataclass(frozen=True)
class Seen:
    """What one look found."""

    deployments: Mapping[str, Manifest]
    service: Manifest
    replicas: list[Manifest]


def _side(seen: Seen, name: str) -> Side:
    found = seen.deployments[name]
    ready = found.get("status", {}).get("replicas", {}).get("ready", 0)
    there = sum(r["metadata"].get("labels", {}).get(DEPLOYMENT) == name for r in seen.replicas)
    return Side(found["spec"]["replicas"], ready, there)


def _weights(seen: Seen, groups: tuple[int, int]) -> tuple[int, int]:
    found = seen.service["spec"]["endpoints"]
    old, new = (int(found[g].get("weight", 1)) for g in groups)
    return old, new


def noted(plane: Plane, new: str) -> Note | None:
    """What was noted of a promotion to this deployment; ends the command where it cannot be read."""
    found = plane.get("modeldeployment", new, "-n", plane.namespace)
    text = found["metadata"].get("annotations", {}).get(NOTE)
    if not text:
        return None
    try:
        read = json.loads(text)
        plan = read.pop("plan")
        weights = plan.pop("weights")
        return Note(plan=Plan(**plan, weights=tuple(weights) if weights else None), **read)
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        told = f"md/{new}: annotation {NOTE} cannot be read: remove it, and set replicas and weights by hand"
        raise RefusedError(told) from e


def _told(side: Side) -> str:
    return f"{side.wanted} wanted, {side.ready} ready, {side.there} there"


def _condition(found: Manifest, kind: str) -> Manifest:
    conditions = found.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == kind), {})
