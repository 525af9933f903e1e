"""How many random cases the properties of placing and of the ledger are tried with: `make soak` asks for all of them.

The rest of the tests draws few. A slow machine is no failure anywhere. Definitions that a build brings are stood in for.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# For each of the nine properties, so more than a hundred thousand together.
SOAK = 12_000
# What every run tries: five of a hundred.
SAMPLE = SOAK // 20
SOAKED = ("test_placing_properties.py", "test_books_properties.py")

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
os.environ["MODELPLANE_KINDS"] = str(Path(__file__).parent / "functions/compose-serving-stack/tests/kinds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the properties in SOAKED their number of cases."""
    cases = SOAK if os.environ.get("SOAK") else SAMPLE
    for item in items:
        if isinstance(item, pytest.Function) and Path(item.path).name in SOAKED:
            item.obj = settings(max_examples=cases, deadline=None)(item.obj)
