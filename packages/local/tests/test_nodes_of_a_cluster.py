from __future__ import annotations

from local.fleet.controller import Played
from local.fleet.nodes import declared, plain

TAINT = {"key": "gpu", "value": "true", "effect": "NoSchedule"}
POOLS = [
    {"name": "h100", "className": "h100", "nodeCount": 2, "taints": [TAINT], "zones": ["a", "b"]},
    {"name": "own", "className": "l4", "nodeCount": 1, "nodeSelector": {"kind": "l4"}},
]


def cluster(pools):
    return {"metadata": {"name": "paris"}, "spec": {"nodePools": pools}}


def test_every_pool_gets_its_nodes():
    assert [n.name for n in declared(cluster(POOLS), None)] == ["h100-0", "h100-1", "own-0"]


def test_a_node_has_its_pools_label_taints_and_zone():
    node = declared(cluster(POOLS), None)[1].manifest()
    assert node["metadata"]["labels"]["modelplane.ai/pool"] == "h100"
    assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == "b"
    assert node["spec"]["taints"] == [TAINT]
    assert node["metadata"]["annotations"]["kwok.x-k8s.io/node"] == "fake"


def test_a_pools_own_selector_replaces_our_label():
    labels = declared(cluster(POOLS), None)[2].manifest()["metadata"]["labels"]
    assert labels["kind"] == "l4"
    assert "modelplane.ai/pool" not in labels


def test_fewer_nodes_than_declared_can_be_played():
    assert [n.name for n in declared(cluster(POOLS), 1)] == ["h100-0"]


def test_nodes_without_a_declaration_are_plain():
    assert [n.name for n in plain(2)] == ["node-0", "node-1"]
    assert plain(None) == []


def test_a_cluster_without_pools_has_no_nodes():
    assert declared({"metadata": {"name": "x"}, "spec": {}}, None) == []


def test_a_bare_cluster_has_a_node_for_what_is_no_engine():
    """Pods of charts tolerate no pool's taints."""
    assert [n.name for n in Played(bare=True).nodes(None)] == ["system-0"]
    assert Played(bare=False).nodes(None) == []
