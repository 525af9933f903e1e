"""Every example is explained, and renders to what its want.yaml says. UPDATE=1 rewrites the files."""

import functools
import os
import re
from pathlib import Path

import pytest
from cli.main import cli
from click.testing import CliRunner

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# A folder below the manifests, since kubectl apply -f takes every YAML file that is beside them.
WANT = Path("rendered", "want.yaml")
FOLDERS = sorted(p for p in EXAMPLES.iterdir() if p.is_dir())


@functools.cache
def _rendered(folder):
    return CliRunner().invoke(cli, ["render", str(folder), "-o", "yaml"])


def test_examples_are_numbered_without_gaps():
    assert [p.name[:2] for p in FOLDERS] == [f"{n:02}" for n in range(1, len(FOLDERS) + 1)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_an_example_renders_to_what_it_wants(folder):
    told = _rendered(folder)
    if os.environ.get("UPDATE"):
        (folder / WANT).parent.mkdir(exist_ok=True)
        (folder / WANT).write_text(told.stdout, encoding="utf-8")
    assert (folder / WANT).read_text(encoding="utf-8") == told.stdout


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_the_readme_of_an_example_says_its_command_and_exit_code(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert f"modelplane render examples/{folder.name}\n" in text
    assert re.findall(r"exit code is (\d)", text) == [str(_rendered(folder).exit_code)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_kubectl_takes_nothing_but_manifests_from_the_folder(folder):
    beside = {p.name for p in folder.iterdir() if p.suffix in (".yaml", ".yml", ".json")}
    assert "want.yaml" not in beside
    assert "fleet.yaml" in beside
