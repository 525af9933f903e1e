from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from scheduling import Cluster, EngineNeed, Kept, Phase, Pool, place
from scheduling.testing import engine, gpu, memory_of, needs, node_class, request

CLASSES = (node_class(gpu(8, "40Gi"), name="small"), node_class(gpu(8, "80Gi"), name="big"))


def engines() -> st.SearchStrategy[tuple[EngineNeed, ...]]:
    asks = st.tuples(st.integers(1, 3), st.sampled_from(["40Gi", "80Gi"]))
    pair = st.tuples(st.booleans(), st.lists(asks, min_size=1, max_size=2))
    return pair.map(
        lambda drawn: tuple(
            engine(
                f"e{index}",
                nodes,
                (Phase.PREFILL, Phase.DECODE)[index] if drawn[0] and len(drawn[1]) == 2 else None,
                request("gpu", 1, memory_of(memory)),
            )
            for index, (nodes, memory) in enumerate(drawn[1])
        )
    )


def clusters() -> st.SearchStrategy[list[Cluster]]:
    shape = st.tuples(st.integers(0, 6), st.sampled_from(CLASSES), st.sampled_from(["", "x", "y"]))
    fleet = st.lists(st.lists(shape, max_size=3), max_size=3)
    return fleet.map(
        lambda drawn: [
            Cluster(
                f"c{number}",
                tuple(
                    Pool(f"p{index}", offers.name, free, offers, domain)
                    for index, (free, offers, domain) in enumerate(pools)
                ),
            )
            for number, pools in enumerate(drawn)
        ]
    )


def _fits(each: EngineNeed, pool: Pool) -> bool:
    big = memory_of("80Gi") in each.members[0].requests[0].selectors
    return pool.class_name == "big" or not big


def _patterns(wanted: tuple[EngineNeed, ...], cluster: Cluster) -> list[tuple[Pool, ...]]:
    """Every legal choice of pools for one replica, free nodes aside."""
    found = []
    for pools in product(cluster.pools, repeat=len(wanted)):
        domains = {pool.domain for pool in pools if pool.domain}
        apart = wanted[0].phase is not None and len(domains) > 1
        if not apart and all(_fits(each, pool) for each, pool in zip(wanted, pools, strict=True)):
            found.append(pools)
    return found


def _most(wanted: tuple[EngineNeed, ...], cluster: Cluster, limit: int) -> int:
    """How many replicas the cluster can hold at most, by trying everything."""
    reached = {tuple(pool.free for pool in cluster.pools)}
    for number in range(limit):
        following = set()
        for free in reached:
            for pools in _patterns(wanted, cluster):
                left = dict(zip((pool.name for pool in cluster.pools), free, strict=True))
                for each, pool in zip(wanted, pools, strict=True):
                    left[pool.name] -= each.nodes
                if min(left.values()) >= 0:
                    following.add(tuple(left.values()))
        if not following:
            return number
        reached = following
    return limit


@given(engines(), clusters(), st.integers(0, 4))
def test_as_many_are_placed_as_brute_force_finds_room_for(wanted, fleet, replicas):
    decision = place(needs(replicas, *wanted), fleet)
    room = sum(_most(wanted, cluster, replicas) for cluster in fleet)
    assert len(decision.placements) == min(room, replicas)
    assert bool(decision.refusals) == (room < replicas and bool(fleet))


@given(engines(), clusters(), st.integers(0, 5))
def test_no_pool_is_given_away_twice_and_every_choice_is_legal(wanted, fleet, replicas):
    decision = place(needs(replicas, *wanted), fleet)
    used: Counter[tuple[str, str]] = Counter()
    by_name = {cluster.name: cluster for cluster in fleet}
    for placement in decision.placements:
        pools = {pool.name: pool for pool in by_name[placement.cluster].pools}
        chosen = tuple(pools[placement.pools[each.name]] for each in wanted)
        assert chosen in _patterns(wanted, by_name[placement.cluster])
        for each, pool in zip(wanted, chosen, strict=True):
            used[placement.cluster, pool.name] += each.nodes
    for cluster in fleet:
        for pool in cluster.pools:
            assert used[cluster.name, pool.name] <= pool.free


@given(engines(), clusters(), st.integers(0, 5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_inputs_does_not_matter(wanted, fleet, replicas, existing, random):
    kept = [
        Kept(f"r{index}", f"c{index % 2}", {each.name: "p0" for each in wanted}, counted=False)
        for index in range(existing)
    ]
    shuffled = [
        Cluster(cluster.name, tuple(random.sample(cluster.pools, len(cluster.pools))))
        for cluster in random.sample(fleet, len(fleet))
    ]
    mixed = needs(replicas, *random.sample(wanted, len(wanted)))
    assert repr(place(needs(replicas, *wanted), fleet, kept)) == repr(
        place(mixed, shuffled, random.sample(kept, len(kept)))
    )


@given(engines(), clusters(), st.integers(0, 5), st.integers(0, 4))
def test_kept_replicas_stay_unless_there_are_too_many(wanted, fleet, replicas, existing):
    kept = [Kept(f"r{index}", "c0", {each.name: "p0" for each in wanted}) for index in range(existing)]
    decision = place(needs(replicas, *wanted), fleet, kept)
    assert len(decision.remove) == max(existing - replicas, 0)
    assert not (decision.remove and decision.placements)
    assert existing - len(decision.remove) + len(decision.placements) <= replicas
