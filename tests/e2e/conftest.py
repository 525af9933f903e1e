"""One control plane with three workload clusters, shared by all tests here that do not kill it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import local
import pytest
from built import build
from local.testing import Plane, plane_of, start


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.Cluster]:
    """A control plane of our own, gone when the tests are."""
    _, cluster = start(tmp_path_factory.mktemp("plane") / "state", clusters=3)
    try:
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="session")
def plane(processes: local.Cluster) -> Plane:
    """The same as tests speak to it."""
    return plane_of(processes)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of this checkout."""
    folder = tmp_path_factory.mktemp("packages")
    build(folder)
    return folder
