"""What a cache says of itself: how far each cluster is, and what keeps the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.call import Call
from schemas import ModelCache

from compose_model_cache.children import Child
from compose_model_cache.sites import Site

Manifest = dict[str, Any]

READY, FAILED, PENDING = "Ready", "Failed", "Pending"
_TOLD = 3
_LISTED = 256
_LONGEST = 1024


@dataclass(frozen=True)
class State:
    """What is told of: the clusters that are selected, those that are too many, and what holds weights."""

    selected: set[str]
    surplus: set[str]
    existing: Mapping[str, Child]
    fleet: Mapping[str, Site]

    def row(self, name: str) -> Manifest:
        """One row of `status.clusters`."""
        child = self.existing.get(name)
        phase, message = (child.phase or PENDING, child.message) if child else (PENDING, self._waits(name))
        if name not in self.selected:
            message = f"{message or 'its volume exists'}; {self._left(name)}, and its volume stays"
        return (
            {"name": name, "phase": phase, "message": message[:_LONGEST]} if message else {"name": name, "phase": phase}
        )

    def told(self, row: Manifest) -> str:
        """What the condition says of a cluster: the causes, and of what goes well the phase only."""
        child = self.existing.get(row["name"])
        return str((child.told if child else "") or row.get("message") or row["phase"])

    def _waits(self, name: str) -> str:
        site = self.fleet[name]
        if site.drain:
            return "waits: the cluster is being drained"
        return "waits for its turn" if site.config else "waits for the cluster to be composed"

    def _left(self, name: str) -> str:
        return "the cluster is no longer selected" if name in self.fleet else "the InferenceCluster does not exist"


def report(call: Call[ModelCache], state: State) -> None:
    """Set Hydrated and the status."""
    rows = [state.row(name) for name in sorted(state.selected | state.existing.keys())]
    mine = [row for row in rows if row["name"] in state.selected]
    ready = sum(row["phase"] == READY for row in mine)
    call.status(summary={"ready": f"{ready}/{len(mine)}"}, clusters=rows[:_LISTED])
    if not mine:
        message = "No InferenceCluster is selected: see spec.clusterSelector and the clusters' allowedNamespaces."
        call.condition("Hydrated", False, "NoClusters", message)
    elif state.surplus:
        message = f"{len(state.surplus)} clusters are too many and left out: narrow spec.clusterSelector."
        call.condition("Hydrated", False, "TooManyClusters", message)
    elif ready == len(mine):
        call.condition("Hydrated", True, "Hydrated", f"On every cluster that is selected: {ready} of {len(mine)}.")
    else:
        _report_missing(call, state, mine, ready)


def _report_missing(call: Call[ModelCache], state: State, rows: list[Manifest], ready: int) -> None:
    """The failures first."""
    missing = sorted((row for row in rows if row["phase"] != READY), key=lambda row: row["phase"] != FAILED)
    told = [f"{row['name']}: {state.told(row)}" for row in missing[:_TOLD]]
    rest = [f"and {len(missing) - _TOLD} more"] if len(missing) > _TOLD else []
    reason = "Failed" if missing[0]["phase"] == FAILED else "Hydrating"
    message = f"On {ready} of {len(rows)} clusters; {'; '.join(told + rest)}."
    call.condition("Hydrated", False, reason, message.replace("..", "."))
