"""What is done to a fleet by mistake, live: nothing that runs is deleted or restarted, and a condition says why.

The tests follow one another on one running model; `running` is what its cluster held at first.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from local.testing import Manifest, Plane

pytestmark = pytest.mark.e2e

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "01-standalone"
HELD = "pods,deployments.apps,services,httproutes,resourceclaimtemplates,resourceclaims"


def uids(plane: Plane) -> dict[str, str]:
    objects = plane.cluster("west").get(HELD, "-n", "mp-default")
    return {f"{o['kind']}/{o['metadata']['name']}": o["metadata"]["uid"] for o in objects}


@pytest.fixture(scope="module")
def running(plane: Plane) -> dict[str, str]:
    """The smallest example, Ready."""
    plane.clear()
    plane.kubectl("apply", "-f", str(EXAMPLE))
    plane.wait("qwen is Ready", lambda: plane.condition("md", "qwen", "Ready").get("status") == "True")
    held = uids(plane)
    assert {k.split("/")[0] for k in held} == {
        "Pod",
        "Deployment",
        "Service",
        "HTTPRoute",
        "ResourceClaimTemplate",
        "ResourceClaim",
    }
    return held


def says(plane: Plane, kind: str, name: str, want: Manifest) -> None:
    """Wait until one condition is as wanted; `message` need only be contained."""

    def met() -> bool:
        got = plane.condition(kind, name, want["type"])
        return got.get("reason") == want["reason"] and want.get("message", "") in got.get("message", "")

    plane.wait(f"{kind}/{name} says {want}", met)


def patch(plane: Plane, patch: str) -> None:
    plane.kubectl("patch", "md", "qwen", "--type=merge", "-p", patch)


def selector(plane: Plane, cel: str) -> None:
    path = "/spec/engines/0/members/0/nodeSelector/devices/0/selectors/0/cel"
    quoted = cel.replace('"', '\\"')
    plane.kubectl(
        "patch", "md", "qwen", "--type=json", "-p", f'[{{"op": "replace", "path": "{path}", "value": "{quoted}"}}]'
    )


def test_a_typo_in_the_cluster_selector(plane: Plane, running: dict[str, str]) -> None:
    patch(plane, '{"spec": {"clusterSelector": {"matchLabels": {"region": "nowhere"}}}}')
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Outdated", "message": "must be nowhere"})
    assert uids(plane) == running
    patch(plane, '{"spec": {"clusterSelector": null}}')
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Current"})


def test_a_typo_in_a_device_selector(plane: Plane, running: dict[str, str]) -> None:
    good = plane.kubectl.one("md", "qwen")["spec"]["engines"][0]["members"][0]["nodeSelector"]["devices"][0]
    selector(plane, "device.driver ==")
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Outdated", "message": "selector is corrected"})
    selector(plane, 'device.driver == "gpu.nvidia.con"')
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Outdated", "message": "gpu.nvidia.con"})
    assert uids(plane) == running
    selector(plane, good["selectors"][0]["cel"])
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Current"})


def test_a_class_that_is_deleted(plane: Plane, running: dict[str, str]) -> None:
    plane.kubectl("delete", "icl", "h100-node")
    says(plane, "ic", "west", {"type": "ClassesFound", "reason": "NotFound", "message": "h100-node"})
    patch(plane, '{"metadata": {"annotations": {"touched": "1"}}}')
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Outdated", "message": "does not exist"})
    assert uids(plane) == running


def test_a_cluster_in_use_is_not_deleted(plane: Plane, running: dict[str, str]) -> None:
    """Refused with a sentence that says what to do."""
    plane.wait("west is guarded", lambda: plane.kubectl.get("clusterusages", "-l", "modelplane.ai/cluster=west"))
    refused = plane.kubectl("delete", "ic", "west", check=False)
    assert "Replicas run on west" in refused
    assert "deletionTimestamp" not in plane.kubectl.one("ic", "west")["metadata"]
    plane.kubectl("annotate", "ic", "west", "protection.crossplane.io/deletion-attempt-")
    assert uids(plane) == running


def test_a_cluster_that_is_deleted_all_the_same_and_created_again(plane: Plane, running: dict[str, str]) -> None:
    plane.kubectl("label", "ic", "west", "crossplane.io/in-use-")
    plane.kubectl("delete", "ic", "west")
    says(plane, "mr", "qwen-0", {"type": "Granted", "reason": "ClusterNotFound", "message": "west"})
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Outdated", "message": "west"})
    assert uids(plane) == running
    assert plane.condition("md", "qwen", "Ready")["status"] == "True"
    plane.kubectl("apply", "-f", str(EXAMPLE))
    says(plane, "mr", "qwen-0", {"type": "Granted", "reason": "Granted"})
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Current"})
    assert uids(plane) == running


def test_a_cache_that_does_not_exist_asked_of_a_running_model(plane: Plane, running: dict[str, str]) -> None:
    patch(plane, '{"spec": {"modelCacheRef": {"name": "weights"}}}')
    says(plane, "md", "qwen", {"type": "ModelCacheResolved", "reason": "NotFound", "message": "create it"})
    says(plane, "md", "qwen", {"type": "PlacementCurrent", "reason": "Outdated", "message": "ModelCache weights"})
    assert uids(plane) == running
    patch(plane, '{"spec": {"modelCacheRef": null}}')
    says(plane, "md", "qwen", {"type": "ModelCacheResolved", "reason": "NotRequested"})


def test_a_composed_object_deleted_by_hand_comes_back(plane: Plane, running: dict[str, str]) -> None:
    """The Service on the cluster is repaired; the pods behind it stay."""
    plane.cluster("west")("delete", "service", "qwen-0", "-n", "mp-default")
    plane.wait("the Service is back", lambda: "Service/qwen-0" in uids(plane))
    now = uids(plane)
    assert {k: v for k, v in now.items() if k != "Service/qwen-0"} == {
        k: v for k, v in running.items() if k != "Service/qwen-0"
    }


@pytest.mark.usefixtures("running")
def test_when_the_deployment_goes_all_of_it_goes_and_the_refused_deletion_follows(plane: Plane) -> None:
    west = plane.cluster("west")
    plane.wait("west is guarded", lambda: plane.kubectl.get("clusterusages", "-l", "modelplane.ai/cluster=west"))
    assert "Replicas run on west" in plane.kubectl("delete", "ic", "west", check=False)
    plane.kubectl("delete", "md", "qwen")
    plane.wait("nothing of it is left on the cluster", lambda: not west.get(HELD, "-n", "mp-default"))
    plane.wait("the cluster that was to be deleted is gone too", lambda: not plane.kubectl.get("ic", "west"))
