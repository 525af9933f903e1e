"""One cluster as a place for replicas of one deployment: gates, fitting pools, and why not."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from scheduling.assign import Assignment, Budget, Free, Task, assign, taken
from scheduling.capacity import Cluster, Pool
from scheduling.explain import Gate, Refusal, count_of
from scheduling.match import Matched, ResolvedRequest, Unmatched, match
from scheduling.needs import DeploymentNeeds, EngineNeed, Kept


@dataclass(frozen=True)
class Site:
    """A cluster, and the free nodes of its pools for this deployment."""

    needs: DeploymentNeeds
    cluster: Cluster
    free: Free

    @cached_property
    def task(self) -> Task:
        pools = self.cluster.pools
        fits = {
            engine.name: frozenset(
                index for index, pool in enumerate(pools) if pool_refusal(self.cluster, engine, pool) is None
            )
            for engine in self.needs.engines
        }
        ranks = tuple(preference(self.needs.uid, self.cluster.name, pool.name) for pool in pools)
        return Task(self.needs.engines, pools, fits, ranks)

    @cached_property
    def is_open(self) -> bool:
        return next(self._entry_refusals(), None) is None and next(self._exit_refusals(), None) is None

    def hold(self, before: tuple[Assignment, ...]) -> tuple[Assignment, ...] | None:
        """Room for one replica more than before: beside those that are there, else with all of them anew."""
        left = self.left(before)
        more = assign(self.task, 1, left, Budget())
        if more is not None:
            return (*before, *more)
        return assign(self.task, len(before) + 1, self.free, Budget()) if before else None

    def left(self, held: Iterable[Assignment]) -> Free:
        free = self.free
        for assignment in held:
            free = taken(self.task, assignment, free)
        return free

    def refusal(self, held: tuple[Assignment, ...]) -> Refusal:
        """The first gate that keeps a further replica out."""
        gates = (self._entry_refusals(), self._pool_refusals(self.left(held), held), self._exit_refusals())
        return next(chain.from_iterable(gates))

    def entry_refusal(self) -> Refusal | None:
        """Of the gates that are about the cluster itself: label, namespace, drain."""
        return next(self._entry_refusals(), None)

    def _entry_refusals(self) -> Iterator[Refusal]:
        name, needs = self.cluster.name, self.needs
        if reason := needs.cluster_selector.mismatch(self.cluster.labels):
            yield Refusal(
                name,
                Gate.LABEL,
                f"does not match clusterSelector: {reason}",
                "change spec.clusterSelector or label the cluster",
            )
        labels = {"kubernetes.io/metadata.name": needs.namespace, **needs.namespace_labels}
        if reason := self.cluster.allowed_namespaces.mismatch(labels):
            yield Refusal(
                name,
                Gate.NAMESPACE,
                f"does not admit namespace {needs.namespace}: {reason}",
                "change allowedNamespaces or label the namespace",
            )
        if self.cluster.drain:
            yield Refusal(name, Gate.DRAIN, "is being drained", "set spec.drain of the cluster to false")

    def _exit_refusals(self) -> Iterator[Refusal]:
        if not self.cluster.gateway_ready:
            yield Refusal(
                self.cluster.name,
                Gate.GATEWAY,
                "has a gateway that is not ready",
                "see condition GatewayReady of the cluster",
            )
        if self.needs.cache and self.needs.cache not in self.cluster.caches:
            message = f"does not hold ModelCache {self.needs.cache} yet"
            yield Refusal(
                self.cluster.name, Gate.CACHE, message, f"see status.clusters of ModelCache {self.needs.cache}"
            )

    def _pool_refusals(self, free: Free, held: tuple[Assignment, ...]) -> Iterator[Refusal]:
        if not self.cluster.pools:
            yield Refusal(self.cluster.name, Gate.POOL, "has no node pools", "add a pool to spec.nodePools")
            return
        alone = [self._best(engine, free) for engine in self.needs.engines]
        blocked = [refusal for refusal in alone if refusal is not None]
        if self._is_given_up(free, held):
            yield Refusal(
                self.cluster.name,
                Gate.UNDECIDED,
                "might have room, but the search for it was given up",
                "give its pools more free nodes",
            )
        elif blocked:
            yield min(blocked, key=lambda refusal: (refusal.gate.place, -(refusal.needs or 0), refusal.engine))
        elif assign(self.task, 1, free, Budget()) is None:
            yield self._jointly(free)

    def _is_given_up(self, free: Free, held: tuple[Assignment, ...]) -> bool:
        """Whether the budget, and not the fleet, is why no further replica was found."""
        alone, together = Budget(), Budget()
        if assign(self.task, 1, free, alone) is not None:
            return False
        return alone.exhausted or (assign(self.task, len(held) + 1, self.free, together) is None and together.exhausted)

    def _jointly(self, free: Free) -> Refusal:
        names = " and ".join(engine.name for engine in self.needs.engines)
        apart = Task(self.task.engines, self.task.pools, self.task.fits, self.task.ranks, paired=False)
        if assign(apart, 1, free, Budget()) is not None:
            message = f"has no two pools of one domain for engines {names}"
            return Refusal(self.cluster.name, Gate.DOMAIN, message, "free nodes in a pool of the other engine's domain")
        total = sum(engine.nodes for engine in self.needs.engines)
        usable = frozenset[int]().union(*self.task.fits.values())
        pools = ", ".join(f"{self.cluster.pools[index].name} has {free[index]}" for index in sorted(usable))
        sizes = " and ".join(f"{engine.nodes}" for engine in self.needs.engines)
        message = f"needs {sizes} free nodes for engines {names} together, pool {pools}"
        return Refusal(
            self.cluster.name,
            Gate.NODES,
            message,
            "free nodes or add some",
            needs=total,
            has=sum(free[index] for index in usable),
        )

    def _best(self, engine: EngineNeed, free: Free) -> Refusal | None:
        """Why no pool takes this engine, told by the pool that is the nearest; None when one does."""
        found = []
        for index, pool in enumerate(self.cluster.pools):
            refusal = pool_refusal(self.cluster, engine, pool) or _nodes_refusal(
                self.cluster, engine, pool, free[index]
            )
            if refusal is None:
                return None
            found.append(refusal)
        return min(found, key=lambda refusal: (-refusal.gate.place, -(refusal.has or 0), refusal.pool))


def make_site(needs: DeploymentNeeds, cluster: Cluster, kept: Iterable[Kept]) -> Site:
    """Kept replicas that the pools do not know of yet take their nodes here."""
    pools = tuple(sorted(cluster.pools, key=lambda pool: pool.name))
    nodes = {engine.name: engine.nodes for engine in needs.engines}
    ours = [replica for replica in kept if replica.cluster == cluster.name and not replica.counted]
    used = {
        pool.name: sum(
            nodes.get(engine, 0) for replica in ours for engine, name in replica.pools.items() if name == pool.name
        )
        for pool in pools
    }
    ordered = Cluster(**{**vars(cluster), "pools": pools})
    return Site(needs, ordered, tuple(max(pool.free - used[pool.name], 0) for pool in pools))


def pool_refusal(cluster: Cluster, engine: EngineNeed, pool: Pool) -> Refusal | None:
    """Why a pool could not take the engine even if all of its nodes were free."""
    if pool.drain:
        return Refusal(
            cluster.name,
            Gate.DRAIN,
            f"drains its pool {pool.name}",
            f"set drain of pool {pool.name} to false",
            pool=pool.name,
            engine=engine.name,
        )
    if pool.node_class is None:
        message = f"has pool {pool.name} of class {pool.class_name}, which does not exist"
        return Refusal(
            cluster.name,
            Gate.CLASS,
            message,
            f"create InferenceClass {pool.class_name}",
            pool=pool.name,
            engine=engine.name,
        )
    if pool.node_class.invalid:
        message = f"has pool {pool.name} of class {pool.class_name}, which is invalid: {pool.node_class.invalid}"
        return Refusal(
            cluster.name,
            Gate.CLASS,
            message,
            f"correct InferenceClass {pool.class_name}",
            pool=pool.name,
            engine=engine.name,
        )
    for member in engine.claiming:
        answer = match(member.requests, pool.node_class)
        if isinstance(answer, Unmatched):
            return _device_refusal(cluster, engine, pool, answer)
    return None


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


def _device_refusal(cluster: Cluster, engine: EngineNeed, pool: Pool, answer: Unmatched) -> Refusal:
    return Refusal(
        cluster.name,
        answer.gate,
        f"cannot serve engine {engine.name} in pool {pool.name}: {answer.message}",
        "change the selectors or the count, or offer such a class",
        engine=engine.name,
        pool=pool.name,
        request=answer.request,
        expression=answer.expression,
        seen=answer.seen,
        needs=answer.needs,
        has=answer.has,
    )


def _nodes_refusal(cluster: Cluster, engine: EngineNeed, pool: Pool, free: int) -> Refusal | None:
    if free >= engine.nodes:
        return None
    message = f"needs {count_of(engine.nodes, 'free node')} in pool {pool.name}, has {free}"
    fix = f"free or add {count_of(engine.nodes - free, 'node')}"
    return Refusal(
        cluster.name, Gate.NODES, message, fix, engine=engine.name, pool=pool.name, needs=engine.nodes, has=free
    )
