"""Where the replicas of one deployment go."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scheduling.assign import Assignment
from scheduling.capacity import Cluster
from scheduling.cel import compile_error
from scheduling.explain import Gate, InvalidSelector, Refusal, Stale, summary
from scheduling.match import ResolvedRequest
from scheduling.needs import DeploymentNeeds, Kept
from scheduling.sites import Site, make_site, pool_refusal, preference, resolve


@dataclass(frozen=True)
class Placement:
    """A place for one new replica."""

    cluster: str
    pools: Mapping[str, str]
    requests: Mapping[tuple[str, str], tuple[ResolvedRequest, ...]]
    """By engine name and member role; only the members that claim something."""


@dataclass(frozen=True)
class Decision:
    """What to create and what to remove, and why the rest is not placed; every list is sorted or in order."""

    placements: tuple[Placement, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    remove: tuple[str, ...] = ()
    invalid: tuple[InvalidSelector, ...] = ()
    stale: tuple[Stale, ...] = ()
    summary: str = ""


def place(needs: DeploymentNeeds, clusters: Iterable[Cluster], kept: Iterable[Kept] = ()) -> Decision:
    """Keeps every replica where it is, adds or removes what the number asks for, and says why not."""
    needs = replace(needs, engines=tuple(sorted(needs.engines, key=lambda engine: engine.name)))
    existing = tuple(sorted(kept, key=lambda replica: replica.name))
    remove = _scale_down(existing, len(existing) - needs.replicas)
    staying = tuple(replica for replica in existing if replica.name not in remove)
    invalid = _invalid(needs)
    sites = {
        cluster.name: make_site(needs, cluster, existing)
        for cluster in sorted(clusters, key=lambda cluster: cluster.name)
    }
    if invalid:
        text = f"{len(staying)} of {needs.replicas} replicas placed: {invalid[0]}"
        return Decision(remove=remove, invalid=invalid, summary=text)
    missing = needs.replicas - len(staying)
    held = _spread(sites, missing, Counter(replica.cluster for replica in staying))
    placements = tuple(
        _placement(sites[name], assignment) for name, assignments in sorted(held.items()) for assignment in assignments
    )
    refusals: tuple[Refusal, ...] = ()
    if len(placements) < missing:
        refusals = tuple(
            sorted((site.refusal(held.get(name, ())) for name, site in sites.items()), key=lambda refusal: refusal.rank)
        )
    return Decision(
        placements=placements,
        refusals=refusals,
        remove=remove,
        stale=_stale(needs, staying, sites),
        summary=summary(len(staying) + len(placements), needs.replicas, len(sites), refusals),
    )


def _spread(sites: Mapping[str, Site], missing: int, there: Counter[str]) -> dict[str, tuple[Assignment, ...]]:
    """One replica after another, each to the cluster with the fewest, then the tightest, then the preferred one."""
    held: dict[str, tuple[Assignment, ...]] = {}
    next_held = {
        name: answer for name, site in sites.items() if missing > 0 and (answer := _next(site, ())) is not None
    }
    for _ in range(max(missing, 0)):
        if not next_held:
            break
        best = min(
            next_held,
            key=lambda name: (
                there[name],
                _room(sites[name], next_held[name]),
                preference(sites[name].needs.uid, name),
                name,
            ),
        )
        held[best] = next_held.pop(best)
        there[best] += 1
        answer = _next(sites[best], held[best])
        if answer is not None:
            next_held[best] = answer
    return held


def _next(site: Site, held: tuple[Assignment, ...]) -> tuple[Assignment, ...] | None:
    return site.hold(held) if site.is_open else None


def _room(site: Site, held: tuple[Assignment, ...]) -> int:
    """Free nodes left in the pools that the last replica uses: the fewer, the more room elsewhere."""
    left = site.left(held)
    used = set(held[-1].values())
    return sum(free for pool, free in zip(site.cluster.pools, left, strict=True) if pool.name in used)


def _placement(site: Site, assignment: Assignment) -> Placement:
    requests: dict[tuple[str, str], tuple[ResolvedRequest, ...]] = {}
    for engine in site.needs.engines:
        requests |= resolve(site.cluster, engine, assignment[engine.name])
    return Placement(site.cluster.name, assignment, requests)


def _scale_down(kept: tuple[Kept, ...], surplus: int) -> tuple[str, ...]:
    """Without a grant, then not ready, then the newest of the most crowded cluster."""
    left, order = list(kept), []
    for _ in range(max(surplus, 0)):
        crowd = Counter(replica.cluster for replica in left)
        last = max(
            left,
            key=lambda replica: (
                not replica.granted,
                not replica.ready,
                crowd[replica.cluster],
                replica.created,
                replica.name,
            ),
        )
        left.remove(last)
        order.append(last.name)
    return tuple(order)


def _invalid(needs: DeploymentNeeds) -> tuple[InvalidSelector, ...]:
    found = (
        InvalidSelector(engine.name, member.role, request.name, index, text, message)
        for engine in needs.engines
        for member in engine.claiming
        for request in sorted(member.requests, key=lambda request: request.name)
        for index, text in enumerate(request.selectors)
        if (message := compile_error(text))
    )
    return tuple(found)


def _stale(needs: DeploymentNeeds, kept: tuple[Kept, ...], sites: Mapping[str, Site]) -> tuple[Stale, ...]:
    found = ((replica.name, _out_of_place(needs, replica, sites.get(replica.cluster))) for replica in kept)
    return tuple(Stale(name, refusal) for name, refusal in found if refusal is not None)


def _out_of_place(needs: DeploymentNeeds, replica: Kept, site: Site | None) -> Refusal | None:
    """Why a replica would not be put there today, its nodes aside."""
    if site is None:
        return Refusal(
            replica.cluster, Gate.CLUSTER, "is not known", "create the InferenceCluster again, or delete the replica"
        )
    if refusal := site.entry_refusal():
        return refusal
    pools = {pool.name: pool for pool in site.cluster.pools}
    for engine in needs.engines:
        name = replica.pools.get(engine.name, "")
        if name not in pools:
            return Refusal(
                replica.cluster,
                Gate.POOL,
                f"has no pool {name} for engine {engine.name}",
                engine=engine.name,
                pool=name,
            )
        if refusal := pool_refusal(site.cluster, engine, pools[name]):
            return refusal
    return None
