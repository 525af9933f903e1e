"""The stage that all faults are played on, one after another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matrix.stage import Stage, running


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A fleet that serves, on a control plane of its own."""
    with running(tmp_path_factory.mktemp("faults") / "state") as stage:
        yield stage
