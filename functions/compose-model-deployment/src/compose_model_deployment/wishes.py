"""What each replica that exists should become: stay, be changed where it is, be moved, go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kit.capacity import nodes_of
from scheduling import Cluster, Decision, DeploymentNeeds, Gate, Kept, Refusal, place, stay

from compose_model_deployment import fleet
from compose_model_deployment.replicas import Existing, Place, as_is, kept, requests
from compose_model_deployment.rolling import Change, Turn


@dataclass(frozen=True)
class Asked:
    """What the owner wants changed, and what was begun."""

    outdated: frozenset[int] = frozenset()
    """Ordinals whose spec is not what the deployment asks for now."""
    turns: Mapping[int, Turn] = field(default_factory=dict)
    to_move: frozenset[str] = frozenset()
    """Names that the annotation modelplane.ai/reschedule still moves."""
    judge: bool = False
    """Whether that annotation has a value for which nothing was judged yet."""


@dataclass(frozen=True)
class Wish:
    """What one replica should become; `target` is where an update puts it, `why` is what speaks against its place."""

    change: Change
    target: Place
    why: Refusal | None = None


@dataclass(frozen=True)
class Board:
    """All that is known when wishes are made."""

    needs: DeploymentNeeds
    clusters: Mapping[str, Cluster]
    placed: tuple[Existing, ...]
    """Replicas that hold their nodes or are about to."""
    decision: Decision
    asked: Asked
    spare: str = ""
    """The cluster that has room for one replica more; empty when there is none."""
    beside: tuple[Refusal, ...] = ()
    """Why there is none."""

    def wish(self, existing: Existing) -> Wish:
        """What `existing` should become."""
        stale = next((s.refusal for s in self.decision.stale if s.replica == existing.name), None)
        named = existing.name in self.asked.to_move
        moves = named or (stale is not None and stale.gate is Gate.DRAIN)
        if moves and existing.holds and self._has_another_place(existing, certain=stale is not None):
            return Wish(Change.REPLACE, as_is(existing), stale)
        if existing.ordinal not in self.asked.outdated:
            return Wish(Change.NONE, as_is(existing), stale)
        wish = self._changed(existing)
        return wish if wish.why else replace(wish, why=stale)

    def _changed(self, existing: Existing) -> Wish:
        """A spec that is not the present one: changed where it is, else placed anew."""
        if fleet.is_enough(existing.replica, self.needs):
            return Wish(Change.UPDATE, as_is(existing))
        cluster = self.clusters.get(existing.cluster)
        if cluster is None or self.decision.invalid:
            return Wish(Change.NONE, as_is(existing))
        answer = stay(self.needs, cluster, kept(existing), nodes_of(existing.replica))
        if not isinstance(answer, Refusal):
            target = replace(as_is(existing), pools=answer.pools, requests=requests(answer.requests))
            return Wish(Change.UPDATE, target)
        return Wish(self._anew(existing), as_is(existing), answer)

    def _anew(self, existing: Existing) -> Change:
        """How one that cannot be changed where it is comes to another place."""
        if existing.holds and self._has_another_place(existing, certain=True):
            return Change.REPLACE
        if not existing.holds or self._fits_once_it_is_gone(existing):
            return Change.REMOVE
        return Change.NONE

    def _has_another_place(self, existing: Existing, *, certain: bool) -> bool:
        """Whether another replica can serve first; one that is not `certain` to leave must spread them better."""
        turn = self.asked.turns.get(existing.ordinal)
        if turn and turn.change is Change.REPLACE:
            begun = any(e.ordinal == turn.replacement for e in self.placed)
            return begun or bool(self.decision.placements)
        if any(t.change is Change.REPLACE for t in self.asked.turns.values()):
            return True  # It waits for its turn, and is judged anew then.
        if not self.spare:
            return False
        crowd = Counter(e.cluster for e in self.placed)
        return certain or crowd[existing.cluster] - crowd[self.spare] > 1

    def _fits_once_it_is_gone(self, existing: Existing) -> bool:
        held = nodes_of(existing.replica)
        cluster = self.clusters[existing.cluster]
        pools = tuple(replace(p, free=p.free + held.get(p.name, 0)) for p in cluster.pools)
        freed = {**self.clusters, cluster.name: replace(cluster, pools=pools)}
        others = [kept(e) for e in self.placed if e.ordinal != existing.ordinal]
        return bool(place(replace(self.needs, replicas=len(others) + 1), freed.values(), others).placements)


def with_spare(board: Board, there: list[Kept]) -> Board:
    """With a place for one replica more than there are, or why there is none."""
    decision = place(replace(board.needs, replicas=len(there) + 1), board.clusters.values(), there)
    return replace(board, spare=next((p.cluster for p in decision.placements), ""), beside=decision.refusals)


def rescheduled(board: Board) -> frozenset[str]:
    """Who is to move when the owner asks for it: whose place is not current, or is one of too many on its cluster."""
    chosen = {s.replica for s in board.decision.stale}
    there = [kept(e) for e in board.placed if e.name not in chosen]
    for _ in range(len(there)):
        target = with_spare(board, there).spare
        crowd = Counter(each.cluster for each in there)
        most = max(there, key=lambda each: (crowd[each.cluster], each.created, each.name))
        if not target or crowd[most.cluster] - crowd[target] <= 1:
            break
        chosen.add(most.name)
        there = [each if each is not most else replace(most, cluster=target, pools={}) for each in there]
    return frozenset(chosen)
