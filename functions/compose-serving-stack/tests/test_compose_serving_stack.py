from pathlib import Path

import pytest
from compose_serving_stack import function
from kit.testing import cases, check


@pytest.fixture(autouse=True)
def kinds(monkeypatch):
    """Small definitions instead of those that the build brings."""
    monkeypatch.setenv("MODELPLANE_KINDS", str(Path(__file__).with_name("kinds")))


@pytest.mark.parametrize("case", cases(__file__), ids=lambda path: path.stem)
def test_case(case: Path) -> None:
    """Each file in cases/ is one behaviour; its name says which."""
    check(case, function)
