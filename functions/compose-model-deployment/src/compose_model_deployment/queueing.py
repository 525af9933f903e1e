"""Who of those that wait may leave its queue for a free node elsewhere: the one that has waited longest, others ten seconds later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from scheduling import Cluster, DeploymentNeeds, Placement

from compose_model_deployment.replicas import Existing

LOOK_SECONDS = 2.0
# So many that have waited longest look as often as the first: several nodes are often freed at once.
OFTEN = 5
# What a cluster says of its queue and its free nodes is a moment old.
NEW_SECONDS = 10.0
FROM_POSITION = 3


def is_near(replica: Existing) -> bool:
    """Whether it is among the first of its queue."""
    return 0 < replica.position <= FROM_POSITION


def is_due(replica: Existing) -> bool:
    """Whether its turn could have come: what its cluster says of it is no longer new."""
    return is_near(replica) and replica.age > NEW_SECONDS


@dataclass(frozen=True)
class Queues:
    """The queues of all clusters, as one deployment with these needs sees them."""

    needs: DeploymentNeeds
    clusters: list[Cluster]
    left: str
    """The cluster whose free nodes have been left to others for long enough."""
    place: tuple[str, int] = ("", 0)
    """The queue of the first replica that waited at the last look, and its position."""

    def before(self, replica: Existing) -> int:
        """How many are known to have waited longer: in its own queue, and of each other one the first."""
        since = {c.name: min((p.waiting_since for p in c.pools if p.waiting_since), default="") for c in self.clusters}
        mine = since.pop(replica.cluster, "")
        own = (mine, replica.cluster)
        longer = [name for name, begun in since.items() if begun and (not mine or (begun, name) < own)]
        return len(longer) + replica.position - 1

    def looks_after(self, replicas: Iterable[Existing]) -> float:
        """Seconds until the first of a queue looks again, the sooner the longer it has waited; 0 when none is the first."""
        before = (self.before(r) for r in replicas if r.is_waiting and r.position == 1)
        return min((LOOK_SECONDS * max(n - OFTEN + 2, 1) for n in before), default=0.0)

    def advances(self, replicas: Iterable[Existing]) -> bool:
        """Whether somebody has just left the queue before it: perhaps for the very nodes that still look free."""
        first = next((r for r in replicas if r.is_waiting), None)
        return first is not None and first.cluster == self.place[0] and first.position != self.place[1]

    def may_move(self, replica: Existing, offer: Placement) -> bool:
        """Whether nobody who has waited longer is expected to take these nodes."""
        if replica.is_refused:
            return True
        return is_due(replica) and (offer.cluster == self.left or self.before(replica) < self._places(offer))

    def _places(self, offer: Placement) -> int:
        """How many such replicas the pools of an offer have room for."""
        asked: Counter[str] = Counter()
        for engine in self.needs.engines:
            asked[offer.pools[engine.name]] += engine.nodes
        pools = {p.name: p for c in self.clusters if c.name == offer.cluster for p in c.pools}
        return min((pools[name].free - pools[name].waiting) // nodes for name, nodes in asked.items())
