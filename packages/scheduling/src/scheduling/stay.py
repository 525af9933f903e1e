"""Whether a replica whose needs have changed can stay where it is."""

from collections import Counter
from collections.abc import Mapping

from scheduling.capacity import Cluster
from scheduling.explain import Gate, Refusal, count_of
from scheduling.fits import pool_refusal
from scheduling.match import ResolvedRequest
from scheduling.needs import DeploymentNeeds, Kept
from scheduling.sites import resolve

Requests = Mapping[tuple[str, str], tuple[ResolvedRequest, ...]]


def stay(needs: DeploymentNeeds, cluster: Cluster, kept: Kept, held: Mapping[str, int]) -> Requests | Refusal:
    """The new device requests of a replica in its old pools, or why they cannot take it.

    `held` is the nodes per pool that the replica has now; they count as free for it.
    """
    pools = {pool.name: pool for pool in cluster.pools}
    asked: Counter[str] = Counter()
    requests: dict[tuple[str, str], tuple[ResolvedRequest, ...]] = {}
    for engine in needs.engines:
        name = kept.pools.get(engine.name, "")
        if name not in pools:
            return Refusal(cluster.name, Gate.POOL, f"has no pool for engine {engine.name}", engine=engine.name)
        if refusal := pool_refusal(cluster, engine, pools[name]):
            return refusal
        asked[name] += engine.nodes
        requests |= resolve(cluster, engine, name)
    for name, nodes in sorted(asked.items()):
        room = pools[name].free + held.get(name, 0)
        if nodes > room:
            message = f"needs {count_of(nodes, 'node')} of pool {name} for the changed replica, has {room}"
            return Refusal(cluster.name, Gate.NODES, message, "free or add nodes", pool=name, needs=nodes, has=room)
    return requests
