"""What is to be done about a deployment's replicas: keep, change, create, move, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from scheduling import Decision, DeploymentNeeds, Kept, Placement, Refusal, place, scale_down

from compose_model_deployment import wishes
from compose_model_deployment.fleet import Fleet
from compose_model_deployment.queueing import Queues, is_due
from compose_model_deployment.replicas import Existing, Place, as_is, free_ordinals, kept, requests
from compose_model_deployment.rolling import Change
from compose_model_deployment.wishes import Asked, Board, Wish

# The birth of a replica is some thirty events: more at once open the deployment's circuit.
WAVE = 1
# A birth takes some sixty of the hundred tokens of the circuit: the next waits for those that it will need. Larger ones
# do not wait: their circuit opens at any pace that people would bear (`design/capacity-ledger.md`).
AFTER_SECONDS = (35.0, 90.0)


@dataclass(frozen=True)
class Plan:
    """What each replica that exists should become, and the places of those to create; all by ordinal."""

    wishes: Mapping[int, Wish]
    create: Mapping[int, Place] = field(default_factory=dict)
    remove: frozenset[int] = frozenset()
    """Those that are too many, or go because they wait where another cluster has room."""
    free: int = 0
    """An ordinal that none has."""
    decision: Decision = field(default_factory=Decision)
    beside: tuple[Refusal, ...] = ()
    """Why no cluster has room for one replica more, beside those that are there; the closest first."""
    awaited: tuple[str, ...] = ()
    """New clusters that would be the better place once they are reached, so nothing new was placed yet."""
    again: bool = False
    """Whether replicas were found that were not shown: nothing is created before they are."""
    pause: float = 0.0
    """Seconds until the next one is asked for, so that its birth does not open the circuit."""
    looked: bool = True
    looks_after: float = 0.0
    """Seconds until the first of a queue looks again; 0 when none is."""
    left: str = ""
    """A cluster whose free nodes are left to those that have waited longer, for a while."""
    asked: Asked = field(default_factory=Asked)
    """What the owner wants changed, as far as it is still to be done."""

    @property
    def stuck(self) -> dict[int, Refusal]:
        """Who stays although its place would not be chosen any more, and why."""
        stays = (Change.NONE, Change.UPDATE)
        return {n: wish.why for n, wish in self.wishes.items() if wish.why and wish.change in stays}

    def without_vain_moves(self, names: Mapping[int, str]) -> Plan:
        """Who was to move and has no other place now stays: the annotation is judged once."""
        moving = {names[n] for n, wish in self.wishes.items() if wish.change is Change.REPLACE}
        return replace(self, asked=replace(self.asked, to_move=self.asked.to_move & moving))


def at_rest(replicas: list[Existing]) -> Plan:
    """Every replica stays where it is and as it is; the fleet was not looked at."""
    return Plan({r.ordinal: Wish(Change.NONE, as_is(r)) for r in replicas}, looked=False)


def in_place(replicas: list[Existing], outdated: frozenset[int]) -> Plan:
    """Every replica stays where it is; those that are outdated are changed there."""
    changes = {r.ordinal: Change.UPDATE if r.ordinal in outdated else Change.NONE for r in replicas}
    return Plan({r.ordinal: Wish(changes[r.ordinal], as_is(r)) for r in replicas}, looked=False)


def fewer(replicas: list[Existing], wanted: int) -> Plan:
    """Nothing is changed; those that are too many go, which needs no look at the fleet."""
    gone = scale_down(map(kept, replicas), len(replicas) - wanted)
    return replace(at_rest(replicas), remove=frozenset(r.ordinal for r in replicas if r.name in gone))


@dataclass(frozen=True)
class Divided:
    """Which replicas move, the places to take, and the cluster whose nodes are left to those that have waited longer."""

    moving: list[Existing]
    offers: list[Placement]
    left: str


@dataclass(frozen=True)
class Unseen:
    """Ordinals of replicas that exist although Crossplane does not show them, and of those being deleted."""

    found: set[int]
    leaving: set[int]


def make(needs: DeploymentNeeds, fleet: Fleet, replicas: list[Existing], asked: Asked, unseen: Unseen) -> Plan:
    """Decide."""
    placed = [r for r in replicas if not r.is_waiting and not r.is_refused]
    hopeful = [r for r in replicas if r.is_waiting] + [r for r in replicas if r.is_refused]
    replacement = _replacement(needs, replicas, placed, asked)
    many = replace(needs, replicas=needs.replicas + (replacement is not None))
    left = max(many.replicas - len(placed), 0)
    there = [_kept(r, fleet, asked) for r in placed]
    decision = place(many, fleet.clusters, there, packs=not fleet.in_motion)
    awaited = _awaited(many, fleet, there)
    queues = Queues(needs, fleet.clusters, fleet.left, fleet.place)
    leaving = {r.ordinal for r in placed if r.name in decision.remove} | {r.ordinal for r in hopeful[left:]}
    settled = len(placed) == needs.replicas == len(replicas) and all(r.holds for r in placed) and not awaited
    board = Board(needs, {c.name: c for c in fleet.clusters}, tuple(placed), decision, asked)
    if settled:
        board = _searched(board, there)
    taken = {r.ordinal for r in replicas} | unseen.leaving | unseen.found
    made = Plan(
        wishes={r.ordinal: board.wish(r) for r in replicas},
        remove=frozenset(leaving),
        free=next(free_ordinals(taken)),
        looks_after=queues.looks_after(replicas),
        decision=decision,
        asked=board.asked,
        beside=board.beside,
    )
    if settled:
        made = made.without_vain_moves({r.ordinal: r.name for r in replicas})
    if awaited or unseen.found:
        return replace(made, awaited=tuple(awaited), again=bool(unseen.found))
    if replacement is not None:
        decision = replace(decision, queue=())  # Nobody is to go for one that only waits.
    divided = _divide(decision, hopeful[:left], left, queues)
    wave = max(WAVE - sum(r.is_being_born for r in placed), 0)
    first = () if replacement is None or replacement in taken else (replacement,)
    ordinals = chain(first, free_ordinals(taken | set(first)))
    pause = next_after(replicas) if divided.offers and not divided.moving else 0.0
    create = {next(ordinals): _new(offer) for offer in divided.offers[: 0 if pause else wave]}
    gone = {r.ordinal for r in divided.moving[:wave]}
    return replace(made, create=create, remove=made.remove | gone, pause=pause, left=divided.left)


def next_after(replicas: list[Existing]) -> float:
    """Seconds until the second or the third replica may be asked for; 0 for any other."""
    if len(replicas) > len(AFTER_SECONDS):
        return 0.0
    ages = sorted(max(r.age, 0.0) for r in replicas)  # Clocks differ.
    return max((after - age for after, age in zip(AFTER_SECONDS, ages, strict=False) if age < after), default=0.0)


def _replacement(needs: DeploymentNeeds, replicas: list[Existing], placed: list[Existing], asked: Asked) -> int | None:
    """The ordinal of the one replica more that serves before another one goes."""
    ordinals = {r.ordinal for r in replicas}
    for ordinal, turn in sorted(asked.turns.items()):
        if turn.change is not Change.REPLACE or ordinal not in ordinals:
            continue
        begun = any(r.ordinal == turn.replacement for r in placed)
        # Whoever wants fewer by now has one that is not needed in another's place.
        return turn.replacement if len(placed) <= needs.replicas + begun else None
    return None


def _searched(board: Board, there: list[Kept]) -> Board:
    """With a place for one more, where that could be of use; and with who is to move, if the owner has just asked."""
    asked = board.asked
    if asked.judge and not asked.turns:
        asked = replace(asked, to_move=wishes.rescheduled(board), judge=False)
    if not (asked.outdated or asked.to_move or board.decision.stale):
        return replace(board, asked=asked)
    return wishes.with_spare(replace(board, asked=asked), there)


def _kept(existing: Existing, fleet: Fleet, asked: Asked) -> Kept:
    turn = asked.turns.get(existing.ordinal)
    drained = any(c.drain for c in fleet.clusters if c.name == existing.cluster)
    changes = existing.ordinal in asked.outdated or existing.name in asked.to_move or drained
    return kept(existing, out=turn is not None and turn.change is not Change.REPLACE, changes=changes)


def _divide(decision: Decision, hopeful: list[Existing], missing: int, queues: Queues) -> Divided:
    """Which of those that wait or were refused move, and the places to take: theirs first, then the missing ones'."""
    room, queue, advances = list(decision.placements), list(decision.queue), queues.advances(hopeful)
    elsewhere = []
    for replica in hopeful:
        mine = next((offer for offer in room if offer.cluster == replica.cluster and replica.is_waiting), None)
        if mine:
            room.remove(mine)
        else:
            elsewhere.append(replica)
    moving, taken, left = [], [], ""
    for replica in sorted(elsewhere, key=lambda r: r.is_waiting):
        # A place in one queue is not given up for a place in another.
        offers = (room or queue) if replica.is_refused else [] if advances else room
        if offers and queues.may_move(replica, offers[0]):
            moving.append(replica)
            taken.append(offers.pop(0))
        elif offers and is_due(replica):
            left = offers[0].cluster
    return Divided(moving, [*taken, *(room + queue)[: missing - len(hopeful)]], left)


def _awaited(needs: DeploymentNeeds, fleet: Fleet, there: list[Kept]) -> list[str]:
    """The new clusters that would get a replica if they were reached already."""
    if not fleet.expected:
        return []
    reached = [replace(c, gateway_ready=c.gateway_ready or c.name in fleet.expected) for c in fleet.clusters]
    return sorted({p.cluster for p in place(needs, reached, there).placements} & set(fleet.expected))


def _new(offer: Placement) -> Place:
    return Place(offer.cluster, offer.pools, requests(offer.requests))
