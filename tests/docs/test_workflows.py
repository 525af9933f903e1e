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


def test_all_four_are_there():
    assert [p.stem for p in WORKFLOWS] == ["ci", "e2e", "pr", "release"]


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


def _checklist(text):
    command = [str(ROOT / ".ci" / "checklist")]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_a_checklist_with_every_box_ticked_passes():
    text = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    told = _checklist(text.replace("- [ ]", "- [x]").replace("\n", "\r\n"))
    assert told.returncode == 0, told.stderr


def test_an_open_box_or_a_deleted_one_is_named():
    text = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    assert "Not ticked, or gone: A test fails" in _checklist(text).stderr
    without = "\n".join(line for line in text.replace("- [ ]", "- [X]").splitlines() if "CONTRIBUTING" not in line)
    told = _checklist(without)
    assert told.returncode == 1
    assert told.stderr.splitlines() == ["Not ticked, or gone: I have read CONTRIBUTING.md"]


def test_a_commit_without_a_sign_off_is_named(tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        return subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)

    def check():
        command = [str(ROOT / ".ci" / "signed-off"), "base"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "before")
    git("branch", "base")
    git("commit", "--quiet", "--allow-empty", "--signoff", "-m", "signed")
    assert check().returncode == 0
    git("commit", "--quiet", "--allow-empty", "-m", "not signed")
    told = check()
    assert told.returncode == 1
    assert "not signed. Use git commit -s" in told.stderr
