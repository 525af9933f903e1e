"""What is to be done about a deployment's replicas: keep, change, create, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kit.capacity import nodes_of
from scheduling import (
    Claim,
    Decision,
    DeploymentNeeds,
    Kept,
    Refusal,
    ResolvedRequest,
    place,
    stay,
)

from compose_model_deployment.fleet import Fleet
from compose_model_deployment.replicas import Existing, free_ordinals

Manifest = dict[str, Any]
Requests = dict[tuple[str, str], list[Manifest]]


@dataclass(frozen=True)
class Place:
    """A replica's cluster, the pool of each engine, and the device requests of each member."""

    cluster: str
    pools: Mapping[str, str]
    requests: Requests


@dataclass(frozen=True)
class Plan:
    """Where replicas are to be, by ordinal. One that has no place here stays exactly as it is."""

    places: dict[int, Place]
    remove: set[int]
    decision: Decision
    stuck: dict[str, Refusal]
    awaited: list[str]
    """New clusters that would be the better place once they are reached, so nothing new was placed yet."""

    def placed(self, replicas: list[Existing]) -> set[int]:
        """The ordinals that have a cluster once this is done."""
        return ({r.ordinal for r in replicas} | set(self.places)) - self.remove


# A cluster counts a claim within a moment; until then a replica's own nodes may still look free.
COUNTED_SECONDS = 15.0


def make(needs: DeploymentNeeds, fleet: Fleet, replicas: list[Existing], outdated: set[int]) -> Plan:
    """Decide. `outdated` are the ordinals whose spec is not what the deployment asks for now."""
    kept = [_kept(r) for r in replicas]
    decision = place(needs, fleet.clusters, kept)
    awaited = _awaited(needs, fleet, kept)
    leaving = {r.ordinal for r in replicas if r.name in decision.remove}
    by_name = {c.name: c for c in fleet.clusters}
    places, stuck = {}, {}
    for existing in replicas:
        if existing.ordinal not in outdated:
            places[existing.ordinal] = Place(existing.cluster, existing.pools, _claimed(existing))
        elif not decision.invalid and existing.cluster in by_name:
            answer = stay(needs, by_name[existing.cluster], _kept(existing), nodes_of(existing.replica))
            if isinstance(answer, Refusal):
                stuck[existing.name] = answer
            else:
                places[existing.ordinal] = Place(existing.cluster, existing.pools, _requests(answer))
    if not awaited:
        ordinals = free_ordinals({r.ordinal for r in replicas})
        places |= {next(ordinals): Place(p.cluster, p.pools, _requests(p.requests)) for p in decision.placements}
    return Plan(places, leaving, decision, stuck, awaited)


def _awaited(needs: DeploymentNeeds, fleet: Fleet, kept: list[Kept]) -> list[str]:
    """The new clusters that would get a replica if they were reached already."""
    if not fleet.expected:
        return []
    reached = [replace(c, gateway_ready=c.gateway_ready or c.name in fleet.expected) for c in fleet.clusters]
    return sorted({p.cluster for p in place(needs, reached, kept).placements} & set(fleet.expected))


def _claimed(existing: Existing) -> Requests:
    return {
        (engine.name, member.role): [r.manifest() for r in member.deviceRequests]
        for engine in existing.replica.spec.engines
        for member in engine.members
        if member.deviceRequests
    }


def _kept(existing: Existing) -> Kept:
    return Kept(
        name=existing.name,
        cluster=existing.cluster,
        pools=existing.pools,
        created=existing.replica.metadata.creationTimestamp,
        granted=existing.is_granted,
        ready=existing.serves is True,
        counted=existing.is_granted and existing.age > COUNTED_SECONDS,
    )


def _requests(resolved: Mapping[tuple[str, str], tuple[ResolvedRequest, ...]]) -> Requests:
    claimed = {key: [_request(r) for r in found if r.claim is Claim.DRA] for key, found in resolved.items()}
    return {key: requests for key, requests in claimed.items() if requests}


def _request(resolved: ResolvedRequest) -> Manifest:
    return {
        "name": resolved.name,
        "deviceClassName": resolved.device_class_name,
        "count": resolved.count,
        "selectors": [{"cel": text} for text in resolved.selectors],
    }
