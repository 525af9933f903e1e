"""One control plane whose pods run, and composed manifests to break."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import breaking
import pytest
import served
import services
from local.api import Api
from local.testing import Plane
from remote import Remote

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane of our own, its pods run for real behind Envoy alone; gone when the tests are."""
    # One node more for decode, so that one decode pod can go while another serves.
    fleet = (ROOT / "examples/08-prefill-decode/fleet.yaml").read_text()
    wider = fleet.replace("className: h200-node, nodeCount: 1", "className: h200-node, nodeCount: 2")
    assert wider != fleet
    with served.up(tmp_path_factory.mktemp("plane") / "state", "envoy-alone", wider) as plane:
        yield plane


@pytest.fixture(scope="session")
def manifests():
    """What the example becomes on its cluster."""
    return breaking.composed()


@pytest.fixture(scope="session")
def kube(plane):
    """The workload cluster, once its nodes have devices."""
    return served.geneva(plane, nodes=4)


@pytest.fixture(scope="session")
def remote(kube):
    api = Api.from_file(kube.kubeconfig, "modelplane-tests")
    yield Remote(api)
    api.close()


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane with a real gateway and no cluster; gone when the tests are."""
    with served.up(tmp_path_factory.mktemp("front") / "state", "gateways", services.GATEWAY, clusters=0) as plane:
        yield plane


@pytest.fixture(scope="module")
def url(plane):
    """Where services are published."""
    plane.wait("an address", lambda: services.gateway(plane).get("url") and services.ready(plane, "ig", "public"))
    return services.gateway(plane)["url"]


@pytest.fixture(scope="module")
def here(url):
    """This machine's address, as the gateway's Envoy reaches it."""
    return f"{url.removeprefix('http://').rpartition('.')[0]}.1"
