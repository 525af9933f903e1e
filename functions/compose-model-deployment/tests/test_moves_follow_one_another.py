"""Replicas that wait in queues see the same free node: whoever has waited longest takes it, the others ten seconds later."""

from pathlib import Path

import yaml
from compose_model_deployment import function
from compose_model_deployment.queueing import LOOK_SECONDS, NEW_SECONDS, Queues
from compose_model_deployment.replicas import Existing
from kit import conditions
from kit.testing import ask_of, reconcile
from scheduling import Cluster, Placement
from scheduling.testing import engine, needs, pool
from schemas import ModelReplica

CASES = Path(__file__).parent / "cases"
ROOM = Placement("room", {"main": "h100"}, {})


def waiting(position: int, cluster: str = "west", age: float = 60) -> Existing:
    member = {"role": "Standalone", "nodePoolName": "h100", "template": {"spec": {"containers": []}}}
    manifest = {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelReplica",
        "metadata": {"name": "m-0", "namespace": "ml-team"},
        "spec": {
            "clusterName": cluster,
            "engines": [{"name": "main", "members": [member]}],
            "serving": {"mode": "Unified"},
        },
        "status": {"position": position, "conditions": [{"type": "Granted", "status": "False", "reason": "Waiting"}]},
    }
    return Existing(0, ModelReplica.model_validate(manifest), age)


def queues(free: int = 1, left: str = "", nodes: int = 1, **since: str) -> Queues:
    """Clusters whose first has waited since then, and one with free nodes."""
    full = [Cluster(name, (pool(free=0, waiting=3, waiting_since=begun),)) for name, begun in since.items()]
    return Queues(needs(1, engine(nodes=nodes)), [*full, Cluster("room", (pool(free=free),))], left)


def test_of_all_firsts_only_the_one_that_waited_longest_takes_one_node():
    seen = queues(west="10:02", east="10:01", north="10:03")
    assert [seen.may_move(waiting(1, name), ROOM) for name in ("east", "west", "north")] == [True, False, False]
    assert not seen.may_move(waiting(2, "east"), ROOM)


def test_as_many_go_as_there_are_places():
    seen = queues(free=5, nodes=2, west="10:02", east="10:01", north="10:03")
    assert [seen.may_move(waiting(1, name), ROOM) for name in ("east", "west", "north")] == [True, True, False]


def test_who_began_at_the_same_moment_does_not_go_at_once():
    seen = queues(west="10:01", east="10:01")
    assert sorted(seen.before(waiting(1, name)) for name in ("west", "east")) == [0, 1]


def test_where_it_is_not_known_since_when_one_waits_the_others_go_first():
    assert not queues(west="", east="10:01").may_move(waiting(1), ROOM)


def test_a_node_that_was_left_to_others_for_long_enough_is_taken():
    seen = queues(left="room", west="10:02", east="10:01")
    assert seen.may_move(waiting(3), ROOM)
    assert not seen.may_move(waiting(4), ROOM)
    assert not queues(left="north", west="10:02", east="10:01").may_move(waiting(1), ROOM)


def test_what_is_left_to_others_is_told_and_taken_ten_seconds_later():
    case = yaml.safe_load((CASES / "moves-when-another-cluster-has-room.yaml").read_text())
    case["observed"]["replica-0"]["status"]["position"] = 2
    _, first = reconcile(function, ask_of(case))
    told = first.status["scheduling"]
    assert set(first.desired) == {"replica-0"}
    assert told["queue"]["left"] == "north"
    assert conditions.seconds_since(told["queue"]["leftAt"]) < 60
    assert "Room on north is left to those that have waited longer." in first.conditions[1]["message"]
    case["xr"]["status"] = {"scheduling": told}
    _, again = reconcile(function, ask_of(case))
    assert (set(again.desired), again.status["scheduling"]) == ({"replica-0"}, told)
    told["queue"]["leftAt"] = "2026-01-01T00:00:00Z"
    _, later = reconcile(function, ask_of(case))
    assert set(later.desired) == {"replica-1"}


def test_whose_predecessor_has_just_left_does_not_go_for_the_same_nodes():
    case = yaml.safe_load((CASES / "moves-when-another-cluster-has-room.yaml").read_text())
    replica, cluster = case["observed"]["replica-0"], case["observed"]["replica-0"]["spec"]["clusterName"]
    case["xr"]["status"] = {
        "scheduling": {"queue": {"cluster": cluster, "position": replica["status"]["position"] + 1}}
    }
    _, first = reconcile(function, ask_of(case))
    assert (set(first.desired), first.ttl_seconds) == ({"replica-0"}, LOOK_SECONDS)
    assert first.status["scheduling"]["queue"] == {"cluster": cluster, "position": replica["status"]["position"]}
    case["xr"]["status"] = {"scheduling": first.status["scheduling"]}
    _, second = reconcile(function, ask_of(case))
    assert set(second.desired) == {"replica-1"}


def test_who_is_new_does_not_move():
    assert not queues(west="10:01").may_move(waiting(1, age=NEW_SECONDS), ROOM)


def test_the_five_that_have_waited_longest_look_often_and_the_others_the_later():
    seen = queues(**{f"c{n}": f"10:0{n}" for n in range(8)})
    looks = [seen.looks_after([waiting(1, f"c{n}")]) / LOOK_SECONDS for n in range(8)]
    assert looks == [1, 1, 1, 1, 1, 2, 3, 4]
    assert seen.looks_after([waiting(2, "c0")]) == 0
