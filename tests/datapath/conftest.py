"""One control plane whose pods run, and composed manifests to break."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from local import tools
from local.testing import Plane, start

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane of our own, its pods run for real; gone when the tests are."""
    if os.geteuid() != 0:
        pytest.fail("tests/datapath makes network namespaces: run `make datapath` as root")
    os.environ["PATH"] = f"{tools.path('kubectl').parent}{os.pathsep}{os.environ['PATH']}"
    plane, cluster = start(tmp_path_factory.mktemp("plane") / "state", clusters=1, data_path=True)
    try:
        plane.kubectl("apply", "-f", str(ROOT / "examples/08-prefill-decode/fleet.yaml"))
        yield plane
    finally:
        cluster.down()
