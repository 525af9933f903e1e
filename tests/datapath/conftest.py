"""One control plane whose pods run, and composed manifests to break."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import breaking
import pytest
from local import tools
from local.api import Api
from local.testing import Plane, start
from remote import Remote

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane of our own, its pods run for real; gone when the tests are."""
    if os.geteuid() != 0:
        pytest.fail("tests/datapath makes network namespaces: run `make datapath` as root")
    os.environ["PATH"] = f"{tools.path('kubectl').parent}{os.pathsep}{os.environ['PATH']}"
    plane, cluster = start(tmp_path_factory.mktemp("plane") / "state", clusters=1, data_path="envoy-alone")
    try:
        # One node more for decode, so that one decode pod can go while another serves.
        fleet = (ROOT / "examples/08-prefill-decode/fleet.yaml").read_text()
        wider = fleet.replace("className: h200-node, nodeCount: 1", "className: h200-node, nodeCount: 2")
        assert wider != fleet
        plane.kubectl("apply", "-f", "-", stdin=wider)
        yield plane
    finally:
        cluster.down()


@pytest.fixture(scope="session")
def manifests():
    """What the example becomes on its cluster."""
    return breaking.composed()


@pytest.fixture(scope="session")
def kube(plane):
    """The workload cluster, once its nodes have devices."""
    plane.wait(
        "the cluster is declared", lambda: plane.kubectl.get("secret", "geneva-kubeconfig", "-n", "modelplane-system")
    )
    kube = plane.cluster("geneva")
    plane.wait("nodes with devices", lambda: len(kube.get("resourceslices")) == 4)
    return kube


@pytest.fixture(scope="session")
def remote(kube):
    api = Api.from_file(kube.kubeconfig, "modelplane-tests")
    yield Remote(api)
    api.close()
