"""The next replica is asked for when the one before has been born: its nodes are given, and it serves or is no longer new."""

import pytest
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
