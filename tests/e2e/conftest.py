"""One control plane with three workload clusters, shared by all tests here that do not kill it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from local.testing import Plane, start


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane of our own, gone when the tests are."""
    plane, cluster = start(tmp_path_factory.mktemp("plane") / "state", clusters=3)
    try:
        yield plane
    finally:
        cluster.down()
