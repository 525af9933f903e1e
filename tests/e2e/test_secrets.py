"""A tenant's Secret reaches its pods, and its bytes stand nowhere on the control plane but in it.

One control plane of its own: everything that it holds and every line that its processes wrote is searched.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import local
import pytest
import yaml
from local.testing import Kubectl, Manifest, Plane, start

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "01-standalone"
OBJECTS = "objects.kubernetes.m.crossplane.io"
CANARY, ROTATED = "canary-8f1c0b7e5d", "rotated-3a9d2e6c41"


@dataclass(frozen=True)
class Fleet:
    """The control plane, its workload cluster, and the folder of its processes."""

    plane: Plane
    processes: local.Cluster

    @property
    def west(self) -> Kubectl:
        return self.plane.workload(1)

    def copy_of(self, secret: str) -> dict[str, str]:
        """The data of the copy on the cluster; empty while there is none."""
        found = [s for s in self.west.get("secrets", "-n", "mp-default") if f"-{secret}-" in s["metadata"]["name"]]
        return {k: base64.b64decode(v).decode() for s in found for k, v in s.get("data", {}).items()}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The policies are those that are installed with the packages."""
    plane, cluster = start(tmp_path_factory.mktemp("secrets") / "state", clusters=1)
    try:
        plane.kubectl("apply", "-f", str(ROOT / "install" / "secrets.yaml"))
        plane.kubectl("apply", "-f", str(EXAMPLE / "fleet.yaml"))
        yield Fleet(plane, cluster)
    finally:
        cluster.down()


def test_pods_wait_for_their_secrets_and_the_missing_one_is_named(fleet: Fleet) -> None:
    fleet.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(_secret("pull", _registry(CANARY))))
    fleet.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(_deployment()))
    said = lambda: fleet.plane.condition("mr", "qwen-0", "EnginesReady")  # noqa: E731  # Short here.
    fleet.plane.wait(
        "the token is missing", lambda: "Secret default/hub, which does not exist" in said().get("message", ""), 60
    )
    assert said()["reason"] == "SecretsMissing"
    assert fleet.west.get("deployments", "-n", "mp-default") == []


def test_a_secret_that_is_there_is_copied_and_the_model_runs(fleet: Fleet) -> None:
    fleet.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(_secret("hub", {"token": CANARY})))
    fleet.plane.wait("qwen is Ready", lambda: fleet.plane.condition("md", "qwen", "Ready").get("status") == "True", 90)
    assert fleet.copy_of("hub") == {"token": CANARY}
    (pull,) = [s for s in fleet.west.get("secrets", "-n", "mp-default") if "-pull-" in s["metadata"]["name"]]
    assert pull["type"] == "kubernetes.io/dockerconfigjson"
    (deployment,) = fleet.west.get("deployments", "-n", "mp-default")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": pull["metadata"]["name"]}]


def test_a_rotated_secret_follows_within_seconds(fleet: Fleet) -> None:
    fleet.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(_secret("hub", {"token": ROTATED})))
    fleet.plane.wait("the copy follows", lambda: fleet.copy_of("hub") == {"token": ROTATED}, 20)


def test_a_copy_that_somebody_deletes_comes_back(fleet: Fleet) -> None:
    fleet.west("delete", "secrets", "-n", "mp-default", "-l", "modelplane.ai/replica=qwen-0")
    fleet.plane.wait("it is back", lambda: fleet.copy_of("hub") == {"token": ROTATED}, 60)


def test_the_bytes_are_in_the_secret_and_nowhere_else(fleet: Fleet) -> None:
    """Every object of every kind, its status, events, and all that any process logged."""
    words = (CANARY, ROTATED, _encoded(CANARY), _encoded(ROTATED), _encoded(json.dumps(_registry_config(CANARY))))
    holders = {name for name, text in everything(fleet.plane.kubectl) if any(word in text for word in words)}
    assert holders == {"secrets/default/hub", "secrets/default/pull"}
    wrote = [log.name for log in logs(fleet) if any(word in log.read_text(errors="replace") for word in words)]
    assert wrote == []


