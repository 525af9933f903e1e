import pytest
from scheduling import Cluster, Gate, Kept, Phase, Pool, Refusal, stay
from scheduling.testing import engine, gpu, memory_of, needs, node_class, pool, request

REPLICA = Kept("r1", "west", {"main": "h100"})


def test_the_nodes_a_replica_has_count_as_free_for_its_change():
    cluster = Cluster("west", (pool(free=1),))
    grown = needs(1, engine("main", 3, None, request("gpu", 4)))
    answer = stay(grown, cluster, REPLICA, {"h100": 2})
    assert not isinstance(answer, Refusal)
    assert [(each.name, each.count) for each in answer.requests["main", "Standalone"]] == [("gpu", 4)]
    refusal = stay(grown, cluster, REPLICA, {"h100": 1})
    assert isinstance(refusal, Refusal)
    assert (refusal.gate, refusal.needs, refusal.has) == (Gate.NODES, 3, 2)


def test_two_engines_in_one_pool_need_their_nodes_together():
    kept = Kept("r1", "west", {"a": "h100", "b": "h100"})
    refusal = stay(needs(1, engine("a", 2), engine("b", 2)), Cluster("west", (pool(free=1),)), kept, {"h100": 2})
    assert isinstance(refusal, Refusal)
    assert refusal.message == "needs 4 nodes of pool h100 for the changed replica, has 3"


@pytest.mark.parametrize(
    ("offered", "gate"),
    [
        pytest.param(pool(name="renamed"), Gate.POOL, id="pool-is-gone"),
        pytest.param(Pool("h100", "gone", 4), Gate.CLASS, id="class-is-gone"),
        pytest.param(pool(offers=node_class(gpu(8, "40Gi"))), Gate.DEVICE, id="class-has-smaller-devices"),
    ],
)
def test_a_change_that_the_old_pool_cannot_serve_is_refused(offered, gate):
    big = needs(1, engine("main", 1, None, request("gpu", 1, memory_of("80Gi"))))
    refusal = stay(big, Cluster("west", (offered,)), REPLICA, {"h100": 1})
    assert isinstance(refusal, Refusal)
    assert refusal.gate is gate


def test_an_engine_that_is_new_gets_a_pool_beside_those_that_stay():
    """Whatever else has room, the engine that was there stays in its pool."""
    cluster = Cluster("west", (pool(free=0), pool(name="other", free=3)))
    answer = stay(needs(1, engine("main", 1), engine("second", 2)), cluster, REPLICA, {"h100": 1})
    assert not isinstance(answer, Refusal)
    assert answer.pools == {"main": "h100", "second": "other"}


def test_a_renamed_engine_takes_the_nodes_of_the_old_one():
    answer = stay(needs(1, engine("renamed", 2)), Cluster("west", (pool(free=0),)), REPLICA, {"h100": 2})
    assert not isinstance(answer, Refusal)
    assert answer.pools == {"renamed": "h100"}


def test_a_new_phase_needs_a_pool_in_the_same_domain():
    pools = (
        Pool("h100", "big", 0, node_class(gpu(8, "80Gi")), "x"),
        Pool("far", "big", 4, node_class(gpu(8, "80Gi")), "y"),
    )
    kept = Kept("r1", "west", {"prefill": "h100"})
    pair = needs(1, engine("prefill", 1, Phase.PREFILL), engine("decode", 1, Phase.DECODE))
    refusal = stay(pair, Cluster("west", pools), kept, {"h100": 1})
    assert isinstance(refusal, Refusal)
    assert refusal.gate is Gate.DOMAIN
