"""One cluster as a place for replicas of one deployment: gates, fitting pools, and why not."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from scheduling.assign import Assignment, Budget, Free, Task, assign, taken
from scheduling.capacity import Cluster, Pool
from scheduling.explain import Gate, Refusal, count_of
from scheduling.fits import Fits, Unfit, refusal_of
from scheduling.match import Matched, ResolvedRequest, match
from scheduling.needs import NAME_OF_NAMESPACE, DeploymentNeeds, EngineNeed, Kept


@dataclass
class Site:
    """A cluster, and the free nodes of its pools for this deployment."""

    needs: DeploymentNeeds
    cluster: Cluster
    free: Free
    fits: Fits
    full: bool = False
    """Whether `hold` found no further replica."""
    given_up: bool = False
    """Whether the budget, and not the fleet, is why."""

    @cached_property
    def task(self) -> Task:
        pools = self.cluster.pools
        fits = {
            engine.name: tuple([index for index, pool in enumerate(pools) if self.fits.why_not(engine, pool) is None])
            for engine in self.needs.engines
        }
        return Task(self.needs.engines, pools, fits, self.rank)

    def rank(self, index: int) -> int:
        """The order among pools that are equally tight."""
        return preference(self.needs.uid, self.cluster.name, self.cluster.pools[index].name)

    @property
    def is_open(self) -> bool:
        return self.entry_refusal is None and self.exit_refusal is None

    def hold(self, before: tuple[Assignment, ...]) -> tuple[Assignment, ...] | None:
        """Room for one replica more than before: beside those that are there, else with all of them anew."""
        beside, anew = Budget(), Budget()
        more = assign(self.task, 1, self.left(before), beside)
        if more is not None:
            return (*before, *more)
        found = assign(self.task, len(before) + 1, self.free, anew) if before else None
        self.full = found is None
        self.given_up = self.full and (beside.exhausted or anew.exhausted)
        return found

    def left(self, held: Iterable[Assignment]) -> Free:
        free = self.free
        for assignment in held:
            free = taken(self.task, assignment, free)
        return free

    def refusal(self, held: tuple[Assignment, ...]) -> Refusal:
        """The first gate that keeps a further replica out; for a site that holds all that it can."""
        refusal = self.entry_refusal or self._pool_refusal(held) or self.exit_refusal
        if refusal is None:
            raise ValueError(f"cluster {self.cluster.name} has room")
        return refusal

    @cached_property
    def entry_refusal(self) -> Refusal | None:
        """Of the gates that are about the cluster itself: label, namespace, drain."""
        name, needs = self.cluster.name, self.needs
        if reason := needs.cluster_selector.mismatch(self.cluster.labels):
            message = f"does not match clusterSelector: {reason}"
            return Refusal(name, Gate.LABEL, message, "change spec.clusterSelector or label the cluster")
        if reason := self.cluster.allowed_namespaces.mismatch(needs.all_namespace_labels):
            message = f"does not admit namespace {needs.namespace}: {reason}"
            return Refusal(name, Gate.NAMESPACE, message, _namespace_fix(reason))
        if self.cluster.drain:
            return Refusal(name, Gate.DRAIN, "is being drained", "set spec.drain of the cluster to false")
        return None

    @cached_property
    def exit_refusal(self) -> Refusal | None:
        """Of the gates that pass by themselves in time: gateway and cache."""
        name, cache = self.cluster.name, self.needs.cache
        if not self.cluster.gateway_ready:
            fix = "see condition GatewayReady of the cluster"
            return Refusal(name, Gate.GATEWAY, "has a gateway that is not ready", fix)
        if cache and cache not in self.cluster.caches:
            return cache_refusal(name, cache)
        return None

    def _pool_refusal(self, held: tuple[Assignment, ...]) -> Refusal | None:
        name = self.cluster.name
        if not self.cluster.pools:
            return Refusal(name, Gate.POOL, "has no node pools", "add a pool to spec.nodePools")
        if not self.full and self.hold(held) is not None:
            return None
        if self.given_up:
            message = "might have room, but the search for it was given up"
            return Refusal(name, Gate.UNDECIDED, message, "give its pools more free nodes")
        free = self.left(held)
        alone = (self._best(engine, free) for engine in self.needs.engines)
        blocked = [refusal for refusal in alone if refusal is not None]
        if not blocked:
            return self._jointly(free)
        return min(blocked, key=lambda refusal: (refusal.gate.place, -(refusal.needs or 0), refusal.engine))

    def _jointly(self, free: Free) -> Refusal:
        names = " and ".join(engine.name for engine in self.needs.engines)
        if assign(replace(self.task, paired=False), 1, free, Budget()) is not None:
            return self._apart(names)
        total = sum(engine.nodes for engine in self.needs.engines)
        usable = set().union(*self.task.fits.values())
        pools = ", ".join(f"{self.cluster.pools[index].name} has {free[index]}" for index in sorted(usable))
        sizes = " and ".join(f"{engine.nodes}" for engine in self.needs.engines)
        message = f"needs {sizes} free nodes for engines {names} together, pool {pools}"
        has = sum(free[index] for index in usable)
        fix = _more(total, has, sum(self.cluster.pools[index].nodes for index in usable))
        return Refusal(self.cluster.name, Gate.NODES, message, fix, needs=total, has=has)

    def _apart(self, names: str) -> Refusal:
        usable = [self.cluster.pools[index] for index in sorted(set().union(*self.task.fits.values()))]
        domains = ", ".join(f"pool {pool.name} is of {pool.domain}" for pool in usable if pool.domain)
        message = f"has no two pools of one domain with room for engines {names}: {domains}"
        fix = "free nodes in pools of one domain, or give pools that share a fabric the same domain"
        return Refusal(self.cluster.name, Gate.DOMAIN, message, fix)

    def _best(self, engine: EngineNeed, free: Free) -> Refusal | None:
        """Why no pool takes this engine, told by the pool that is the nearest; None when one does."""
        nearest: tuple[tuple[int, bool, int, str], Pool, Unfit] | None = None
        for pool, nodes in zip(self.cluster.pools, free, strict=True):
            unfit = self.fits.why_not(engine, pool)
            if unfit is None and nodes >= engine.nodes:
                return None
            unfit = unfit or Unfit(Gate.NODES, nodes)
            key = (-unfit.gate.place, _is_too_small(pool, engine), -unfit.has, pool.name)
            if nearest is None or key < nearest[0]:
                nearest = (key, pool, unfit)
        if nearest is None:
            return None
        _, pool, unfit = nearest
        if unfit.gate is Gate.NODES:
            return _nodes_refusal(self.cluster, engine, pool, unfit.has)
        return refusal_of(self.cluster, engine, pool, unfit)


def cache_refusal(cluster: str, cache: str) -> Refusal:
    """The cluster is no place for pods that mount the cache, for now."""
    fix = f"see condition ModelCacheResolved, and status.clusters of ModelCache {cache}"
    return Refusal(cluster, Gate.CACHE, f"does not hold ModelCache {cache} yet", fix)


def make_site(needs: DeploymentNeeds, cluster: Cluster, kept: Iterable[Kept], fits: Fits) -> Site:
    """Replicas kept on the cluster that its pools do not know of yet take their nodes here.

    Free nodes that others wait for are not free: nobody overtakes.
    """
    pools = tuple(sorted(cluster.pools, key=lambda pool: pool.name))
    if pools != cluster.pools:
        cluster = replace(cluster, pools=pools)
    nodes = {engine.name: engine.nodes for engine in needs.engines}
    used: Counter[str] = Counter()
    for replica in kept:
        if not replica.counted:
            for engine, name in replica.pools.items():
                used[name] += nodes.get(engine, 0)
    return Site(needs, cluster, tuple([max(pool.free - pool.waiting - used[pool.name], 0) for pool in pools]), fits)


def resolve(cluster: Cluster, engine: EngineNeed, pool: str) -> Mapping[tuple[str, str], tuple[ResolvedRequest, ...]]:
    """The device class of every request, for an engine that fits the pool."""
    node_class = next(each.node_class for each in cluster.pools if each.name == pool)
    answers = {member.role: match(member.requests, node_class) for member in engine.claiming if node_class is not None}
    return {
        (engine.name, role): answer.requests for role, answer in sorted(answers.items()) if isinstance(answer, Matched)
    }


def preference(*names: str) -> int:
    """Rendezvous hashing: stable for one deployment, different between deployments; the lowest is preferred."""
    return int.from_bytes(hashlib.blake2b("\0".join(names).encode(), digest_size=8).digest())


def _namespace_fix(reason: str) -> str:
    """The label that every namespace has cannot be changed."""
    if reason.startswith(f"label {NAME_OF_NAMESPACE} "):
        return "add the namespace to spec.allowedNamespaces of the cluster"
    return "label the namespace, or change spec.allowedNamespaces of the cluster"


def _more(total: int, free: int, nodes: int) -> str:
    """What helps engines that have room one by one but not together."""
    if 0 < nodes < total:
        return f"add {count_of(total - nodes, 'node')}"
    return f"free or add {count_of(total - free, 'node')}" if free < total else "free nodes or add some"


def _is_too_small(pool: Pool, engine: EngineNeed) -> bool:
    """Whether it could not take the engine even if all of its nodes were free, as far as they are known."""
    return 0 < pool.nodes < engine.nodes


def _nodes_refusal(cluster: Cluster, engine: EngineNeed, pool: Pool, free: int) -> Refusal:
    message = f"needs {count_of(engine.nodes, 'free node')} in pool {pool.name}, has {free}"
    fix = f"free or add {count_of(engine.nodes - free, 'node')}"
    if _is_too_small(pool, engine):
        message = f"needs {engine.nodes} nodes of one pool, and pool {pool.name} has {pool.nodes} in all"
        fix = f"add {count_of(engine.nodes - pool.nodes, 'node')} to pool {pool.name}, or lower copies or worker.nodes"
    return Refusal(
        cluster.name, Gate.NODES, message, fix, engine=engine.name, pool=pool.name, needs=engine.nodes, has=free
    )
