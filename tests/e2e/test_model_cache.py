"""Weights on the clusters that need them, and models that wait for them.

A control plane of its own with two workload clusters. Jobs and pods are played by KWOK, volumes by the fleet; that a
Job fetches weights is tested in functions/compose-cluster-cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from local.testing import Manifest, Plane, start

pytestmark = [pytest.mark.e2e, pytest.mark.long]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "01-standalone"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """West and east; only west is labelled for the cache at first."""
    plane, cluster = start(tmp_path_factory.mktemp("cache") / "state", clusters=2)
    try:
        node_class, west = yaml.safe_load_all((EXAMPLE / "fleet.yaml").read_text())
        plane.kubectl(
            "apply", "-f", "-", stdin=yaml.safe_dump_all([node_class, *map(_cluster(west), ("west", "east"))])
        )
        yield plane
    finally:
        cluster.down()


def test_a_model_waits_for_a_cache_that_does_not_exist(plane: Plane) -> None:
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(_deployment()))
    says(plane, "md", "ModelCacheResolved", "NotFound")
    says(plane, "md", "ReplicasScheduled", "WaitingForCache")
    assert plane.kubectl.get("mr") == []


def test_the_weights_get_there_and_the_model_follows(plane: Plane) -> None:
    """One commit, looked up once; the volume is mounted; nobody's circuit opened."""
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(_cache()))
    says(plane, "mc", "Hydrated", "Hydrated")
    plane.wait("qwen is Ready", lambda: plane.condition("md", "qwen", "Ready").get("status") == "True")
    says(plane, "md", "ModelCacheResolved", "Resolved")
    status = plane.kubectl.one("mc", "weights")["status"]
    assert (status["revision"], status["summary"]["ready"]) == ("5eed" * 10, "1/1")
    assert [(row["name"], row["phase"]) for row in status["clusters"]] == [("west", "Ready")]
    assert plane.kubectl.one("mr", "qwen-0")["spec"]["clusterName"] == "west"
    west = plane.cluster("west")
    (volume,) = west.get("pvc", "-n", "mp-default")
    (workload,) = west.get("deployments", "-n", "mp-default")
    claims = [v["persistentVolumeClaim"]["claimName"] for v in workload["spec"]["template"]["spec"]["volumes"]]
    assert claims == [volume["metadata"]["name"]]
    # Every Object on a cluster changes the user count of its ClusterProviderConfig (design/local-control-plane.md).
    assert {name for name in plane.open_circuits() if not name.startswith("InferenceCluster/")} == set()


def test_a_cache_in_use_cannot_be_deleted(plane: Plane) -> None:
    told = plane.kubectl("delete", "mc", "weights", "--wait=false", check=False)
    assert "ModelDeployment qwen mounts it" in told
    assert "deletionTimestamp" not in plane.kubectl.one("mc", "weights")["metadata"]


def test_another_repository_is_refused_with_what_to_do(plane: Plane) -> None:
    patch = '{"spec": {"huggingFace": {"repo": "Qwen/Qwen3-32B"}}}'
    told = plane.kubectl("patch", "mc", "weights", "--type=merge", "-p", patch, check=False)
    assert "create another ModelCache" in told


def test_a_cluster_that_is_selected_later_gets_the_same_commit(plane: Plane) -> None:
    plane.kubectl("label", "ic", "east", "region=us", "--overwrite")
    _look(plane)
    ready = lambda: plane.kubectl.one("mc", "weights")["status"]["summary"]["ready"] == "2/2"  # noqa: E731  # Short here.
    plane.wait("both clusters hold the weights", ready)
    revisions = {child["status"]["revision"] for child in plane.kubectl.get("cc")}
    assert revisions == {"5eed" * 10}
    assert len(plane.cluster("east").get("jobs", "-n", "mp-default")) == 1


def test_a_volume_that_is_deleted_is_filled_again(plane: Plane) -> None:
    """Ready means that this very volume was filled, not that some Job is complete."""
    east = plane.cluster("east")
    (before,) = east.get("jobs", "-n", "mp-default")
    east("delete", "pvc", "--all", "-n", "mp-default", "--wait=false")
    # Kubernetes protects the claim for as long as a pod of the Job's is kept.
    east("delete", "pods", "--all", "-n", "mp-default")
    again = lambda: [j for j in east.get("jobs", "-n", "mp-default") if _name(j) != _name(before)]  # noqa: E731  # Short here.
    plane.wait("another Job fills it", again)
    plane.wait("and is done", lambda: plane.kubectl.one("mc", "weights")["status"]["summary"]["ready"] == "2/2")


def test_what_is_no_longer_selected_keeps_its_volume_until_it_is_given_back(plane: Plane) -> None:
    east = plane.cluster("east")
    plane.kubectl("label", "ic", "east", "region=eu", "--overwrite")
    _look(plane)
    one = lambda: plane.kubectl.one("mc", "weights")["status"]["summary"]["ready"] == "1/1"  # noqa: E731  # Short here.
    plane.wait("east is no longer selected", one)
    assert east.get("pvc", "-n", "mp-default")
    plane.kubectl("patch", "mc", "weights", "--type=merge", "-p", '{"spec": {"reclaim": "Delete"}}')
    plane.wait("its volume is gone", lambda: not east.get("pvc", "-n", "mp-default"))
    assert plane.cluster("west").get("pvc", "-n", "mp-default")


def test_with_the_last_user_the_deletion_follows(plane: Plane) -> None:
    """The refused deletion is repeated; with reclaim Delete the volume goes."""
    plane.kubectl("delete", "md", "qwen")
    plane.wait("the cache is gone", lambda: not plane.kubectl.get("mc,cc"))
    plane.wait("its volume is gone", lambda: not plane.cluster("west").get("pvc", "-n", "mp-default"))


def says(plane: Plane, kind: str, type: str, reason: str) -> None:
    name = "qwen" if kind == "md" else "weights"
    plane.wait(f"{type} is {reason}", lambda: plane.condition(kind, name, type).get("reason") == reason)


def _look(plane: Plane) -> None:
    """Caches look at the fleet every two minutes, and when they are changed."""
    plane.kubectl("annotate", "mc", "weights", "look=again", "--overwrite")
    plane.kubectl("annotate", "mc", "weights", "look-")


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _cluster(west: Manifest):
    def of(name: str) -> Manifest:
        region = {"region": "us" if name == "west" else "eu"}
        existing = {"secretRef": {"name": f"{name}-kubeconfig"}, "cache": {"storageClassName": "shared"}}
        spec = {**west["spec"], "cluster": {"source": "Existing", "existing": existing}}
        return {**west, "metadata": {"name": name, "labels": region}, "spec": spec}

    return of


def _cache() -> Manifest:
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelCache",
        "metadata": {"name": "weights", "namespace": "default"},
        "spec": {
            "huggingFace": {"repo": "Qwen/Qwen3-8B", "sizeGiB": 40},
            "clusterSelector": {"matchLabels": {"region": "us"}},
        },
    }


def _deployment() -> Manifest:
    deployment: Manifest = yaml.safe_load((EXAMPLE / "deployment.yaml").read_text())
    deployment["spec"]["modelCacheRef"] = {"name": "weights"}
    container = deployment["spec"]["engines"][0]["members"][0]["template"]["spec"]["containers"][0]
    container["args"] = ["--model", "/mnt/models", "--served-model-name", "qwen"]
    return deployment
