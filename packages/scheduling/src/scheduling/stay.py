"""Whether a replica whose needs have changed can stay where it is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from scheduling.assign import Assignment, Budget, Task, assign
from scheduling.capacity import Cluster
from scheduling.explain import Gate, Refusal, count_of
from scheduling.fits import pool_refusal
from scheduling.match import ResolvedRequest
from scheduling.needs import DeploymentNeeds, EngineNeed, Kept
from scheduling.sites import cache_refusal, resolve

Requests = Mapping[tuple[str, str], tuple[ResolvedRequest, ...]]


@dataclass(frozen=True)
class Stayed:
    """The pool of each engine and its device requests; engines that it had before keep their pools."""

    pools: Assignment
    requests: Requests


def stay(needs: DeploymentNeeds, cluster: Cluster, kept: Kept, held: Mapping[str, int]) -> Stayed | Refusal:
    """Where a replica's engines go on its cluster now, or why it cannot take them.

    `held` is the nodes per pool that the replica has now; they count as free for it.
    """
    # What it mounts already is there, whatever is said of it now.
    if needs.cache not in ("", kept.cache, *cluster.caches):
        return cache_refusal(cluster.name, needs.cache)
    fits: dict[str, tuple[int, ...]] = {}
    for engine in needs.engines:
        able = _able(cluster, engine, kept.pools.get(engine.name, ""))
        if isinstance(able, Refusal):
            return able
        fits[engine.name] = able
    free = tuple(pool.free + held.get(pool.name, 0) for pool in cluster.pools)
    found = assign(Task(needs.engines, cluster.pools, fits, lambda index: index), 1, free, Budget())
    if not found:
        return _too_large(needs, cluster, fits, free)
    requests: dict[tuple[str, str], tuple[ResolvedRequest, ...]] = {}
    for engine in needs.engines:
        requests |= resolve(cluster, engine, found[0][engine.name])
    return Stayed(found[0], requests)


def _able(cluster: Cluster, engine: EngineNeed, pool: str) -> tuple[int, ...] | Refusal:
    """The pools that could take an engine: the one that it is in, or any for one that is new."""
    candidates = [i for i, p in enumerate(cluster.pools) if pool in ("", p.name)]
    if not candidates:
        return Refusal(cluster.name, Gate.POOL, f"has no pool for engine {engine.name}", engine=engine.name)
    refusals = {index: pool_refusal(cluster, engine, cluster.pools[index]) for index in candidates}
    able = tuple(index for index, refusal in refusals.items() if refusal is None)
    told = [refusal for refusal in refusals.values() if refusal]
    return able or min(told, key=lambda refusal: refusal.rank)


def _too_large(
    needs: DeploymentNeeds, cluster: Cluster, fits: Mapping[str, tuple[int, ...]], free: tuple[int, ...]
) -> Refusal:
    asked: Counter[int] = Counter()
    for engine in needs.engines:
        asked[max(fits[engine.name], key=lambda index: free[index] - asked[index])] += engine.nodes
    index, nodes = max(asked.items(), key=lambda item: item[1] - free[item[0]])
    name, room = cluster.pools[index].name, free[index]
    if nodes <= room:
        message = "has pools for the changed replica's engines, but none in one domain"
        return Refusal(cluster.name, Gate.DOMAIN, message, "free nodes of pools that share a domain")
    message = f"needs {count_of(nodes, 'node')} of pool {name} for the changed replica, has {room}"
    return Refusal(cluster.name, Gate.NODES, message, "free or add nodes", pool=name, needs=nodes, has=room)
