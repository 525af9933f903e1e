"""What a promotion reads and writes, by what kubectl is asked: the control plane's answers are recorded objects."""

from __future__ import annotations

import json

import pytest
from cli import kubectl
from cli.promotion import NOTE, Note, Promotion, RefusedError, noted
from cli.prove import Plane
from cli.shifting import Plan, Scale, Side, State, Weigh


def deployment(name, replicas, ready, **meta):
    spec = {"replicas": replicas}
    return {
        "kind": "ModelDeployment",
        "metadata": {"name": name, "labels": {"model": "qwen"}, **meta},
        "spec": spec,
        "status": {"replicas": {"ready": ready}},
    }


def replica(name, of):
    return {"kind": "ModelReplica", "metadata": {"name": name, "labels": {"modelplane.ai/deployment": of}}}


def service(*groups):
    endpoints = [{"selector": {"matchLabels": labels}, "weight": weight} for labels, weight in groups]
    return {"kind": "ModelService", "metadata": {"name": "qwen", "generation": 1}, "spec": {"endpoints": endpoints}}


BY_NAME = service(({"modelplane.ai/deployment": "qwen"}, 9), ({"modelplane.ai/deployment": "qwen-pd"}, 0))
FLEET = [deployment("qwen", 2, 2), deployment("qwen-pd", 1, 0), *(replica(f"qwen-{n}", "qwen") for n in range(2))]


@pytest.fixture
def promotion(monkeypatch):
    """One whose kubectl answers with `found`, and keeps what it was asked to change."""
    found, asked = [], []

    def run(_kubeconfig, _context, verb, *words):
        if verb == "get" and "," not in words[0]:
            return json.dumps(next(m for m in found if m["metadata"]["name"] == words[1]))
        if verb == "get":
            return json.dumps({"items": found})
        asked.append((words[0], words[1], json.loads(words[-1])))
        return ""

    monkeypatch.setattr(kubectl, "run", run)
    return Promotion(Plane("", "", "default"), "qwen", "qwen-pd", "qwen"), found, asked


def test_the_state_is_what_both_sides_and_the_service_say(promotion):
    it, found, _ = promotion
    found += [*FLEET, BY_NAME]
    assert it.state() == State(Side(2, 2, 2), Side(1, 0, 0), (9, 0))
    assert it.begin() == Plan(2, 1, (9, 0))


def test_one_group_for_both_has_no_weights_to_shift(promotion):
    it, found, _ = promotion
    found += [*FLEET, service(({"model": "qwen"}, 1))]
    assert it.state().weights is None


def test_weights_are_changed_only_where_the_groups_are_still_the_same(promotion):
    it, found, asked = promotion
    found += [*FLEET, BY_NAME]
    it.act(Weigh(1, 1))
    ((kind, name, patch),) = asked
    assert (kind, name) == ("modelservice", "qwen")
    assert [(p["op"], p["path"]) for p in patch] == [
        ("test", "/spec/endpoints/0/selector"),
        ("add", "/spec/endpoints/0/weight"),
        ("test", "/spec/endpoints/1/selector"),
        ("add", "/spec/endpoints/1/weight"),
    ]


def test_replicas_are_asked_for_of_the_side_that_is_meant(promotion):
    it, _, asked = promotion
    it.act(Scale("new", 2))
    it.act(Scale("old", 0))
    assert asked == [
        ("modeldeployment", "qwen-pd", {"spec": {"replicas": 2}}),
        ("modeldeployment", "qwen", {"spec": {"replicas": 0}}),
    ]


def test_a_note_is_read_as_it_was_written(promotion):
    it, found, asked = promotion
    note = Note("qwen", "qwen", Plan(2, 1, (9, 0), back=True), "why")
    it.write(note)
    ((_, name, patch),) = asked
    assert name == "qwen-pd"
    found.append(deployment("qwen-pd", 1, 1, annotations=patch["metadata"]["annotations"]))
    assert noted(it.plane, "qwen-pd") == note


def test_a_note_that_somebody_broke_is_named(promotion):
    it, found, _ = promotion
    found.append(deployment("qwen-pd", 1, 1, annotations={NOTE: "{}"}))
    with pytest.raises(RefusedError, match=r"annotation modelplane\.ai/promotion cannot be read"):
        noted(it.plane, "qwen-pd")


@pytest.mark.parametrize(
    ("fleet", "sentence"),
    [
        (
            [*FLEET, service(({"modelplane.ai/deployment": "qwen"}, 1))],
            "selects nothing of md/qwen-pd: give spec.endpoints",
        ),
        ([*FLEET[1:], BY_NAME], "There is no ModelDeployment qwen in namespace default"),
        (FLEET, "There is no ModelService qwen in namespace default"),
        (
            [deployment("qwen", 0, 0), *FLEET[1:], BY_NAME],
            "spec.replicas: 0: name with --from the deployment that serves",
        ),
        ([deployment("qwen", 3, 2), *FLEET[1:], BY_NAME], r"is not whole yet \(3 wanted, 2 ready, 2 there\)"),
    ],
)
def test_what_cannot_be_promoted_is_said(promotion, fleet, sentence):
    it, found, _ = promotion
    found += fleet
    with pytest.raises(RefusedError, match=sentence):
        it.begin()
