"""`modelplane check`: what is printed, where, and with which exit code."""

import json

import pytest
from cli.main import cli
from click.testing import CliRunner, Result

MODEL = """\
# The first line.
apiVersion: modelplane.ai/v1alpha1
kind: ModelDeployment
metadata: {name: qwen, namespace: ml-team, annotations: {modelplane.ai/contract-ignore: "IGNORED"}}
spec:
  engines:
  - name: main
    members:
    - nodeSelector: {devices: [{name: gpu, count: 2, selectors: [{cel: 'device.driver == "gpu.nvidia.com"'}]}]}
      template:
        spec:
          containers:
          - name: engine
            image: vllm/vllm-openai:v0.19.1
            args:
            - --model=Qwen/Qwen3-8B
            - --tensor-parallel-size=TENSOR
            - --port=PORT
"""


def check(*args: str, ignored: str = "", tensor: int = 2, port: int = 8000) -> Result:
    model = MODEL.replace("IGNORED", ignored).replace("TENSOR", str(tensor)).replace("PORT", str(port))
    result = CliRunner().invoke(cli, ["check", "-", *args], input=model)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_nothing_wrong_is_one_line() -> None:
    result = check()
    assert (result.exit_code, result.stdout) == (0, "1 deployment checked: 0 errors, 0 warnings\n")


def test_an_error_names_the_line_the_field_and_the_fix() -> None:
    result = check(port=9000)
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines() == [
        "ModelDeployment ml-team/qwen",
        "  error     engine-port  <stdin>:18  spec.engines[0].members[0].template.spec.containers[0].args[2]",
        "            Engine main listens on port 9000; requests and probes go to 8000",
        "            fix: add --port 8000 to the engine's arguments",
        "",
        "1 deployment checked: 1 error, 0 warnings",
    ]


def test_warnings_do_not_fail() -> None:
    result = check(tensor=1)
    assert result.exit_code == 0
    assert "warning   gpus-idle  <stdin>:9 " in result.stdout
    assert result.stdout.endswith("0 errors, 1 warning\n")


def test_what_is_silenced_is_shown_and_does_not_fail() -> None:
    result = check(port=9000, ignored="engine-port")
    assert result.exit_code == 0
    assert "  silenced  engine-port" in result.stdout
    assert result.stdout.endswith("0 errors, 0 warnings, 1 silenced\n")


def test_silencing_what_is_no_rule_is_told() -> None:
    assert "The annotation silences engineport, which is no rule" in check(ignored="engineport").stdout


def test_json_holds_all_of_it() -> None:
    result = check("-o", "json", port=9000, tensor=1, ignored="gpus-idle")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["checked"], told["errors"], told["warnings"]) == (1, 1, 1, 0)
    assert [(f["id"], f["severity"], f["silenced"], f["line"]) for f in told["findings"]] == [
        ("engine-port", "error", False, 18),
        ("gpus-idle", "warning", True, 9),
    ]


