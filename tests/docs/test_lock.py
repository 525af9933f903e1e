"""No object of any example names an image that the lock of that example does not."""

import functools
import json
from pathlib import Path

import pytest
import yaml
from cli.main import cli
from click.testing import CliRunner
from compose_model_cache import children
from contract import picker

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(p for p in (ROOT / "examples").iterdir() if p.is_dir())
PLACED_OR_NOT = (0, 3)


def _run(*arguments):
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code in PLACED_OR_NOT, told.output
    return told.stdout


@functools.cache
def _on_clusters(example):
    return _images(json.loads(_run("render", str(example), "-o", "json", "--only", "remote")))


def _images(value):
    """Whatever is called `image`, at any depth, also in manifests within manifests."""
    if isinstance(value, dict):
        return {v for k, v in value.items() if k == "image" and isinstance(v, str)}.union(*map(_images, value.values()))
    return set().union(*map(_images, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_image_of_an_example_is_in_its_lock(example):
    locked = yaml.safe_load(_run("lock", str(example)))
    assert {row["image"] for row in locked["images"]} == _on_clusters(example)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_what_nobody_wrote_are_the_pinned_picker_and_sidecar_and_what_fills_volumes(example):
    written = set().union(*(_images(list(yaml.safe_load_all(p.read_text()))) for p in example.glob("*.yaml")))
    default = picker.dialect_of()
    assert _on_clusters(example) - written <= {default.picker_image, default.sidecar_image, children.IMAGE}
