"""Where the replicas of one deployment go."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scheduling.assign import Assignment
from scheduling.capacity import Cluster
from scheduling.cel import compile_error
from scheduling.explain import Gate, InvalidSelector, Refusal, Stale, count_of, summary
from scheduling.fits import Fits, pool_refusal
from scheduling.match import ResolvedRequest
from scheduling.needs import DeploymentNeeds, Kept
from scheduling.sites import Site, make_site, preference, resolve

Offer = tuple[int, int, int, str, tuple[Assignment, ...]]


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
    queue: tuple[Placement, ...] = ()
    """Where those that have no room now are to wait: one for each that is missing, if any cluster could ever take it."""
    refusals: tuple[Refusal, ...] = ()
    remove: tuple[str, ...] = ()
    invalid: tuple[InvalidSelector, ...] = ()
    stale: tuple[Stale, ...] = ()
    summary: str = ""


def place(
    needs: DeploymentNeeds, clusters: Iterable[Cluster], kept: Iterable[Kept] = (), *, packs: bool = True
) -> Decision:
    """Keeps every replica where it is, adds or removes what the number asks for, and says why not.

    Without `packs` no cluster is preferred for being tight: where many ask at once, all would see the same one.
    """
    needs = replace(needs, engines=tuple(sorted(needs.engines, key=lambda engine: engine.name)))
    existing = tuple(sorted(kept, key=lambda replica: replica.name))
    remove = scale_down(existing, len(existing) - needs.replicas)
    staying = tuple(replica for replica in existing if replica.name not in remove)
    by_name = {cluster.name: cluster for cluster in clusters}
    invalid = _invalid(needs)
    if invalid:
        text = f"{len(staying)} of {count_of(needs.replicas, 'replica')} placed: {invalid[0]}"
        return Decision(remove=remove, invalid=invalid, summary=text)
    missing = needs.replicas - len(staying)
    sites = _sites(needs, by_name, existing, only_theirs=missing <= 0)
    held = _spread(sites, missing, Counter(replica.cluster for replica in staying), packs=packs)
    placements = tuple(
        _placement(sites[name], assignment) for name, assignments in sorted(held.items()) for assignment in assignments
    )
    refusals: tuple[Refusal, ...] = ()
    queue: tuple[Placement, ...] = ()
    if len(placements) < missing:
        queue = _queue(sites.values(), missing - len(placements))
        refusals = tuple(
            sorted((site.refusal(held.get(name, ())) for name, site in sites.items()), key=lambda refusal: refusal.rank)
        )
    return Decision(
        placements=placements,
        queue=queue,
        refusals=refusals,
        remove=remove,
        stale=_stale(needs, staying, sites),
        summary=summary(len(staying) + len(placements), needs.replicas, len(by_name), refusals),
    )


def _sites(
    needs: DeploymentNeeds, clusters: Mapping[str, Cluster], kept: tuple[Kept, ...], *, only_theirs: bool
) -> dict[str, Site]:
    """The clusters as places; where nothing is to be placed, only those that hold a replica."""
    fits = Fits()
    theirs: dict[str, list[Kept]] = {}
    for replica in kept:
        theirs.setdefault(replica.cluster, []).append(replica)
    chosen = theirs.keys() & clusters.keys() if only_theirs else clusters
    return {name: make_site(needs, clusters[name], theirs.get(name, ()), fits) for name in chosen}


def _spread(
    sites: Mapping[str, Site], missing: int, there: Counter[str], *, packs: bool
) -> dict[str, tuple[Assignment, ...]]:
    """One replica after another, each to the cluster with the fewest, then one of the tightest that is preferred."""
    held: dict[str, tuple[Assignment, ...]] = {}
    if missing <= 0:
        return held
    offers = [offer for site in sites.values() if site.is_open and (offer := _offer(site, (), there, packs=packs))]
    heapq.heapify(offers)
    while offers and missing:
        *_, name, assignments = offers[0]
        held[name] = assignments
        missing -= 1
        there[name] += 1
        # A replica more changes only the order of its own cluster.
        if (offer := _offer(sites[name], assignments, there, packs=packs)) is None:
            heapq.heappop(offers)
        else:
            heapq.heapreplace(offers, offer)
    return held


def _offer(site: Site, before: tuple[Assignment, ...], there: Mapping[str, int], *, packs: bool) -> Offer | None:
    """What the cluster holds with one replica more, behind what it is ordered by; no two have the same name."""
    held = site.hold(before)
    if held is None:
        return None
    name = site.cluster.name
    return (there.get(name, 0), _room(site, held) if packs else 0, preference(site.needs.uid, name), name, held)


def _room(site: Site, held: tuple[Assignment, ...]) -> int:
    """How many free nodes are left in the pools that the last replica uses: the fewer, the more room elsewhere.

    Told in powers of two. By the node, all deployments that look at one moment would go to one cluster.
    """
    used = set(held[-1].values())
    left = zip(site.cluster.pools, site.left(held), strict=True)
    return sum([free for pool, free in left if pool.name in used]).bit_length()


def _queue(sites: Iterable[Site], missing: int) -> tuple[Placement, ...]:
    """The clusters that could take a replica if their nodes were free, the shortest queue first."""
    line = []
    for site in sites:
        empty = replace(site, free=tuple([pool.nodes for pool in site.cluster.pools]), full=False, given_up=False)
        if not site.is_open or (held := empty.hold(())) is None:
            continue
        used = set(held[0].values())
        waiting = sum([pool.waiting for pool in site.cluster.pools if pool.name in used])
        line.append((waiting, preference(site.needs.uid, site.cluster.name), site.cluster.name, empty, held[0]))
    heapq.heapify(line)
    found: list[Placement] = []
    while line and len(found) < missing:
        waiting, preferred, name, site, assignment = line[0]
        found.append(_placement(site, assignment))
        nodes = sum(engine.nodes for engine in site.needs.engines)
        heapq.heapreplace(line, (waiting + nodes, preferred, name, site, assignment))
    return tuple(found)


def _placement(site: Site, assignment: Assignment) -> Placement:
    requests: dict[tuple[str, str], tuple[ResolvedRequest, ...]] = {}
    for engine in site.needs.engines:
        requests |= resolve(site.cluster, engine, assignment[engine.name])
    return Placement(site.cluster.name, assignment, requests)


def scale_down(kept: Iterable[Kept], surplus: int) -> tuple[str, ...]:
    """Who goes: without a grant, not ready, to be changed anyway, then the newest of the most crowded cluster."""
    left, order = list(kept), []
    for _ in range(max(surplus, 0)):
        crowd = Counter(replica.cluster for replica in left)
        last = max(
            left,
            key=lambda replica: (
                not replica.granted,
                not replica.ready,
                replica.changes,
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
    if refusal := site.entry_refusal:
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
