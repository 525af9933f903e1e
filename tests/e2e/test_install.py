"""What install/ puts on a control plane: roles that may what they should and no more, and reserved ConfigMaps."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from local.testing import Manifest, Plane

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
DRY = ("--dry-run=server", "-f", "-")
REFUSED = "ask for nodes with a ModelDeployment"
CLAIM: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "claim", "namespace": "default", "labels": {"modelplane.ai/capacity-claim": "west"}},
}
PLAIN: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain", "namespace": "default"}}
OBJECT: Manifest = {
    "apiVersion": "kubernetes.m.crossplane.io/v1alpha1",
    "kind": "Object",
    "metadata": {"name": "mine", "namespace": "default"},
    "spec": {"forProvider": {"manifest": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}}},
}


@pytest.fixture(scope="module")
def installed(plane: Plane) -> Plane:
    """install/ applied, each role bound to a person of its name, and one who may edit ConfigMaps."""
    plane.clear()
    plane.kubectl("apply", "-f", str(ROOT / "install"))
    for role in ("viewer", "user", "platform"):
        plane.kubectl("create", "clusterrolebinding", role, f"--clusterrole=modelplane-{role}", f"--user={role}")
    system = ("-n", "modelplane-system", "--role=modelplane-platform", "--user=platform")
    plane.kubectl("create", "rolebinding", "platform", *system)
    plane.kubectl("create", "rolebinding", "editor", "-n", "default", "--clusterrole=edit", "--user=editor")
    plane.wait("the policy is enforced", lambda: REFUSED in write(plane, "editor", CLAIM))
    return plane


def write(plane: Plane, person: str, manifest: Manifest, verb: str = "create") -> str:
    """What kubectl says when a person writes a manifest."""
    who = (f"--as={person}", "--as-group=system:authenticated")
    return plane.kubectl(verb, *who, *DRY, stdin=yaml.safe_dump(manifest), check=False)


def example(kind: str) -> Manifest:
    files = (ROOT / "examples" / "01-standalone").glob("*.yaml")
    manifests = [m for file in files for m in yaml.safe_load_all(file.read_text())]
    return next(m for m in manifests if m["kind"] == kind)


def replica() -> Manifest:
    return {**example("ModelDeployment"), "kind": "ModelReplica"}


def secret(namespace: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "new-kubeconfig", "namespace": namespace}}


@pytest.mark.parametrize(
    ("person", "manifest", "allowed"),
    [
        pytest.param("viewer", example("ModelDeployment"), False, id="a-viewer-writes-nothing"),
        pytest.param("user", example("ModelDeployment"), True, id="a-user-deploys-models"),
        pytest.param("user", example("InferenceCluster"), False, id="a-user-declares-no-clusters"),
        pytest.param("user", replica(), False, id="a-user-makes-no-replicas"),
        pytest.param("user", OBJECT, False, id="a-user-writes-no-objects-of-the-provider"),
        pytest.param("platform", example("InferenceCluster"), True, id="the-platform-declares-clusters"),
        pytest.param("platform", example("InferenceClass"), True, id="the-platform-declares-classes"),
        pytest.param("platform", OBJECT, False, id="nor-does-the-platform"),
        pytest.param("platform", secret("modelplane-system"), True, id="the-platform-keeps-kubeconfigs"),
        pytest.param("platform", secret("default"), False, id="the-platform-sees-no-other-secrets"),
    ],
)
def test_a_role_may_what_it_should(installed: Plane, person: str, manifest: Manifest, allowed: bool) -> None:
    told = write(installed, person, manifest)
    assert ("created (server dry run)" in told, "forbidden" in told.lower()) == (allowed, not allowed), told


@pytest.mark.parametrize("person", ["viewer", "user", "platform"])
def test_everybody_reads_every_kind(installed: Plane, person: str) -> None:
    kinds = installed.kubectl("api-resources", "--categories=modelplane", "-o", "name").split()
    assert len(kinds) >= 12
    for kind in kinds:
        installed.kubectl("get", kind, "-A", f"--as={person}", "--as-group=system:authenticated")


def test_a_claim_cannot_be_made_by_who_may_edit_configmaps(installed: Plane) -> None:
    assert REFUSED in write(installed, "editor", CLAIM)
    assert "created" in write(installed, "editor", PLAIN)


def test_a_configmap_cannot_become_a_claim_nor_a_claim_another(installed: Plane) -> None:
    installed.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(PLAIN))
    installed.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(CLAIM))
    who = ("--as=editor", "--as-group=system:authenticated", "-n", "default")
    label = "modelplane.ai/capacity-grant=west"
    assert REFUSED in installed.kubectl("label", "configmap", "plain", label, *who, check=False)
    assert REFUSED in installed.kubectl(
        "label", "configmap", "claim", "modelplane.ai/capacity-claim-", *who, check=False
    )
    assert REFUSED in installed.kubectl("delete", "configmap", "claim", *who, check=False)
    installed.kubectl("label", "configmap", "plain", "mine=yes", *who)
    installed.kubectl("delete", "configmap", "plain", *who)


@pytest.mark.parametrize(
    "account",
    ["crossplane-system:crossplane", "kube-system:generic-garbage-collector", "kube-system:namespace-controller"],
)
def test_crossplane_and_those_who_clean_up_may(installed: Plane, account: str) -> None:
    installed.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(CLAIM))
    name = f"system:serviceaccount:{account}"
    binding = account.replace(":", "-")
    installed.kubectl("create", "rolebinding", binding, "-n", "default", "--clusterrole=edit", f"--user={name}")
    installed.kubectl(
        "delete", "configmap", "claim", "-n", "default", f"--as={name}", "--as-group=system:authenticated"
    )


@pytest.mark.long
def test_models_run_with_all_of_it(installed: Plane) -> None:
    installed.kubectl("apply", "-f", str(ROOT / "examples" / "01-standalone"))
    installed.wait("qwen is Ready", lambda: installed.condition("md", "qwen", "Ready").get("status") == "True")
    installed.clear()
