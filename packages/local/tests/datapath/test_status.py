"""A pod's phase and conditions, from its containers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from local.datapath import status
from local.datapath.container import Container, Place, back_off

RUNS = {"running": {"startedAt": "t"}}
WAITS = {"waiting": {"reason": "PodInitializing"}}


def ended(code):
    return {"terminated": {"exitCode": code}}


def container(state, *, ready=False, started=True, policy="Always", gone=False, last=None):
    place = Place("", Path(), Path(), Path(), {}, lambda _: None, threading.Event())
    made = Container({"name": "c", "image": "i"}, place, policy, state, last or {}, ready=ready, started=started)
    if gone:
        made.gone.set()
    return made


def of(initial, main, initialized=True):
    seen = status.Seen("10.0.0.1", "10.0.0.2", "t", initial, main, initialized)
    found = status.of(seen, {"metadata": {}, "status": {}}, "now")
    return found["phase"], {c["type"]: c["status"] for c in found["conditions"]}["Ready"]


@pytest.mark.parametrize(
    ("initial", "main", "initialized", "phase", "ready"),
    [
        ([], [container(RUNS, ready=True)], True, "Running", "True"),
        ([], [container(RUNS)], True, "Running", "False"),
        ([], [container(WAITS)], True, "Pending", "False"),
        ([], [container(WAITS, last=ended(1))], True, "Running", "False"),
        ([container(RUNS, ready=True)], [container(WAITS)], False, "Pending", "False"),
        # A sidecar that is not ready keeps its pod from being ready.
        ([container(RUNS)], [container(RUNS, ready=True)], True, "Running", "False"),
        ([container(RUNS, ready=True)], [container(RUNS, ready=True)], True, "Running", "True"),
        # An init container that has ended has no say.
        ([container(ended(0), policy="OnFailure")], [container(RUNS, ready=True)], True, "Running", "True"),
        ([container(ended(1), policy="Never")], [container(WAITS)], False, "Failed", "False"),
        ([], [container(ended(0), policy="Never", gone=True)], True, "Succeeded", "False"),
        ([], [container(ended(1), policy="Never", gone=True)], True, "Failed", "False"),
        ([], [container(ended(1))], True, "Running", "False"),
    ],
)
def test_phase_and_readiness(initial, main, initialized, phase, ready):
    assert (phase, ready) == of(initial, main, initialized)


def test_conditions_keep_their_times_and_others_keep_theirs():
    known = [
        {"type": "Ready", "status": "True", "lastTransitionTime": "then"},
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "before"},
    ]
    seen = status.Seen("a", "h", "t", [], [container(RUNS, ready=True)], initialized=True)
    found = status.of(seen, {"metadata": {}, "status": {"conditions": known}}, "now")
    times = {c["type"]: c["lastTransitionTime"] for c in found["conditions"]}
    assert (times["Ready"], times["PodScheduled"], times["Initialized"]) == ("then", "before", "now")


def test_a_crashing_container_waits_longer_each_time():
    assert [back_off(n) for n in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
