"""Every function serves itself: `python -m compose_…`, in plain text or with mutual TLS."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1
from kit import wire
from local import pki
from schemas import apis

PATIENCE = 30
NAMES = apis.function_names()
XR = {"apiVersion": "modelplane.ai/v1alpha1", "kind": "Strange", "metadata": {"name": "a"}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*command: str) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    arguments = [sys.executable, "-m", *command, "--address", address]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE)


def answer(channel: grpc.Channel) -> wire.Answer:
    grpc.channel_ready_future(channel).result(timeout=PATIENCE)
    stub = grpcv1.FunctionRunnerServiceStub(channel)
    return wire.answer(stub.RunFunction(wire.request(wire.Ask(xr=XR)), timeout=PATIENCE))


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_a_process_of_its_own(name: str) -> None:
    with serving(name.replace("-", "_"), "--insecure") as address, grpc.insecure_channel(address) as channel:
        assert "Strange" in answer(channel).results[0]["message"]


def test_one_process_serves_them_all_with_mutual_tls(tmp_path: Path) -> None:
    tls = pki.make(tmp_path).tls
    files = [(tls / f).read_bytes() for f in ("ca.crt", "tls.key", "tls.crt")]
    with serving("cli.main", "functions", "--tls-certs-dir", str(tls)) as address:
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(*files)) as channel:
            assert "Strange" in answer(channel).results[0]["message"]
        stranger = grpc.secure_channel(address, grpc.ssl_channel_credentials(files[0]))
        with stranger, pytest.raises(grpc.FutureTimeoutError):
            grpc.channel_ready_future(stranger).result(timeout=2)


def test_a_request_of_a_large_fleet_is_taken() -> None:
    """Crossplane sends any size; a thousand clusters are more than gRPC takes by default."""
    large = wire.request(wire.Ask(xr={**XR, "spec": {"text": "x" * 8_000_000}}))
    options = [("grpc.max_send_message_length", -1)]
    with (
        serving("compose_model_replica", "--insecure") as address,
        grpc.insecure_channel(address, options=options) as channel,
    ):
        grpc.channel_ready_future(channel).result(timeout=PATIENCE)
        answered = grpcv1.FunctionRunnerServiceStub(channel).RunFunction(large, timeout=PATIENCE)
    assert "Strange" in wire.answer(answered).results[0]["message"]


def test_without_certificates_a_function_does_not_start() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compose_model_replica", "--address", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode != 0
    assert "credentials" in done.stderr
    assert "Traceback" not in done.stderr
