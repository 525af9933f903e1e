import pytest
from scheduling import (
    Cluster,
    DeploymentNeeds,
    EngineNeed,
    Gate,
    Kept,
    LabelRule,
    LabelSelector,
    MemberNeed,
    NodeClass,
    Phase,
    Pool,
    place,
)
from scheduling.testing import ANY_GPU, engine, gpu, memory_of, needs, node_class, pool, request

EU = LabelSelector({"region": "eu"})


def kept(name: str, cluster: str, **fields) -> Kept:
    return Kept(name, cluster, {"main": "h100"}, **fields)


def test_a_placement_names_the_pool_and_the_resolved_requests():
    decision = place(needs(), [Cluster("west", (pool(),))])
    assert [(each.cluster, each.pools) for each in decision.placements] == [("west", {"main": "h100"})]
    (resolved,) = decision.placements[0].requests[("main", "Standalone")]
    assert (resolved.name, resolved.device_class_name, resolved.count) == ("gpu", "gpu.nvidia.com", 1)
    assert resolved.selectors == (ANY_GPU,)
    assert (decision.refusals, decision.summary) == ((), "1 of 1 replica placed")


def test_replicas_spread_over_clusters():
    decision = place(needs(4), [Cluster(name, (pool(free=9),)) for name in "abcd"])
    assert sorted(each.cluster for each in decision.placements) == ["a", "b", "c", "d"]


def test_spreading_counts_the_replicas_that_are_kept():
    decision = place(needs(3), [Cluster("a", (pool(),)), Cluster("b", (pool(),))], [kept("r1", "a"), kept("r2", "a")])
    assert [each.cluster for each in decision.placements] == ["b"]


def test_among_equals_the_tighter_cluster_is_used():
    decision = place(needs(), [Cluster("roomy", (pool(free=8),)), Cluster("tight", (pool(free=2),))])
    assert decision.placements[0].cluster == "tight"


def test_where_many_ask_at_once_they_do_not_all_take_the_tightest():
    """Its free nodes are told a moment late: who sees them all goes there, and the others stay empty."""
    fleet = [Cluster("roomy", (pool(free=8),)), Cluster("tight", (pool(free=2),))]

    def chosen(*, packs: bool) -> set[str]:
        return {place(needs(uid=f"u{n}"), fleet, packs=packs).placements[0].cluster for n in range(30)}

    assert chosen(packs=True) == {"tight"}
    assert chosen(packs=False) == {"tight", "roomy"}


def test_within_a_cluster_the_tighter_pool_is_used():
    decision = place(needs(), [Cluster("west", (pool(8, "a"), pool(2, "b")))])
    assert decision.placements[0].pools == {"main": "b"}


def test_twenty_deployments_do_not_all_prefer_the_same_cluster():
    clusters = [Cluster(name, (pool(),)) for name in "abcde"]
    chosen = [place(needs(uid=f"u{index}"), clusters).placements[0].cluster for index in range(20)]
    assert len(set(chosen)) >= 4
    assert chosen == [place(needs(uid=f"u{index}"), clusters[::-1]).placements[0].cluster for index in range(20)]


def test_a_gang_counts_its_workers_and_its_copies():
    gang = EngineNeed(
        "gang", (MemberNeed("Leader", requests=(request("gpu", 8),)), MemberNeed("Worker", 3, (request("gpu", 8),))), 2
    )
    assert gang.nodes == 8
    assert not place(needs(1, gang), [Cluster("west", (pool(7), pool(7, "other")))]).placements
    decision = place(needs(1, gang), [Cluster("west", (pool(8),))])
    assert set(decision.placements[0].requests) == {("gang", "Leader"), ("gang", "Worker")}


def test_a_member_that_claims_nothing_rides_along_and_takes_a_node():
    gang = EngineNeed("gang", (MemberNeed("Leader"), MemberNeed("Worker", 2, (request(),))))
    decision = place(needs(1, gang), [Cluster("west", (pool(3),))])
    assert set(decision.placements[0].requests) == {("gang", "Worker")}
    assert not place(needs(1, gang), [Cluster("west", (pool(2),))]).placements


