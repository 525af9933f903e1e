"""demo/prefill-decode says what is so: its manifests, its trace, and the statistics in its README. UPDATE=1 rewrites the render."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from cli.main import cli
from click.testing import CliRunner

DEMO = Path(__file__).resolve().parents[2] / "demo/prefill-decode"
MANIFESTS, WANT = DEMO / "manifests", DEMO / "rendered/want.yaml"


def told(*words):
    result = CliRunner().invoke(cli, [*map(str, words)])
    return result.exit_code, result.stdout


def test_its_manifests_fit_together_and_render_to_what_is_wanted():
    assert told("check", MANIFESTS)[0] == 0
    code, text = told("render", MANIFESTS, "-o", "yaml")
    assert code == 0
    if os.environ.get("UPDATE"):
        WANT.parent.mkdir(exist_ok=True)
        WANT.write_text(text, encoding="utf-8")
    assert WANT.read_text(encoding="utf-8") == text


def test_both_deployments_cost_the_same_and_one_address_selects_both():
    found = {
        m["metadata"]["name"] + m["kind"]: m
        for f in MANIFESTS.glob("*.yaml")
        for m in yaml.safe_load_all(f.read_text())
    }
    old, new = found["qwenModelDeployment"], found["qwen-pdModelDeployment"]
    gpus = [sum(e.get("copies", 1) for e in d["spec"]["engines"]) for d in (old, new)]
    assert gpus[0] == gpus[1]
    old_group, new_group = found["qwenModelService"]["spec"]["endpoints"]
    assert (old_group["weight"], new_group["weight"]) == (old["spec"]["replicas"], 0)
    for group, deployment in ((old_group, old), (new_group, new)):
        assert group["selector"]["matchLabels"].items() <= deployment["metadata"]["labels"].items()
    assert old["metadata"]["labels"]["model"] == new["metadata"]["labels"]["model"]


def test_its_trace_is_what_its_readme_says(tmp_path):
    made = tmp_path / "made.jsonl"
    code, text = told("trace", made, "--generate", 1)
    assert code == 0
    assert made.read_text() == (DEMO / "replay-trace.jsonl").read_text()
    assert text in (DEMO / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--help",), 0, "run.sh [--local] [--keep] VERB..."),
        ((), 2, "VERB"),
        (("prove", "later"), 2, "later: no such verb or option"),
    ],
)
def test_its_script_says_how_it_is_used(words, code, sentence):
    done = subprocess.run([str(DEMO / "run.sh"), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, sentence in done.stdout + done.stderr) == (code, True)


def test_its_script_is_short():
    assert len((DEMO / "run.sh").read_text().splitlines()) < 150