def test_the_api_server_refuses_an_object_with_the_bytes_of_a_copy(fleet: Fleet) -> None:
    """As a provider would write it that runs without --sanitize-secrets, or without server-side apply."""
    (copy,) = [o for o in fleet.plane.kubectl.get(OBJECTS) if _is_writer(o, "hub")]
    data = {"token": _encoded(CANARY)}
    for where, patch in (
        ([], {"spec": {"forProvider": {"manifest": {**copy["spec"]["forProvider"]["manifest"], "data": data}}}}),
        (["--subresource=status"], {"status": {"atProvider": {"manifest": {"data": data}}}}),
    ):
        name = copy["metadata"]["name"]
        told = fleet.plane.kubectl("patch", OBJECTS, name, *where, "--type=merge", "-p", json.dumps(patch), check=False)
        assert "must not stand in an Object" in told


def test_what_is_no_longer_referred_to_goes_with_its_last_pod(fleet: Fleet) -> None:
    changed = _deployment()
    del changed["spec"]["engines"][0]["members"][0]["template"]["spec"]["containers"][0]["env"]
    fleet.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(changed))
    fleet.plane.wait("the token is gone", lambda: not fleet.copy_of("hub"), 120)
    assert fleet.copy_of("pull")


def test_with_the_last_user_the_copies_go(fleet: Fleet) -> None:
    """What removes a copy has what writes it as an owner too: deleted before, the copy could be written once more."""
    copies = fleet.plane.kubectl.get(OBJECTS, "-A", "-l", "modelplane.ai/copied-secret")
    removers = [o for o in copies if "Delete" in o["spec"]["managementPolicies"]]
    assert [{owner["kind"] for owner in r["metadata"]["ownerReferences"]} for r in removers] == [
        {"ModelReplica", "Object"}
    ]
    fleet.plane.kubectl("delete", "md", "qwen")
    fleet.plane.wait("no copy is left", lambda: not fleet.west.get("secrets", "-n", "mp-default"), 90)
    fleet.plane.wait("no Object is left", lambda: not fleet.plane.kubectl.get(OBJECTS), 90)


def everything(kubectl: Kubectl) -> Iterator[tuple[str, str]]:
    """Each object of each kind that can be listed, as JSON with all that the server keeps of it."""
    kinds = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    for kind in kinds:
        listed = json.loads(kubectl("get", kind, "-A", "--show-managed-fields", "-o", "json", check=True))
        for found in listed["items"]:
            metadata = found["metadata"]
            yield "/".join(filter(None, (kind, metadata.get("namespace"), metadata["name"]))), json.dumps(found)


def logs(fleet: Fleet) -> list[Path]:
    return sorted(fleet.processes.state.book.log("functions").parent.glob("*"))


def _is_writer(obj: Manifest, secret: str) -> bool:
    return any(r.get("patchesFrom", {}).get("name") == secret for r in obj["spec"].get("references", []))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _secret(name: str, data: dict[str, str], type: str = "Opaque") -> Manifest:
    kind = "kubernetes.io/dockerconfigjson" if ".dockerconfigjson" in data else type
    encoded = {key: _encoded(value) for key, value in data.items()}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": encoded}


def _registry_config(password: str) -> dict[str, Any]:
    return {"auths": {"registry.example": {"username": "ml", "password": password}}}


def _registry(password: str) -> dict[str, str]:
    return {".dockerconfigjson": json.dumps(_registry_config(password))}


def _deployment() -> Manifest:
    deployment: Manifest = yaml.safe_load((EXAMPLE / "deployment.yaml").read_text())
    spec = deployment["spec"]["engines"][0]["members"][0]["template"]["spec"]
    spec["imagePullSecrets"] = [{"name": "pull"}]
    spec["containers"][0]["env"] = [
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
    ]
    return deployment
