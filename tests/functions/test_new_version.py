"""A new version of Modelplane, with other defaults, restarts nothing: what was resolved stands on the replica."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli.render import command
from click.testing import CliRunner
from compose_model_deployment import serving
from contract import picker

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "08-prefill-decode")


def render(*options: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(command, [EXAMPLE, "-o", "json", *options])
    assert done.exit_code == 0, done.output
    rendered: list[dict[str, Any]] = json.loads(done.stdout)
    return rendered


@pytest.fixture
def another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions as a later release might have them."""
    later = replace(picker.DEFAULT, version="v0.10.9")
    monkeypatch.setattr(picker, "DEFAULT", later)
    monkeypatch.setitem(picker.DIALECTS, "v0.10", later)
    monkeypatch.setattr(serving, "ENGINE_BLOCK", 128)


def test_a_running_model_stays_as_it_is(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    saved = str(tmp_path / "before")
    before = render("--save", saved)
    request.getfixturevalue("another_version")
    assert "v0.10.9" in json.dumps(render()), "a new model has the new default"
    assert render("--state", saved) == before


def test_and_another_image_later_changes_the_image_only(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The defaults that the replica was created with outlive its changes, too."""
    saved, changed = str(tmp_path / "before"), tmp_path / "changed"
    before = render("--save", saved)
    request.getfixturevalue("another_version")
    changed.mkdir()
    for manifest in Path(EXAMPLE).glob("*.yaml"):
        text = manifest.read_text().replace("vllm-openai:v0.19.1", "vllm-openai:v0.20.0")
        (changed / manifest.name).write_text(text)
    done = CliRunner().invoke(command, [str(changed), "-o", "json", "--state", saved])
    after = json.loads(done.stdout)
    assert pods(after) == json.loads(json.dumps(pods(before)).replace("vllm-openai:v0.19.1", "vllm-openai:v0.20.0"))


def pods(rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pod templates of all workloads, the picker's included."""
    return [m["spec"]["template"] for m in rendered if m["kind"] == "Deployment"]