def test_what_a_control_plane_would_refuse_is_told_first() -> None:
    result = CliRunner().invoke(cli, ["check", "-"], input=MODEL.replace("name: main", "name: Main"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("<stdin>:7: spec.engines[0].name: A name here is a DNS label")
    assert result.stderr.endswith("1 error; nothing was checked.\n")


@pytest.mark.parametrize(("stdin", "code"), [("", 0), ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", 0)])
def test_no_deployment_at_all_is_said(stdin: str, code: int) -> None:
    result = CliRunner().invoke(cli, ["check", "-"], input=stdin)
    assert (result.exit_code, "nothing was checked" in result.stdout + result.stderr) == (code, True)


def test_a_path_that_cannot_be_read() -> None:
    result = CliRunner().invoke(cli, ["check", "no/such/file.yaml"])
    assert (result.exit_code, result.stdout) == (4, "")


def test_a_name_is_not_a_constraint_on_a_folder(tmp_path) -> None:
    """Folders of examples hold the same name twice; each is checked alone."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "qwen.yaml").write_text(
            MODEL.replace("TENSOR", "2").replace("PORT", "8000").replace("IGNORED", "")
        )
    result = CliRunner().invoke(cli, ["check", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "2 deployments checked: 0 errors, 0 warnings\n")


def test_a_version_that_nobody_ran_is_a_warning_wherever_it_is_named() -> None:
    node = "{apiVersion: v1, kind: Node, metadata: {name: gpu-1}, status: {nodeInfo: {kubeletVersion: v1.20.1}}}"
    result = CliRunner().invoke(cli, ["check", "-"], input=node)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:3] == [
        "Node gpu-1",
        "  warning   untested-version  <stdin>:1  status.nodeInfo.kubeletVersion",
        "            Kubernetes v1.20.1 was not run with this version of Modelplane",
    ]
    assert result.stdout.endswith("0 deployments checked: 0 errors, 1 warning\n")
    (found,) = json.loads(CliRunner().invoke(cli, ["check", "-", "-o", "json"], input=node).stdout)["findings"]
    assert (found["kind"], found["name"], found["id"]) == ("Node", "gpu-1", "untested-version")


def test_silencing_it_is_no_typo() -> None:
    assert "which is no rule" not in check(ignored="untested-version").stdout


DRIVER = 'device.driver == "gpu.nvidia.com"'
MEMORY = 'device.capacity["gpu.nvidia.com"].memory'


@pytest.mark.parametrize(
    ("expression", "told", "code"),
    [
        pytest.param('device.driver = "x"', ["error     selector-invalid", "write == to compare"], 1, id="no-cel"),
        pytest.param(f"{MEMORY} > 80", ["error     selector-invalid", "compared by compareTo()"], 1, id="operator"),
        pytest.param(
            f'{MEMORY}.compareTo(quantity("40GB")) >= 0',
            ["warning   selector-value", '"40GB" is no quantity', "fix: correct the value"],
            0,
            id="no-quantity",
        ),
        pytest.param(
            f'{MEMORY}.compareTo(quantity("40")) >= 0',
            ["warning   selector-value", 'quantity("40") is 40 bytes', 'fix: write a unit, such as quantity("40Gi")'],
            0,
            id="no-unit",
        ),
    ],
)
def test_a_selector_that_cannot_work_is_found_without_a_fleet(expression, told, code) -> None:
    model = MODEL.replace("TENSOR", "2").replace("PORT", "8000").replace("IGNORED", "")
    result = CliRunner().invoke(cli, ["check", "-"], input=model.replace(DRIVER, expression))
    assert result.exit_code == code
    assert "<stdin>:9  spec.engines[0].members[0].nodeSelector.devices[0].selectors[0].cel" in result.stdout
    assert [part for part in told if part not in result.stdout] == []


def test_a_class_that_cannot_be_read_is_an_error() -> None:
    device = "{name: gpu, driver: d.io, deviceClassName: d, attributes: {v: {version: '580'}}}"
    text = f"apiVersion: modelplane.ai/v1alpha1\nkind: InferenceClass\nmetadata: {{name: a}}\nspec: {{devices: [{device}]}}\n"
    result = CliRunner().invoke(cli, ["check", "-"], input=text)
    assert result.exit_code == 1
    assert "class-invalid" in result.stdout
    assert 'devices.gpu.attributes.v.version: "580" is no semantic version' in result.stdout


@pytest.mark.parametrize(
    "engines", ["{main: {}}", "[{name: m, members: [{nodeSelector: {devices: [{selectors: [x]}]}}]}]"]
)
def test_what_is_no_deployment_is_refused_and_not_read_further(engines) -> None:
    head = "apiVersion: modelplane.ai/v1alpha1\nkind: ModelDeployment\nmetadata: {name: a}\n"
    result = CliRunner().invoke(cli, ["check", "-"], input=f"{head}spec: {{engines: {engines}}}\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing was checked" in result.stderr
