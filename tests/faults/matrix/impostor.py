"""`python impostor.py HOW PORT CERTIFICATES`: a server where Crossplane expects our functions, which is none of them."""

from __future__ import annotations

import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from kit.function import Function
from schemas import (
    CapacityLedger,
    ClusterTenant,
    InferenceClass,
    InferenceCluster,
    ModelDeployment,
    ModelEndpoint,
    ModelReplica,
    ModelRoute,
)

EVERY_KIND = (
    CapacityLedger, ClusterTenant, InferenceClass, InferenceCluster, ModelDeployment, ModelEndpoint, ModelReplica,
    ModelRoute,
)  # fmt: skip


def hang(_request: bytes, context: grpc.ServicerContext) -> bytes:
    """Says nothing until the caller gives up."""
    given_up = threading.Event()
    context.add_callback(given_up.set)
    given_up.wait()
    return b""


def throw(_request: bytes, context: grpc.ServicerContext) -> bytes:
    """Fails before there is an answer."""
    context.abort(grpc.StatusCode.INTERNAL, "the function has crashed")
    return b""


def garbage(_request: bytes, _context: grpc.ServicerContext) -> bytes:
    """Answers bytes that are no message."""
    return b"\xff\xfe\xfd not a message"


def _stumble(_call: object) -> None:
    raise IndexError("list index out of range")


def bug(request: bytes, _context: grpc.ServicerContext) -> bytes:
    """One of our functions, with a mistake in it."""
    asked = fnv1.RunFunctionRequest.FromString(request)
    return bytes(Function(_stumble, *EVERY_KIND)(asked).SerializeToString())


HOW = {each.__name__: each for each in (hang, throw, garbage, bug)}


def serve(how: str, port: int, certificates: Path) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(64))
    answer = grpc.unary_unary_rpc_method_handler(HOW[how])
    method = {"RunFunction": answer}
    for version in ("v1", "v1beta1"):
        service = f"apiextensions.fn.proto.{version}.FunctionRunnerService"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, method),))
    key, chain, authority = ((certificates / f).read_bytes() for f in ("tls.key", "tls.crt", "ca.crt"))
    credentials = grpc.ssl_server_credentials([(key, chain)], authority, require_client_auth=True)
    server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
