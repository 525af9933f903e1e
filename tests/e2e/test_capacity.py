"""Deployments that are created at once share what there is: never more, all of it, and each knows where it stands.

The tests follow one another on one fleet: two clusters with two nodes each, and seven deployments of one node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import yaml
from local.testing import Manifest, Plane

pytestmark = pytest.mark.e2e

NODES = 2
CLUSTERS = ("west", "east")
DEPLOYMENTS = 7


def fleet() -> list[Manifest]:
    device = {"name": "gpu", "driver": "gpu.nvidia.com", "deviceClassName": "gpu.nvidia.com"}
    node = {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "InferenceClass",
        "metadata": {"name": "one"},
        "spec": {"devices": [{**device, "capacity": {"memory": {"value": "80Gi"}}}]},
    }
    return [node, *(cluster(name) for name in CLUSTERS)]


def cluster(name: str) -> Manifest:
    existing = {"secretRef": {"name": f"{name}-kubeconfig"}}
    pools = [{"name": "pool", "className": "one", "nodeCount": NODES}]
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "InferenceCluster",
        "metadata": {"name": name},
        "spec": {"cluster": {"source": "Existing", "existing": existing}, "nodePools": pools},
    }


def deployment(name: str) -> Manifest:
    devices = [{"name": "gpu", "selectors": [{"cel": 'device.driver == "gpu.nvidia.com"'}]}]
    template = {"spec": {"containers": [{"name": "engine", "image": "vllm/vllm-openai:v0.19.1"}]}}
    members = [{"role": "Standalone", "nodeSelector": {"devices": devices}, "template": template}]
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"engines": [{"name": "main", "members": members}]},
    }


def granted(plane: Plane) -> dict[str, str]:
    """The cluster of each replica that holds a node; checked at every look."""
    replicas = plane.kubectl.get("mr", "-A")
    held = {r["metadata"]["name"]: r["spec"]["clusterName"] for r in replicas if said(r, "Granted")["status"] == "True"}
    assert all(count <= NODES for count in Counter(held.values()).values()), held
    return held


def said(manifest: Manifest, type: str) -> Manifest:
    conditions = manifest.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == type), {"status": "", "reason": ""})


def queued(plane: Plane) -> list[Manifest]:
    """The deployments that say in which queue they stand, and where."""
    found = plane.kubectl.get("md", "-A")
    return [m for m in found if m.get("status", {}).get("scheduling", {}).get("queue", {}).get("position")]


@pytest.fixture(scope="module")
def crowd(plane: Plane) -> Iterator[None]:
    """Everything created at once on a fleet that stands."""
    plane.clear()
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(fleet()))
    plane.wait("the clusters are Ready", lambda: len(ready(plane)) == len(CLUSTERS))
    everybody = (deployment(f"model-{n}") for n in range(DEPLOYMENTS))
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(everybody))
    yield
    plane.clear()


def ready(plane: Plane) -> list[str]:
    return [c["metadata"]["name"] for c in plane.kubectl.get("ic") if said(c, "Ready")["status"] == "True"]


@pytest.mark.usefixtures("crowd")
def test_all_nodes_are_granted_and_none_twice(plane: Plane) -> None:
    room = NODES * len(CLUSTERS)
    plane.wait(f"{room} replicas are granted", lambda: len(granted(plane)) == room)
    plane.wait("the others stand in a queue", lambda: len(queued(plane)) == DEPLOYMENTS - room)
    assert len(granted(plane)) == room
    for waiting in queued(plane):
        scheduled = said(waiting, "ReplicasScheduled")
        assert scheduled["reason"] == "InsufficientCapacity"
        assert f"in the queue of {waiting['status']['scheduling']['queue']['cluster']}" in scheduled["message"]


@pytest.mark.usefixtures("crowd")
def test_what_the_ledger_says_is_what_replicas_hold(plane: Plane) -> None:
    """And the pods behind them run: each on a node and with a device of its own."""
    held = Counter(granted(plane).values())
    for name in CLUSTERS:
        (pool,) = plane.kubectl.one("capacityledger", name)["status"]["pools"]
        assert (pool["reserved"], pool["free"]) == (held[name], NODES - held[name])
        plane.wait(f"{name} runs them", lambda c=name: len(running(plane, c)) == held[c])
        assert len(set(running(plane, name))) == held[name]


def running(plane: Plane, name: str) -> list[str]:
    pods = plane.cluster(name).get("pods", "-A", "-l", "modelplane.ai/serving")
    return [p["spec"]["nodeName"] for p in pods if p["status"].get("phase") == "Running"]


@pytest.mark.usefixtures("crowd")
def test_a_claim_and_a_grant_deleted_by_hand_come_back(plane: Plane) -> None:
    """The nodes stay with who holds them."""
    before = granted(plane)
    plane.kubectl("delete", "configmaps", "-n", "default", "-l", "modelplane.ai/capacity-claim")
    plane.kubectl("delete", "configmaps", "-n", "modelplane-system", "-l", "modelplane.ai/capacity-grant")

    def back() -> bool:
        claims = plane.kubectl.get("configmaps", "-n", "default", "-l", "modelplane.ai/capacity-claim")
        grants = plane.kubectl.get("configmaps", "-n", "modelplane-system", "-l", "modelplane.ai/capacity-grant")
        return len(claims) == len(grants) == DEPLOYMENTS and granted(plane) == before

    plane.wait("all claims and grants are back", back)


@pytest.mark.usefixtures("crowd")
def test_a_freed_node_is_taken_by_one_that_waits(plane: Plane) -> None:
    before = granted(plane)
    gone = min(before)
    plane.kubectl("delete", "md", gone.rsplit("-", 1)[0])
    plane.wait("another one has its node", lambda: len(set(granted(plane)) - set(before)) == 1)
    assert set(before) - {gone} <= set(granted(plane))


@pytest.mark.usefixtures("crowd")
def test_a_settled_deployment_is_not_called_while_others_come_and_go(plane: Plane) -> None:
    """Its replica neither: what happens on its cluster to others is none of its business."""
    held = granted(plane)
    settled = min(name for name in held if plane.condition("mr", name, "Ready").get("status") == "True")
    names = (f"ModelDeployment/{settled.rsplit('-', 1)[0]}", f"ModelReplica/{settled}")
    before = at_rest(plane, names)
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(deployment("late")))
    plane.wait("the newcomer says where it stands", lambda: plane.condition("md", "late", "ReplicasScheduled"))
    plane.wait("it has asked", lambda: plane.condition("mr", "late-0", "Granted").get("reason"))
    plane.kubectl("delete", "md", "late")
    plane.wait("it is gone", lambda: not plane.kubectl.get("mr", "late-0"))
    assert [plane.calls()[name] for name in names] == before


def at_rest(plane: Plane, names: tuple[str, ...]) -> list[int]:
    """The calls that these composites have had, once none has come for a few looks."""
    counts: list[list[int]] = []

    def quiet() -> bool:
        counts.append([plane.calls()[name] for name in names])
        return len(counts) > 20 and counts[-1] == counts[-21]

    plane.wait("no more calls", quiet)
    return counts[-1]
