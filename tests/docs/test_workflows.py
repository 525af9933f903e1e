"""The workflows: readable, least privilege, only verbs that exist; actionlint judges the rest."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from local import tools

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
VERBS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _steps(path):
    return [s for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values() for s in job["steps"]]


def test_all_three_are_there():
    assert [p.stem for p in WORKFLOWS] == ["ci", "e2e", "pr"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_a_workflow_may_only_read(path):
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_a_workflow_runs_verbs_of_the_makefile(path):
    asked = {verb for step in _steps(path) for verb in re.findall(r"\bmake ([a-z0-9-]+)", step.get("run", ""))}
    assert asked
    assert asked <= VERBS


@pytest.mark.e2e
def test_actionlint_finds_nothing():
    told = subprocess.run(
        [str(tools.path("actionlint")), "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout
