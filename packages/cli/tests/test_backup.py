"""What is kept of a control plane, and in which order it comes back."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli import backup
from cli.main import cli
from click.testing import CliRunner

Manifest = dict[str, Any]


def thing(kind: str, name: str, **rest: Any) -> Manifest:
    """One object as an API server has it; `metadata` adds to what each has."""
    group = "infrastructure.modelplane.ai" if kind == "ServingStack" else "modelplane.ai"
    api = "v1" if kind == "Namespace" else f"{group}/v1alpha1"
    namespaced = {} if kind in ("Namespace", "InferenceClass", "InferenceCluster") else {"namespace": "team"}
    metadata = {"name": name, "uid": f"uid-{kind}-{name}", "creationTimestamp": "2026-11-20T00:00:00Z", **namespaced}
    return {"apiVersion": api, "kind": kind, "metadata": {**metadata, **rest.pop("metadata", {})}, "spec": {}, **rest}


def owned(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "uid": f"uid-{kind}-{name}", "controller": True}]}


def kept(*objects: Manifest) -> list[str]:
    return [f"{m['kind']}/{m['metadata']['name']}" for m in backup.select(objects)]


def test_replicas_come_before_deployments_and_clusters_last() -> None:
    objects = (
        thing("InferenceCluster", "west"),
        thing("ModelService", "chat"),
        thing("ModelDeployment", "qwen"),
        thing("ModelReplica", "qwen-0", metadata=owned("ModelDeployment", "qwen")),
        thing("InferenceClass", "h100"),
        thing("Namespace", "team"),
    )
    wanted = ["Namespace/team", "InferenceClass/h100", "ModelReplica/qwen-0", "ModelDeployment/qwen"]
    assert kept(*objects) == [*wanted, "ModelService/chat", "InferenceCluster/west"]


def test_the_oldest_come_first() -> None:
    old = thing("ModelDeployment", "z", metadata={"creationTimestamp": "2026-11-01T00:00:00Z"})
    assert kept(thing("ModelDeployment", "a"), old) == ["ModelDeployment/z", "ModelDeployment/a"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(thing("ModelEndpoint", "e", metadata=owned("ModelDeployment", "qwen")), id="composed-endpoint"),
        pytest.param(thing("CapacityLedger", "west", metadata=owned("InferenceCluster", "west")), id="ledger"),
        pytest.param(thing("ServingStack", "west", metadata=owned("InferenceCluster", "west")), id="composed-stack"),
        pytest.param(thing("ModelDeployment", "x", metadata={"deletionTimestamp": "now"}), id="being-deleted"),
        pytest.param(thing("ModelReplica", "x-0", metadata=owned("ModelDeployment", "x")), id="of-a-deleted-one"),
        pytest.param(thing("Namespace", "other"), id="a-namespace-without-models"),
        pytest.param({**thing("InferenceClass", "x"), "apiVersion": "example.org/v1"}, id="not-ours"),
    ],
)
def test_what_is_composed_again_or_going_is_left_out(other: Manifest) -> None:
    assert kept(thing("ModelDeployment", "qwen"), other) == ["ModelDeployment/qwen"]


def test_an_endpoint_that_a_person_wrote_is_kept() -> None:
    assert kept(thing("ModelEndpoint", "outside")) == ["ModelEndpoint/outside"]


def test_replicas_that_hold_nodes_are_reserved() -> None:
    """The ledger says who they are; what the replica itself says may be a moment old."""
    ledger = thing("CapacityLedger", "west", status={"entries": {"uid-ModelReplica-a-0": {"nodes": {"p": 1}}}})
    replicas = backup.select([ledger, thing("ModelReplica", "a-0"), thing("ModelReplica", "b-0")])
    assert [m["spec"] for m in replicas if m["kind"] == "ModelReplica"] == [{"reserved": True}, {}]


def test_only_what_was_written_is_kept() -> None:
    """No status, no uid, no bookkeeping of Crossplane or kubectl; what a person chose of Crossplane's stays."""
    metadata = {
        "finalizers": ["x"],
        "labels": {"crossplane.io/composite": "qwen", "region": "eu"},
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "protection.crossplane.io/deletion-attempt": "Background",
            "team": "a",
        },
    }
    crossplane = {"compositionUpdatePolicy": "Manual", "resourceRefs": [{}], "compositionRevisionRef": {"name": "x"}}
    written = thing("ModelDeployment", "qwen", metadata=metadata, status={"x": 1}, spec={"crossplane": crossplane})
    assert backup.select([written]) == [
        {
            "apiVersion": "modelplane.ai/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {
                "name": "qwen",
                "namespace": "team",
                "labels": {"region": "eu"},
                "annotations": {"team": "a"},
            },
            "spec": {"crossplane": {"compositionUpdatePolicy": "Manual"}},
        }
    ]


def test_a_replica_is_written_in_the_name_of_its_deployments_crossplane() -> None:
    """As Crossplane 2.4 names it; what another hand wrote, Crossplane could not remove."""
    replica = thing("ModelReplica", "qwen-0", metadata={"labels": {"modelplane.ai/deployment": "qwen"}})
    (first, second) = backup.stages([thing("InferenceCluster", "west"), replica])
    assert (len(first[0]), first[0].startswith("apiextensions.crossplane.io/composed/")) == (101, True)
    assert first[1] == [replica]
    assert second[0] == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a: [", "is no YAML", id="not-yaml"),
        pytest.param("kind: Namespace", "document 1 is no manifest", id="no-name"),
        pytest.param("- 1", "document 1 is no manifest", id="a-list"),
    ],
)
def test_a_file_that_is_no_export_is_refused(text: str, says: str) -> None:
    done = CliRunner().invoke(cli, ["restore", "-"], input=text)
    assert (done.exit_code, says in done.output) == (2, True)


def test_without_kubectl_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = CliRunner().invoke(cli, ["restore", "-"], input=yaml.safe_dump(thing("InferenceClass", "h100")))
    assert (done.exit_code, "kubectl is not on PATH" in done.output) == (4, True)


@pytest.mark.parametrize(
    ("stderr", "says_what_to_do"),
    [
        pytest.param("error: stat /no/such: no such file or directory", True, id="no-such-kubeconfig"),
        pytest.param("The connection to the server 127.0.0.1:1 was refused", True, id="nobody-listens"),
        pytest.param('Error from server (Forbidden): secrets is forbidden: User "eve"', False, id="a-server-refused"),
    ],
)
def test_what_kubectl_says_comes_with_what_to_do(
    stderr: str, says_what_to_do: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\necho {shlex.quote(stderr)} >&2\nexit 1\n")
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    done = CliRunner().invoke(cli, ["export"])
    assert (done.exit_code, stderr in done.output) == (4, True)
    assert ("say which one with --kubeconfig" in done.output) is says_what_to_do
