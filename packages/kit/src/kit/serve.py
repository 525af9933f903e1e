"""The gRPC server around a function. Apart from `kit.function`, because gRPC takes long to import."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
from crossplane.function import cli as sdk
from crossplane.function import logging
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from crossplane.function.proto.v1 import run_function_pb2_grpc as grpcv1


class Runner(grpcv1.FunctionRunnerServiceServicer):  # type: ignore[misc]  # The SDK's stubs are untyped.
    """The gRPC side of a function."""

    def __init__(self, function: Callable[[fnv1.RunFunctionRequest], fnv1.RunFunctionResponse]) -> None:
        self._function = function
        self._log = logging.get_logger()

    async def RunFunction(  # noqa: N802  # gRPC requires this name.
        self, req: fnv1.RunFunctionRequest, _: Any
    ) -> fnv1.RunFunctionResponse:
        """Answer one request; with --debug, a line says whose it was."""
        began = time.perf_counter()
        rsp = self._function(req)
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        ttl = rsp.meta.ttl.ToMilliseconds() / 1000
        self._log.debug("composed", ms=milliseconds, ttl=ttl, **_identity(req))
        return rsp


def _identity(req: fnv1.RunFunctionRequest) -> dict[str, str]:
    xr = req.observed.composite.resource.fields
    metadata = xr["metadata"].struct_value.fields
    named = {name: metadata[name].string_value for name in ("namespace", "name")}
    return {"kind": xr["kind"].string_value, **named}


def command(function: Callable[[fnv1.RunFunctionRequest], fnv1.RunFunctionResponse]) -> click.Command:
    """The command that serves `function` over gRPC, with the SDK's standard options."""

    # A fleet of a thousand clusters is a request of 5 MB; the SDK takes 4 unless told otherwise.
    @click.command(context_settings={"default_map": {"max_recv_message_size": 64}})
    @sdk.standard_options  # type: ignore[untyped-decorator]  # As above.
    def serve(**options: Any) -> None:
        """Serve the function over gRPC: mTLS, or --insecure."""
        try:
            sdk.run(Runner(function), **options)
        except (ValueError, OSError, RuntimeError) as e:
            raise click.ClickException(str(e)) from None

    return serve