def test_an_engine_that_fits_two_pools_leaves_the_only_one_to_the_other():
    big, small = node_class(gpu(8, "80Gi"), name="big"), node_class(gpu(8, "40Gi"), name="small")
    wide, narrow = engine("wide"), engine("narrow", 1, None, request("gpu", 1, memory_of("80Gi")))
    for names in (("a", "b"), ("b", "a")):
        cluster = Cluster("west", (pool(1, names[0], big), pool(1, names[1], small)))
        decision = place(needs(1, wide, narrow), [cluster])
        assert decision.placements[0].pools == {"narrow": names[0], "wide": names[1]}


def test_replicas_of_one_cluster_are_packed_together_when_one_by_one_would_fail():
    clusters = [Cluster("west", (pool(4, "a"), pool(6, "b")))]
    decision = place(needs(2, engine("two", 2), engine("three", 3)), clusters)
    assert len(decision.placements) == 2


@pytest.mark.parametrize(
    ("domains", "fits"),
    [
        pytest.param(("x", "y"), False, id="two-domains"),
        pytest.param(("x", "x"), True, id="one-domain"),
        pytest.param(("x", ""), True, id="one-undeclared"),
        pytest.param(("", ""), True, id="none-declared"),
    ],
)
def test_prefill_and_decode_share_a_domain_where_both_pools_declare_one(domains, fits):
    pair = (engine("prefill", 2, Phase.PREFILL), engine("decode", 2, Phase.DECODE))
    pools = (pool(2, "a", domain=domains[0]), pool(3, "b", domain=domains[1]))
    decision = place(needs(1, *pair), [Cluster("west", pools)])
    assert bool(decision.placements) == fits
    assert [refusal.gate for refusal in decision.refusals] == ([] if fits else [Gate.DOMAIN])
    alike = (engine("one", 2), engine("two", 2))
    assert place(needs(1, *alike), [Cluster("west", pools)]).placements


@pytest.mark.parametrize(
    ("cluster", "gate", "message"),
    [
        (Cluster("west"), Gate.LABEL, "does not match clusterSelector: label region is not set, must be eu"),
        (
            Cluster("west", labels={"region": "us"}),
            Gate.LABEL,
            "does not match clusterSelector: label region is us, must be eu",
        ),
        (
            Cluster("west", labels={"regoin": "eu"}),
            Gate.LABEL,
            "does not match clusterSelector: label region is not set (regoin is), must be eu",
        ),
        (
            Cluster("west", labels=EU.match_labels, allowed_namespaces=LabelSelector({"team": "a"})),
            Gate.NAMESPACE,
            "does not admit namespace ml-team: label team is b, must be a",
        ),
        (Cluster("west", labels=EU.match_labels, drain=True), Gate.DRAIN, "is being drained"),
        (Cluster("west", labels=EU.match_labels), Gate.POOL, "has no node pools"),
        (Cluster("west", (pool(drain=True),), EU.match_labels), Gate.DRAIN, "drains its pool h100"),
        (
            Cluster("west", (Pool("p", "gone", 4),), EU.match_labels),
            Gate.CLASS,
            "has pool p of class gone, which does not exist",
        ),
        (
            Cluster(
                "west", (Pool("p", "bad", 4, NodeClass("bad", invalid="devices.x must be a text")),), EU.match_labels
            ),
            Gate.CLASS,
            "has pool p of class bad, which is invalid: devices.x must be a text",
        ),
        (
            Cluster("west", (pool(offers=node_class(gpu(2))),), EU.match_labels),
            Gate.COUNT,
            "cannot serve engine main in pool h100: request gpu needs 4 devices of one device class, a node of class h100 has 2",
        ),
        (Cluster("west", (pool(1),), EU.match_labels), Gate.NODES, "needs 2 free nodes in pool h100, has 1"),
        (
            Cluster("west", (pool(),), EU.match_labels, gateway_ready=False),
            Gate.GATEWAY,
            "has a gateway that is not ready",
        ),
        (Cluster("west", (pool(),), EU.match_labels), Gate.CACHE, "does not hold ModelCache qwen yet"),
    ],
    ids=lambda value: value.value if isinstance(value, Gate) else "",
)
def test_each_gate_refuses_with_its_sentence(cluster, gate, message):
    asked = needs(
        1,
        engine("main", 2, None, request("gpu", 4)),
        cluster_selector=EU,
        namespace_labels={"team": "b"},
        cache="qwen",
    )
    (refusal,) = place(asked, [cluster]).refusals
    assert (refusal.cluster, refusal.gate, refusal.message) == ("west", gate, message)


