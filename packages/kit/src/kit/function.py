"""From a `compose` to a function that Crossplane can call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from crossplane.function import resource, response
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from pydantic import ValidationError
from schemas.base import Model

from kit.call import Call, NotFetched, Stop
from kit.fields import Unreadable
from kit.objects import first_problem, group_version_kind
from kit.report import UNSETTLED_SECONDS

Compose = Callable[[Call[Any]], None]
_log = logging.getLogger(__name__)


class Function:
    """A composition function for one or more kinds, callable as request to response."""

    def __init__(self, compose: Compose, *models: type[Model]) -> None:
        self._compose = compose
        self._models = {group_version_kind(m)[1]: m for m in models}

    @property
    def kinds(self) -> list[str]:
        """The kinds of composite that it composes."""
        return sorted(self._models)

    def __call__(self, req: fnv1.RunFunctionRequest) -> fnv1.RunFunctionResponse:
        """Answer one request. Never raises: a bug keeps what exists and says so."""
        xr = resource.struct_to_dict(req.observed.composite.resource)
        kind = str(xr.get("kind", ""))
        model = self._models.get(kind)
        if model is None:
            return _not_ours(req, f"This function composes {', '.join(self.kinds)}, not {kind or 'nothing'}")
        try:
            call = Call(model.model_validate(xr), req)
        except ValidationError as e:
            return _invalid(req, model, e)
        return self._run(call)

    def _run(self, call: Call[Any]) -> fnv1.RunFunctionResponse:
        try:
            self._compose(call)
            return call.finish()
        except NotFetched:
            call.look_again(10)
            return call.finish(undecided=True)
        except Stop as stop:
            call.report.condition(stop.type, False, stop.reason, stop.message)
            return call.finish(undecided=True)
        except Unreadable as e:
            call.report.internal_error(f"{e}; correct it. Nothing was changed.")
            call.look_again(UNSETTLED_SECONDS)
            return call.finish(undecided=True)
        except Exception as e:  # noqa: BLE001  # A bug must not delete what runs.
            _log.exception("compose failed")
            return _bug(call, e)


def _bug(call: Call[Any], e: Exception) -> fnv1.RunFunctionResponse:
    what = " ".join(f"{type(e).__name__}: {e}".split())
    message = f"This is a bug in Modelplane, nothing was changed: {what}."
    if call.observed():
        call.report.fatal(message)
    call.report.internal_error(message)
    return call.finish(undecided=True)


def _invalid(req: fnv1.RunFunctionRequest, model: type[Model], e: ValidationError) -> fnv1.RunFunctionResponse:
    message = f"{first_problem(e)}; correct it. Nothing was changed."
    blank = model.model_construct(metadata=None)
    call: Call[Any] = Call(blank, req)
    call.report.invalid(message)
    return call.finish(undecided=True)


def _not_ours(req: fnv1.RunFunctionRequest, message: str) -> fnv1.RunFunctionResponse:
    rsp: fnv1.RunFunctionResponse = response.to(req)
    response.fatal(rsp, message)
    return rsp


class Router:
    """Several functions in one process: each request goes to the one that has its kind."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._by_kind = {kind: f for f in functions for kind in f.kinds}

    def __call__(self, req: fnv1.RunFunctionRequest) -> fnv1.RunFunctionResponse:
        """Answer one request by the function of its composite's kind."""
        kind = resource.struct_to_dict(req.observed.composite.resource).get("kind", "")
        function = self._by_kind.get(str(kind))
        if function is None:
            return _not_ours(req, f"No function here composes {kind or 'an object without a kind'}")
        return function(req)
