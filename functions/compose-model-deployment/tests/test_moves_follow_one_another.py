"""Replicas that wait in queues see the same free node at the same moment: they go for it one after the other."""

from compose_model_deployment import plan
from compose_model_deployment.replicas import Existing
from schemas import ModelReplica


def waiting(name, position):
    member = {"role": "Standalone", "nodePoolName": "h100", "template": {"spec": {"containers": []}}}
    manifest = {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelReplica",
        "metadata": {"name": name, "namespace": "ml-team"},
        "spec": {
            "clusterName": "west",
            "engines": [{"name": "main", "members": [member]}],
            "serving": {"mode": "Unified"},
        },
        "status": {"position": position},
    }
    return Existing(0, ModelReplica.model_validate(manifest), 60)


def turns(position):
    return sorted(plan.moves_after(waiting(f"m{n}-0", position)) for n in range(40))


def test_the_first_of_many_queues_do_not_go_at_once():
    first = turns(1)
    assert first[0] >= plan.MOVES_AFTER_SECONDS
    assert first[-1] < 2 * plan.MOVES_AFTER_SECONDS
    assert max(sum(at <= one < at + 1 for one in first) for at in first) < 15


def test_whoever_is_before_another_in_a_queue_goes_first():
    assert turns(1)[-1] < turns(2)[0]
    assert turns(2)[-1] < turns(3)[0]