def test_a_cluster_that_passes_every_gate_is_used():
    cluster = Cluster(
        "west",
        (pool(),),
        {"region": "eu", "tier": "gold"},
        LabelSelector({"kubernetes.io/metadata.name": "ml-team"}),
        caches=frozenset({"qwen"}),
    )
    rules = (LabelRule("tier", "In", ("gold",)), LabelRule("spot", "DoesNotExist"))
    assert place(needs(cluster_selector=LabelSelector({"region": "eu"}, rules), cache="qwen"), [cluster]).placements


def test_the_summary_is_one_sentence_with_the_nearest_cluster_first():
    wide = engine("main", 4)
    clusters = [
        Cluster("east", (pool(9),), drain=True),
        Cluster("north", (pool(1),)),
        Cluster("south"),
        Cluster("west", (pool(2),)),
    ]
    assert place(needs(2, wide), clusters).summary == (
        "0 of 2 replicas placed: 4 clusters checked; north needs 4 free nodes in pool h100, has 1; "
        "west needs 4 free nodes in pool h100, has 2; south has no node pools; and 1 more"
    )
    assert place(needs(), []).summary == "0 of 1 replica placed: there is no InferenceCluster"


def test_the_summary_tells_what_keeps_several_clusters_out_once():
    names = ("a", "b", "c", "d", "e", "f")
    clusters = [*(Cluster(name, (pool(1),)) for name in names), Cluster("g")]
    assert place(needs(1, engine("main", 4)), clusters).summary == (
        "0 of 1 replica placed: 7 clusters checked; "
        "a needs 4 free nodes in pool h100, has 1 (likewise b, c, d, 2 more); g has no node pools"
    )


@pytest.mark.parametrize(
    ("cluster", "asked", "message", "fix"),
    [
        pytest.param(
            Cluster("west", (pool(2, nodes=2), pool(2, "other", nodes=2))),
            needs(1, engine("main", 4)),
            "needs 4 nodes of one pool, and pool h100 has 2 in all",
            "add 2 nodes to pool h100, or lower copies or worker.nodes",
            id="no-pool-is-large-enough",
        ),
        pytest.param(
            Cluster("west", (pool(3, "large", nodes=8), pool(3, nodes=3))),
            needs(1, engine("main", 4)),
            "needs 4 free nodes in pool large, has 3",
            "free or add 1 node",
            id="one-pool-is-large-enough",
        ),
        pytest.param(
            Cluster("west", (pool(3, nodes=3),)),
            needs(1, engine("a", 1), engine("b", 3)),
            "needs 1 and 3 free nodes for engines a and b together, pool h100 has 3",
            "add 1 node",
            id="too-few-nodes-for-both",
        ),
        pytest.param(
            Cluster("west", (pool(3, nodes=8),)),
            needs(1, engine("a", 2), engine("b", 3)),
            "needs 2 and 3 free nodes for engines a and b together, pool h100 has 3",
            "free or add 2 nodes",
            id="too-few-free-nodes-for-both",
        ),
        pytest.param(
            Cluster("west", (pool(),)),
            needs(1, EngineNeed("a", (MemberNeed("Leader"), MemberNeed("Worker", 1, (request("gpu", 9),))))),
            "cannot serve the Worker of engine a in pool h100: request gpu needs 9 devices of one device class, "
            "a node of class h100 has 8",
            "ask for fewer devices, or offer a class with more of them",
            id="member-of-a-gang",
        ),
        pytest.param(
            Cluster("west", (pool(1, "a", domain="x"), pool(1, "b", domain="y"))),
            needs(1, engine("prefill", 1, Phase.PREFILL), engine("decode", 1, Phase.DECODE)),
            "has no two pools of one domain with room for engines decode and prefill: pool a is of x, pool b is of y",
            "free nodes in pools of one domain, or give pools that share a fabric the same domain",
            id="domains-differ",
        ),
        pytest.param(
            Cluster("west", (pool(),), allowed_namespaces=LabelSelector({"kubernetes.io/metadata.name": "a"})),
            needs(),
            "does not admit namespace ml-team: label kubernetes.io/metadata.name is ml-team, must be a",
            "add the namespace to spec.allowedNamespaces of the cluster",
            id="name-of-a-namespace-stays",
        ),
        pytest.param(
            Cluster("west", (pool(offers=node_class(gpu(2))),)),
            needs(1, engine("main", 1, None, request("gpu", 4))),
            "cannot serve engine main in pool h100: request gpu needs 4 devices of one device class, "
            "a node of class h100 has 2",
            "ask for fewer devices, or offer a class with more of them",
            id="count-and-not-the-selector",
        ),
        pytest.param(
            Cluster("west", (Pool("p", "gone", 4),)),
            needs(),
            "has pool p of class gone, which does not exist",
            "create InferenceClass gone, or correct className of pool p",
            id="name-of-a-class",
        ),
    ],
)
def test_a_refusal_says_what_helps(cluster, asked, message, fix):
    (refusal,) = place(asked, [cluster]).refusals
    assert (message, fix) == (refusal.message, refusal.fix)


