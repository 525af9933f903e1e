"""`modelplane render`: what is printed, where, and with which exit code."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.main import cli
from click.testing import CliRunner, Result

FLEET = """\
apiVersion: modelplane.ai/v1alpha1
kind: InferenceClass
metadata: {name: h100}
spec:
  devices:
  - {name: gpu, driver: gpu.nvidia.com, deviceClassName: gpu.nvidia.com, count: 8, capacity: {memory: {value: 80Gi}}}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: west}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: west}}}
  nodePools: [{name: h100, className: h100, nodeCount: 2}]
"""
MODEL = """\
apiVersion: modelplane.ai/v1alpha1
kind: ModelDeployment
metadata: {name: qwen, namespace: ml-team}
spec:
  replicas: 2
  engines:
  - name: main
    members:
    - nodeSelector: {devices: [{name: gpu, selectors: [{cel: 'device.driver == "gpu.nvidia.com"'}]}]}
      template: {spec: {containers: [{name: engine, image: "example.com/engine:v1"}]}}
"""
KINDS = {
    "Namespace",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "Deployment",
    "HTTPRoute",
    "ResourceClaimTemplate",
    "Service",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "model.yaml").write_text(MODEL)
    return tmp_path


def render(*args: object, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(cli, ["render", *map(str, args)], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_the_tree_shows_who_composes_what_where(folder: Path) -> None:
    result = render(folder)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "InferenceCluster west  READY" in lines
    assert any(line.endswith("ModelReplica ml-team/qwen-1  READY") for line in lines)
    assert any("on cluster west" in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in result.stdout
    assert not any(line.endswith(" ") for line in lines)


def test_yaml_and_json_are_the_same_flat_list(folder: Path) -> None:
    from_yaml = list(yaml.safe_load_all(render(folder, "-o", "yaml").stdout))
    assert from_yaml == json.loads(render(folder, "-o", "json").stdout)
    assert {"ModelReplica", "ClusterTenant", "ModelEndpoint", "ClusterProviderConfig", *KINDS} <= {
        m["kind"] for m in from_yaml
    }
    assert "Object" not in {m["kind"] for m in from_yaml}


def test_only_remote_and_only_composites_are_the_two_halves(folder: Path) -> None:
    whole, remote, rest = (
        json.loads(render(folder, "-o", "json", *only).stdout)
        for only in ([], ["--only", "remote"], ["--only", "composites"])
    )
    assert whole == [*rest, *remote]
    assert {m["kind"] for m in remote} == KINDS
    assert {m["metadata"]["annotations"]["modelplane.ai/cluster"] for m in remote} == {"west"}
    assert not any("status" in m for m in remote)


@pytest.mark.parametrize("output", ["tree", "yaml", "json"])
def test_the_order_of_files_does_not_matter(folder: Path, output: str) -> None:
    whole = render(folder, "-o", output).stdout
    assert whole == render(folder / "model.yaml", folder / "fleet.yaml", "-o", output).stdout
    assert whole == render("-", "-o", output, stdin=f"{MODEL}---\n{FLEET}").stdout


def test_every_error_is_told_at_once_and_nothing_is_composed(folder: Path) -> None:
    (folder / "model.yaml").write_text(
        MODEL.replace("replicas: 2", "replicas: 65\n  sise: 1").replace("name: main", "name: Main")
    )
    result = render(folder)
    assert (result.exit_code, result.stdout) == (2, "")
    *lines, last = result.stderr.splitlines()
    assert last == "3 errors; nothing was composed."
    place = folder / "model.yaml"
    assert lines[0] == f"{place}:5: spec.replicas: must be at most 64, is 65"
    assert lines[1] == f"{place}:6: spec.sise: unknown field"
    assert lines[2].startswith(f"{place}:8: spec.engines[0].name: ")


@pytest.mark.parametrize(
    ("written", "instead", "field"),
    [
        ('image: "example.com/engine:v1"', "image: ''", "spec.engines[0].members[0].template.spec.containers[0].image"),
        ("engines:", "engines: []\n  was:", "spec.engines"),
    ],
)
def test_what_is_empty_is_called_so(folder: Path, written: str, instead: str, field: str) -> None:
    (folder / "model.yaml").write_text(MODEL.replace(written, instead))
    result = render(folder)
    assert result.exit_code == 2
    assert f"{field}: must not be empty\n" in result.stderr


def test_what_is_not_placed_is_code_3_and_a_sentence(folder: Path) -> None:
    (folder / "fleet.yaml").write_text(FLEET.replace("nodeCount: 2", "nodeCount: 1"))
    result = render(folder, "-o", "json")
    assert result.exit_code == 3
    assert result.stderr.startswith("ModelDeployment ml-team/qwen: 1 of 2 replicas placed")
    assert json.loads(result.stdout)


def test_what_cannot_be_reached_is_code_4(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = render(folder / "nowhere.yaml")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == f"{folder}/nowhere.yaml: cannot be read: No such file or directory\n"
    monkeypatch.setitem(sys.modules, "compose_model_deployment", None)
    result = render(folder)
    assert result.exit_code == 4
    assert result.stderr.startswith("The function compose-model-deployment of ModelDeployment cannot be loaded: ")


def test_loss_is_simulated(folder: Path) -> None:
    result = render(folder, "--not-ready", "ModelReplica/qwen-0")
    assert result.exit_code == 0
    assert "ModelReplica ml-team/qwen-0  NOT READY" in result.stdout
    assert "ModelReplica ml-team/qwen-1  READY" in result.stdout
    assert "ModelEndpoint ml-team/qwen-0" not in result.stdout
    assert render(folder, "--not-ready", "Deployment/nope").exit_code == 2


def test_changes_since_an_earlier_result_are_told(folder: Path, tmp_path: Path) -> None:
    before = str(tmp_path / "before")
    assert render(folder / "fleet.yaml", folder / "model.yaml", "--save", before).exit_code == 0
    (folder / "model.yaml").write_text(MODEL.replace("engine:v1", "engine:v2"))
    result = render(folder / "fleet.yaml", folder / "model.yaml", "--state", before)
    told = " ".join(result.stdout.split("\nChanges: ")[1].split())
    assert '"example.com/engine:v1" → "example.com/engine:v2"' in told
    assert "delete" not in told
    assert "create" not in told


def test_a_second_run_from_its_own_state_changes_nothing(folder: Path, tmp_path: Path) -> None:
    before = str(tmp_path / "before")
    first = render(folder / "fleet.yaml", folder / "model.yaml", "--save", before, "-o", "yaml")
    again = render(folder / "fleet.yaml", folder / "model.yaml", "--state", before, "-o", "yaml")
    assert first.stdout == again.stdout


def test_the_flat_list_is_an_earlier_result_too(folder: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    (before / "all.yaml").write_text(render(folder / "fleet.yaml", folder / "model.yaml", "-o", "yaml").stdout)
    result = render(folder / "fleet.yaml", folder / "model.yaml", "--state", before)
    assert "Changes: 0;" in result.stdout


def test_a_cluster_that_is_renamed_leaves_what_runs_on_it(folder: Path, tmp_path: Path) -> None:
    """The tenant's namespace outlives its Object, and the tenant's provider config is in use."""
    before = tmp_path / "before"
    render(folder / "fleet.yaml", folder / "model.yaml", "--save", before)
    (folder / "fleet.yaml").write_text(FLEET.replace("metadata: {name: west}", "metadata: {name: east}"))
    result = render(folder / "fleet.yaml", folder / "model.yaml", "--state", before)
    assert "Deployment mp-ml-team/qwen-0" in result.stdout
    deleted = [line.split(" on ")[0].strip() for line in result.stdout.splitlines() if "  delete " in line]
    assert {line.split()[1] for line in deleted} == {
        "InferenceCluster",
        "CapacityLedger",
        "ClusterUsage",
        "ConfigMap",
        "ClusterTenant",
        "ClusterProviderConfig",
        "ObservedObjectCollection",
    }
    (config,) = [line for line in deleted if "ClusterProviderConfig" in line]
    assert "ml-team" not in config


def test_text_that_steers_a_terminal_is_spelled_out(folder: Path) -> None:
    (folder / "model.yaml").write_text(MODEL.replace("name: qwen", r'name: "\e[31mred"'))
    result = render(folder)
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr


def test_help_shows_examples_one_per_line() -> None:
    text = render("--help").stdout
    assert "\n    modelplane render examples/01-standalone\n" in text
    assert "Exit codes: 0 fine, 2 invalid input, 3 something is not placed," in text


def test_context_alone_is_nothing_to_show(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    result: Any = render(tmp_path)
    assert (result.exit_code, result.stdout) == (0, "Nothing to show: no manifest is of a Modelplane kind.\n")


def test_the_tree_says_of_every_cluster_why_not(folder: Path) -> None:
    """A condition tells the first three and a status eight; nobody else would say it of the rest."""
    cluster = yaml.safe_load(FLEET.split("---")[1])
    names = [f"small-{n}" for n in range(12)]
    cluster["spec"]["nodePools"][0]["nodeCount"] = 0
    many = [{**cluster, "metadata": {"name": name}} for name in names]
    (folder / "many.yaml").write_text(yaml.safe_dump_all(many))
    (folder / "model.yaml").write_text(MODEL.replace("replicas: 2", "replicas: 9"))
    lines = render(folder).stdout.splitlines()
    told = lines[lines.index("└── clusters that take no further replica") :]
    assert [name for name in (*names, "west") if not any(f"── {name} needs 1 free" in line for line in told)] == []


def test_what_a_secret_holds_is_not_printed(tmp_path: Path) -> None:
    """An endpoint's credential is composed into a Secret, and stays out of a log of CI."""
    (tmp_path / "endpoint.yaml").write_text(
        """
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: default}
data: {apiKey: bm90LWEtcmVhbC1rZXk=}
---
apiVersion: modelplane.ai/v1alpha1
kind: ModelEndpoint
metadata: {name: provider, namespace: default}
spec: {url: "https://api.provider.example/v1", auth: {secretRef: {name: key}}}
"""
    )
    told = CliRunner().invoke(cli, ["render", str(tmp_path), "-o", "yaml"])
    assert told.exit_code == 0, told.output
    assert "name: provider-gateway-" in told.stdout
    assert "QmVhcmVyIG5vdC1hLXJlYWwta2V5" not in told.stdout
