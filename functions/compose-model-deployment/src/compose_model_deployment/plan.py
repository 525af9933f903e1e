"""What is to be done about a deployment's replicas: keep, change, create, move to another queue, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kit.capacity import nodes_of
from scheduling import (
    Claim,
    Decision,
    DeploymentNeeds,
    Kept,
    Placement,
    Refusal,
    ResolvedRequest,
    place,
    scale_down,
    stay,
)

from compose_model_deployment.fleet import Fleet
from compose_model_deployment.replicas import Existing, Place, Requests, free_ordinals

Manifest = dict[str, Any]

# The birth of a replica is some thirty events: more at once open the deployment's circuit.
WAVE = 2
# What a cluster says of its free nodes is a moment old; who moves at once moves in vain.
MOVES_AFTER_SECONDS = 10.0
# A node that becomes free somewhere is for the first of a queue, not for all of them at once.
MOVES_FROM_POSITION = 3
# A cluster counts a claim within a moment; until then a replica's own nodes may still look free.
COUNTED_SECONDS = 15.0


@dataclass(frozen=True)
class Plan:
    """Where replicas are to be, by ordinal. One that has no place here stays exactly as it is."""

    places: dict[int, Place]
    remove: set[int]
    decision: Decision = field(default_factory=Decision)
    stuck: dict[str, Refusal] = field(default_factory=dict)
    awaited: list[str] = field(default_factory=list)
    """New clusters that would be the better place once they are reached, so nothing new was placed yet."""
    again: bool = False
    """Whether replicas were found that were not shown: nothing is created before they are."""
    looked: bool = True


def at_rest(replicas: list[Existing]) -> Plan:
    """Every replica stays where it is and as it is; the fleet was not looked at."""
    return Plan({r.ordinal: _as_is(r) for r in replicas}, set(), looked=False)


def surplus(replicas: list[Existing], wanted: int) -> set[int]:
    """Ordinals of the replicas that are too many; who goes needs no look at the fleet."""
    gone = scale_down(map(_kept, replicas), len(replicas) - wanted)
    return {r.ordinal for r in replicas if r.name in gone}


@dataclass(frozen=True)
class Unseen:
    """Ordinals of replicas that exist although Crossplane does not show them, and of those being deleted."""

    found: set[int]
    leaving: set[int]


def make(needs: DeploymentNeeds, fleet: Fleet, replicas: list[Existing], outdated: set[int], unseen: Unseen) -> Plan:
    """Decide. `outdated` are the ordinals whose spec is not what the deployment asks for now."""
    placed = [r for r in replicas if not r.is_waiting and not r.is_refused]
    left = max(needs.replicas - len(placed), 0)
    hopeful = [r for r in replicas if r.is_waiting] + [r for r in replicas if r.is_refused]
    kept = [_kept(r) for r in placed]
    decision = place(needs, fleet.clusters, kept)
    leaving = {r.ordinal for r in placed if r.name in decision.remove} | {r.ordinal for r in hopeful[left:]}
    places, stuck = _stay(replicas, needs, fleet, decision, outdated)
    awaited = _awaited(needs, fleet, kept)
    if awaited or unseen.found:
        return Plan(places, leaving, decision, stuck, awaited, again=bool(unseen.found))
    moving, offers = _divide(decision, hopeful[:left], left)
    wave = max(WAVE - sum(1 for r in placed if not r.holds), 0)
    ordinals = free_ordinals({r.ordinal for r in replicas} | unseen.leaving)
    places |= {next(ordinals): _new(offer) for offer in offers[:wave]}
    return Plan(places, leaving | {r.ordinal for r in moving[:wave]}, decision, stuck)


def _divide(decision: Decision, hopeful: list[Existing], left: int) -> tuple[list[Existing], list[Placement]]:
    """Which of those that wait or were refused move, and the places to take: theirs first, then the missing ones'."""
    room, queue = list(decision.placements), list(decision.queue)
    elsewhere = []
    for replica in hopeful:
        mine = next((offer for offer in room if offer.cluster == replica.cluster and replica.is_waiting), None)
        if mine:
            room.remove(mine)
        else:
            elsewhere.append(replica)
    moving, taken = [], []
    for replica in sorted(elsewhere, key=lambda r: r.is_waiting):
        # A place in one queue is not given up for a place in another.
        offers = room or ([] if replica.is_waiting else queue)
        if offers and _may_move(replica):
            moving.append(replica)
            taken.append(offers.pop(0))
    return moving, [*taken, *(room + queue)[: left - len(hopeful)]]


def _may_move(replica: Existing) -> bool:
    if replica.is_refused:
        return True
    return replica.age > MOVES_AFTER_SECONDS and 0 < replica.position <= MOVES_FROM_POSITION


def _stay(
    replicas: list[Existing], needs: DeploymentNeeds, fleet: Fleet, decision: Decision, outdated: set[int]
) -> tuple[dict[int, Place], dict[str, Refusal]]:
    """The places of those that exist, with changed needs where they fit; and why the others do not."""
    by_name = {c.name: c for c in fleet.clusters}
    places: dict[int, Place] = {}
    stuck: dict[str, Refusal] = {}
    for existing in replicas:
        if existing.ordinal not in outdated:
            places[existing.ordinal] = _as_is(existing)
        elif not decision.invalid and existing.cluster in by_name:
            answer = stay(needs, by_name[existing.cluster], _kept(existing), nodes_of(existing.replica))
            if isinstance(answer, Refusal):
                stuck[existing.name] = answer
            else:
                places[existing.ordinal] = replace(
                    _as_is(existing), pools=answer.pools, requests=_requests(answer.requests)
                )
    return places, stuck


def _awaited(needs: DeploymentNeeds, fleet: Fleet, kept: list[Kept]) -> list[str]:
    """The new clusters that would get a replica if they were reached already."""
    if not fleet.expected:
        return []
    reached = [replace(c, gateway_ready=c.gateway_ready or c.name in fleet.expected) for c in fleet.clusters]
    return sorted({p.cluster for p in place(needs, reached, kept).placements} & set(fleet.expected))


def _new(offer: Placement) -> Place:
    return Place(offer.cluster, offer.pools, _requests(offer.requests))


def _as_is(existing: Existing) -> Place:
    claimed: Requests = {
        (engine.name, member.role): [r.manifest() for r in member.deviceRequests]
        for engine in existing.replica.spec.engines
        for member in engine.members
        if member.deviceRequests
    }
    return Place(existing.cluster, existing.pools, claimed, existing.holds)


def _kept(existing: Existing) -> Kept:
    return Kept(
        name=existing.name,
        cluster=existing.cluster,
        pools=existing.pools,
        created=existing.replica.metadata.creationTimestamp,
        granted=existing.holds,
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
