"""What clients and dying engines cannot do."""

from __future__ import annotations

import signal

import pytest
from breaking import PICKER, Row
from cli import proving
from served import attack, prove, running, settle, stop, traffic

pytestmark = pytest.mark.datapath
ATTACKED = Row("attacked", "Nothing.", "Disaggregating", "", [200])
KILLED = Row("killed", "A prefill engine is killed in mid-traffic.", "Disaggregating", "", [200])
DRAINED = Row(
    "drained",
    "One of two decode pods is deleted in mid-traffic.",
    "Disaggregating",
    "",
    [200],
    change=[
        {
            "kind": "Deployment",
            "name": "decode",
            "set": {
                "spec/replicas": 2,
                "spec/template/spec/containers/0/lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
            },
        }
    ],
)


def test_what_a_client_says_of_routing_reaches_nobody(plane, kube, remote, manifests):
    """Without the early removal the sidecar calls whatever host a client names."""
    with running(plane, kube, ATTACKED, manifests) as target:
        settle(plane, ATTACKED, target)
        assert attack(remote, target, "qwen") == (200, False)


def test_a_killed_prefill_engine_comes_back_and_costs_what_its_sidecars_version_says(plane, kube, remote, manifests):
    """Up to v0.8 the sidecar has the decode engine compute alone meanwhile; later ones answer 502."""
    with running(plane, kube, KILLED, manifests) as target:
        settle(plane, KILLED, target)
        with traffic(lambda: target) as statuses:
            plane.wait("requests are answered", lambda: statuses.total() > 20)
            stop(kube, target.namespace, signal.SIGKILL)
            plane.wait("the engine is back", lambda: restarts(kube, target) == [1])
        assert set(statuses) == ({200} if PICKER.startswith(("v0.7.", "v0.8.")) else {200, 502})
        plane.wait("it disaggregates again", lambda: prove(remote, target)[1].good, patience=60)


def test_a_drained_decode_pod_costs_no_request(plane, kube, remote, manifests):
    """While its preStop sleeps it serves on, and the picker sends it nothing new; without preStop a request was seen lost."""
    with running(plane, kube, DRAINED, manifests) as target:
        settle(plane, DRAINED, target)
        first, _ = sorted(p["metadata"]["name"] for p in proving.pods(remote, target).decode)
        with traffic(lambda: target) as statuses:
            plane.wait("requests are answered", lambda: statuses.total() > 20)
            kube("delete", "pod", first, "-n", target.namespace, "--wait=false")
            plane.wait("the pod is gone", lambda: not kube.get("pod", first, "-n", target.namespace))
        assert set(statuses) == {200}


def restarts(kube, target) -> list[int]:
    """How often the prefill pods' engines that are ready were started again."""
    pods = kube.get("pods", "-n", target.namespace, "-l", "modelplane.ai/pd-role=prefill")
    found = [c for p in pods for c in p["status"]["containerStatuses"]]
    return [c["restartCount"] for c in found if c["ready"]]
