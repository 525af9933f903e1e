"""The nodes of a pool are counted by its labels, and their heartbeats reach nobody.

One control plane of its own; the nodes are KWOK's, which write heartbeats as kubelets do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from local.testing import Manifest, Plane, start

pytestmark = [pytest.mark.e2e, pytest.mark.long]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "01-standalone"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    plane, cluster = start(tmp_path_factory.mktemp("nodes") / "state", clusters=1)
    try:
        plane.kubectl("apply", "-f", str(EXAMPLE / "fleet.yaml"))
        yield plane
    finally:
        cluster.down()


def test_the_nodes_of_each_pool_are_found(plane: Plane) -> None:
    """Two minutes after the cluster was declared."""
    plane.wait("all are found", lambda: said(plane).get("reason") == "Found")
    assert said(plane)["message"] == "pool h100 declares 2 nodes, 2 found."


def test_heartbeats_reach_nobody(plane: Plane) -> None:
    """Twenty of them: the Objects of nodes are as they were when they were made, and the cluster is not called."""
    west, before, calls = plane.workload(1), members(plane), plane.calls()
    assert len(before) == 2
    for beat in range(20):
        for node in west.get("nodes", "-l", "modelplane.ai/pool=h100"):
            condition = {"type": "Ready", "status": "True", "reason": f"Beat{beat}", "message": "", **_times(beat)}
            patch = json.dumps({"status": {"conditions": [condition]}})
            west("patch", "node", node["metadata"]["name"], "--subresource=status", "--type=strategic", "-p", patch)
    assert members(plane) == before
    assert plane.calls()["InferenceCluster/west"] == calls["InferenceCluster/west"]


def test_nodes_that_are_missing_are_told_by_pool_wanted_and_found(plane: Plane) -> None:
    """The list is as old as the provider's poll: a third node that is declared now is not in it yet."""
    pool = {"name": "h100", "className": "h100-node", "nodeCount": 3}
    plane.kubectl("patch", "ic", "west", "--type=merge", "-p", json.dumps({"spec": {"nodePools": [pool]}}))
    plane.wait("the third is missed", lambda: said(plane).get("reason") == "NotFound", 90)
    assert said(plane)["message"].startswith("pool h100 declares 3 nodes, 2 found (modelplane.ai/pool=h100).")
    assert plane.condition("ic", "west", "Ready")["status"] == "True"


def said(plane: Plane) -> Manifest:
    return plane.condition("ic", "west", "PoolNodesFound")


def members(plane: Plane) -> dict[str, str]:
    found = plane.kubectl.get(
        "objects.kubernetes.m.crossplane.io", "-n", "modelplane-system", "-l", "modelplane.ai/nodes-of=west"
    )
    return {m["metadata"]["name"]: m["metadata"]["resourceVersion"] for m in found}


def _times(beat: int) -> dict[str, str]:
    at = f"2026-01-01T00:00:{beat:02}Z"
    return {"lastHeartbeatTime": at, "lastTransitionTime": at}