def test_what_can_be_placed_is_placed_and_the_rest_explained():
    decision = place(needs(3), [Cluster("west", (pool(2),))])
    assert len(decision.placements) == 2
    assert decision.summary == "2 of 3 replicas placed: 1 cluster checked; west needs 1 free node in pool h100, has 0"


def test_nothing_moves_a_kept_replica_but_its_place_is_called_stale():
    replica = kept("r1", "west")
    for cluster, gate in [
        (Cluster("west", (pool(0),), drain=True), Gate.DRAIN),
        (Cluster("west", (pool(0, "renamed"),)), Gate.POOL),
        (Cluster("west", (Pool("h100", "gone", 0),)), Gate.CLASS),
        (Cluster("west", (pool(0, offers=node_class(gpu(8, driver="other"))),)), Gate.DEVICE),
        (Cluster("elsewhere", (pool(),)), Gate.CLUSTER),
    ]:
        decision = place(needs(), [cluster], [replica])
        assert (decision.placements, decision.remove) == ((), ())
        assert [(stale.replica, stale.refusal.gate) for stale in decision.stale] == [("r1", gate)]
    assert place(needs(), [Cluster("west", (pool(0),))], [replica]).stale == ()


def test_a_kept_replica_that_the_pool_does_not_know_of_yet_takes_its_nodes():
    clusters = [Cluster("west", (pool(1),))]
    assert place(needs(2), clusters, [kept("r1", "west")]).placements
    assert not place(needs(2), clusters, [kept("r1", "west", counted=False)]).placements


def test_scale_down_takes_ungranted_then_unready_then_the_newest_of_the_fullest_cluster():
    replicas = [
        kept("r1", "a", created="2026-01-01"),
        kept("r2", "a", created="2026-01-02"),
        kept("r3", "a", created="2026-01-03"),
        kept("r4", "b", created="2026-01-09"),
        kept("r5", "c", created="2026-01-05", ready=False),
        kept("r6", "c", created="2026-01-01", granted=False, ready=False),
    ]
    decision = place(needs(1), [], replicas)
    assert decision.remove == ("r6", "r5", "r3", "r2", "r4")
    assert place(needs(0), [], replicas).remove == ("r6", "r5", "r3", "r2", "r4", "r1")


def test_a_selector_that_does_not_compile_refuses_the_deployment_and_keeps_what_runs():
    broken = engine("main", 1, None, request("gpu", 1, ANY_GPU, "device.vendor == 1"))
    decision = place(needs(2, broken), [Cluster("west", (pool(),))], [kept("r1", "west")])
    assert (decision.placements, decision.remove) == ((), ())
    (invalid,) = decision.invalid
    assert str(invalid) == (
        "engine main, member Standalone, device gpu, selectors[1].cel: "
        'line 1, column 7: write device.driver, device.attributes["domain"].name or device.capacity["domain"].name '
        "(undeclared reference to 'device.vendor')"
    )
    assert decision.summary == f"1 of 2 replicas placed: {invalid}"
    assert place(needs(1, broken), []).summary == f"0 of 1 replica placed: {invalid}"


def test_a_search_that_is_given_up_says_so(monkeypatch):
    monkeypatch.setattr("scheduling.assign.Budget.spend", lambda budget: setattr(budget, "left", -1) or False)
    (refusal,) = place(needs(), [Cluster("west", (pool(),))]).refusals
    assert refusal.gate is Gate.UNDECIDED


def test_needs_are_plain_values():
    assert needs() == DeploymentNeeds("u1", "ml-team", (engine(),))
