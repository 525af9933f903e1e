"""One function call as plain values: what goes in, what comes out.

The offline control plane, the test cases and the command line speak to functions
through this module, so protobuf stays inside the kit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossplane.function import resource
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

Manifest = dict[str, Any]
RunFunction = Callable[[fnv1.RunFunctionRequest], fnv1.RunFunctionResponse]

_STATUS = {
    fnv1.STATUS_CONDITION_TRUE: "True",
    fnv1.STATUS_CONDITION_FALSE: "False",
    fnv1.STATUS_CONDITION_UNKNOWN: "Unknown",
}
_SEVERITY = {
    fnv1.SEVERITY_FATAL: "Fatal",
    fnv1.SEVERITY_WARNING: "Warning",
    fnv1.SEVERITY_NORMAL: "Normal",
}
_READY = {fnv1.READY_TRUE: True, fnv1.READY_FALSE: False}


@dataclass(frozen=True)
class Ask:
    """What Crossplane tells a function. `found` lacks a key until that requirement was fetched."""

    xr: Manifest
    observed: Mapping[str, Manifest] = field(default_factory=dict)
    found: Mapping[str, list[Manifest]] = field(default_factory=dict)
    context: Manifest = field(default_factory=dict)


@dataclass(frozen=True)
class Selector:
    """One requirement: by name, by labels, or (neither) all of a kind."""

    api_version: str
    kind: str
    name: str | None = None
    labels: Mapping[str, str] | None = None
    namespace: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a function answers. Conditions and results have their Kubernetes spelling."""

    status: Manifest
    ready: bool | None
    desired: dict[str, Manifest]
    desired_ready: dict[str, bool | None]
    conditions: list[dict[str, str]]
    results: list[dict[str, str]]
    requirements: dict[str, Selector]
    ttl_seconds: float
    context: Manifest
    only_if: str = ""
    """The composite's resourceVersion without which its status is not written; empty for any."""

    @property
    def fatal(self) -> bool:
        """Crossplane ignores the desired state of a fatal answer and keeps what exists."""
        return any(r["severity"] == "Fatal" for r in self.results)


def request(ask: Ask) -> fnv1.RunFunctionRequest:
    """The request that Crossplane would send for `ask`."""
    req = fnv1.RunFunctionRequest()
    resource.update(req.observed.composite, ask.xr)
    for key, manifest in ask.observed.items():
        resource.update(req.observed.resources[key], manifest)
    for key, items in ask.found.items():
        found = req.required_resources[key]
        for manifest in items:
            resource.update(found.items.add(), manifest)
    if ask.context:
        req.context.update(ask.context)
    return req


def answer(rsp: fnv1.RunFunctionResponse) -> Answer:
    """`rsp` as plain values; numbers that are whole come back as int."""
    composite = _plain(resource.struct_to_dict(rsp.desired.composite.resource))
    desired = rsp.desired.resources
    return Answer(
        status=composite.get("status", {}),
        ready=_READY.get(rsp.desired.composite.ready),
        desired={k: _plain(resource.struct_to_dict(desired[k].resource)) for k in sorted(desired)},
        desired_ready={k: _READY.get(desired[k].ready) for k in sorted(desired)},
        conditions=[_condition(c) for c in rsp.conditions],
        results=[{"severity": _SEVERITY[r.severity], "message": r.message} for r in rsp.results],
        requirements={k: _selector(rsp.requirements.resources[k]) for k in sorted(rsp.requirements.resources)},
        ttl_seconds=rsp.meta.ttl.ToTimedelta().total_seconds(),
        context=_plain(resource.struct_to_dict(rsp.context)),
        only_if=composite.get("metadata", {}).get("resourceVersion", ""),
    )


def run(function: RunFunction, ask: Ask) -> Answer:
    """Call `function` once, as Crossplane would."""
    return answer(function(request(ask)))


def _condition(c: fnv1.Condition) -> dict[str, str]:
    return {"type": c.type, "status": _STATUS[c.status], "reason": c.reason, "message": c.message}


def _selector(s: fnv1.ResourceSelector) -> Selector:
    by = s.WhichOneof("match")
    return Selector(
        api_version=s.api_version,
        kind=s.kind,
        name=s.match_name if by == "match_name" else None,
        labels=dict(s.match_labels.labels) if by == "match_labels" else None,
        namespace=s.namespace if s.HasField("namespace") else None,
    )


def _plain(value: Any) -> Any:
    """`value` with the floats that a protobuf Struct made of whole numbers as int again."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
