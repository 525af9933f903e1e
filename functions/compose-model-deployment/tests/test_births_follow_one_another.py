"""The next replica is asked for when the one before has been born: its nodes are given, and it serves or is no longer new."""

import pytest
from compose_model_deployment import plan
from compose_model_deployment.replicas import Existing
from schemas import ModelReplica


def replica(**said):
    conditions = [{"type": type, "status": status, "reason": "Told"} for type, status in said.items()]
    engine = {
        "name": "main",
        "members": [
            {
                "role": "Standalone",
                "nodePoolName": "h100",
                "template": {"spec": {"containers": [{"name": "engine", "image": "vllm/vllm-openai:v0.19.1"}]}},
            }
        ],
    }
    return ModelReplica.model_validate(
        {
            "apiVersion": "modelplane.ai/v1alpha1",
            "kind": "ModelReplica",
            "metadata": {"name": "qwen-0", "namespace": "ml-team"},
            "spec": {"clusterName": "west", "engines": [engine], "serving": {"mode": "Unified"}},
            "status": {"conditions": conditions},
        }
    )


@pytest.mark.parametrize(
    ("said", "age", "want"),
    [
        pytest.param({}, 3600, True, id="nothing-said"),
        pytest.param({"Granted": "False"}, 3600, True, id="in-a-queue"),
        pytest.param({"Granted": "True", "Ready": "False"}, 3, True, id="starting"),
        pytest.param({"Granted": "True", "Ready": "True"}, 3, False, id="serves"),
        pytest.param({"Granted": "True", "Ready": "False"}, 11, False, id="loads-a-model-for-long"),
    ],
)
def test_a_birth_has_an_end(said, age, want):
    assert Existing(0, replica(**said), age).is_being_born is want


@pytest.mark.parametrize(
    ("ages", "want"),
    [
        pytest.param([], 0, id="the-first"),
        pytest.param([5], 30, id="the-second"),
        pytest.param([3600], 0, id="the-second-of-an-old-one"),
        pytest.param([50, 10], 40, id="the-third"),
        pytest.param([80, 30], 10, id="the-third-soon"),
        pytest.param([3600, 10], 25, id="the-third-of-an-old-one"),
        pytest.param([95, 55], 0, id="the-third-after-a-while"),
        pytest.param([20, 15, 10], 0, id="the-fourth"),
    ],
)
def test_the_second_and_the_third_of_a_new_deployment_wait_for_the_circuits_bucket(ages, want):
    assert plan.next_after([Existing(n, replica(), age) for n, age in enumerate(ages)]) == want
