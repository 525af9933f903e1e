"""The picker's configuration as it is composed, given to the real picker of its version beside a real API server.

v0.7 is built here (tools/endpoint-picker). Other versions cannot be had from the Go proxy: give the path of a
binary in MODELPLANE_PICKER_V0_8, …_V0_9, …_V0_10 or …_V0_11, and write what was seen to docs/explanation/pickers.md.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from compose_model_route import picker
from compose_model_route.configuration import DECIDERS, of_dialect
from compose_model_route.pool import pool
from contract.picker import DIALECTS, Dialect, block_size
from local import ports, tools
from local.testing import Kubectl, Plane
from schemas.modelroute import Serving

pytestmark = pytest.mark.e2e

OWN = "v0.7"
SERVING = b"\x08\x01"
READINESS = b"\n\x09readiness"
NAMESPACE = "default"
POOL = {"name": "picked", "namespace": NAMESPACE, "labels": {"modelplane.ai/workload": "picked"}}


def binary(version: str) -> Path:
    if version == OWN:
        return tools.path("endpoint-picker")
    variable = f"MODELPLANE_PICKER_{version.upper().replace('.', '_')}"
    given = os.environ.get(variable)
    if not given:
        pytest.skip(f"{variable} gives no picker {version}")
    return Path(given)


@pytest.fixture(scope="module")
def cluster(plane: Plane) -> Iterator[Kubectl]:
    """A workload cluster with a pool that the picker may watch."""
    kubectl = plane.workload(1)
    kubectl("apply", "-f", "-", stdin=json.dumps(pool(POOL, "picker")))
    yield kubectl
    kubectl("delete", "inferencepool", "picked", "-n", NAMESPACE)


def arguments(dialect: Dialect, config: dict[str, object], free: list[int]) -> list[str]:
    """The arguments of the composed Deployment, with ports that are free on this machine."""
    deployment = picker.deployment(POOL, "picked", Serving(mode="PrefillDecode"), dialect, json.dumps(config))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    numbers = (picker.PICKER_PORT, picker.HEALTH_PORT, picker.METRICS_PORT)
    args = container["args"]
    for number, other in zip(numbers, free, strict=True):
        args = [arg.replace(f"port={number}", f"port={other}") for arg in args]
    return [*args, "--v=1"]


@contextmanager
def started(path: Path, args: list[str], kubeconfig: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        env = {**os.environ, "KUBECONFIG": str(kubeconfig), "NAMESPACE": NAMESPACE, "POD_NAME": "picker"}
        process = subprocess.Popen([str(path), *args], stdout=output, stderr=output, env=env)
        try:
            yield process
        finally:
            process.kill()  # Asked to end, v0.10 drains for half a minute.
            process.wait()


def is_serving(port: int) -> bool:
    """What a kubelet would hear from the readiness probe that is composed."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            return channel.unary_unary("/grpc.health.v1.Health/Check")(READINESS, timeout=2) == SERVING
        except grpc.RpcError:
            return False


def free_ports() -> list[int]:
    assigned = ports.assign(["grpc", "health", "metrics"], {}, set())
    return [assigned[name] for name in ("grpc", "health", "metrics")]


@pytest.mark.parametrize("decider", DECIDERS)
@pytest.mark.parametrize("version", DIALECTS)
def test_a_picker_takes_what_is_composed_for_its_version(
    version: str, decider: str, plane: Plane, cluster: Kubectl, tmp_path: Path
) -> None:
    dialect, free = DIALECTS[version], free_ports()
    path = binary(version)
    args = arguments(dialect, of_dialect(dialect, block_size(dialect, 16), decider=decider), free)
    log = tmp_path / "picker.log"
    with started(path, args, cluster.kubeconfig, log) as process:
        plane.wait("the picker is ready or has ended", lambda: process.poll() is not None or is_serving(free[1]), 90)
        assert process.poll() is None, log.read_text()[-2000:]


def test_a_picker_does_not_take_what_is_composed_for_another_version(
    plane: Plane, cluster: Kubectl, tmp_path: Path
) -> None:
    """Or the test above would prove nothing."""
    free = free_ports()
    args = arguments(DIALECTS[OWN], of_dialect(DIALECTS["v0.8"], 16), free)
    log = tmp_path / "picker.log"
    with started(binary(OWN), args, cluster.kubeconfig, log) as process:
        plane.wait("the picker has ended", lambda: process.poll() is not None, 90)
    assert "approx-prefix-cache-producer" in log.read_text()
