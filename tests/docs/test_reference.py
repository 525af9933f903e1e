"""The reference pages say what the code says."""

import importlib.util
from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def _generator():
    spec = importlib.util.spec_from_file_location("reference_generator", REFERENCE / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = _generator().pages()


def test_no_page_is_missing_or_left_over():
    assert {p.name for p in REFERENCE.glob("*.md")} == set(PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_generator_writes(name):
    """When it is not: python docs/reference/generate.py."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name]
