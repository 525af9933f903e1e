"""The addresses of a deployment: one ModelEndpoint for each replica that serves."""

from __future__ import annotations

from typing import Any

from contract.flags import parse
from kit import labels
from kit.call import Call
from schemas import ModelDeployment

from compose_model_deployment.replicas import Existing, endpoint_key, endpoint_keys

Manifest = dict[str, Any]


def want_endpoints(call: Call[ModelDeployment], replicas: list[Existing], withdrawn: frozenset[int]) -> None:
    """Publish what serves, withdraw what does not or is gone; what has not said either stays as it is."""
    kept = {endpoint_key(existing.ordinal) for existing in replicas}
    for key in endpoint_keys(call):
        if key not in kept:
            call.drop(key)
    for existing in replicas:
        endpoint = existing.replica.status.endpoint if existing.replica.status else None
        if existing.ordinal in withdrawn or existing.serves is False:
            call.drop(endpoint_key(existing.ordinal))
        elif existing.serves and endpoint:
            manifest = _endpoint(call, existing, endpoint.manifest())
            call.want(endpoint_key(existing.ordinal), manifest)


def _endpoint(call: Call[ModelDeployment], existing: Existing, spec: Manifest) -> Manifest:
    theirs = {k: v for k, v in call.xr.metadata.labels.items() if not k.startswith("crossplane.io/")}
    told = ((call.seen(endpoint_key(existing.ordinal)) or {}).get("spec") or {}).get("copies", 0)
    own = {"copies": _copies(existing, int(told)), **({"models": models} if (models := _models(existing)) else {})}
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelEndpoint",
        "metadata": {
            "name": existing.name,
            "namespace": call.namespace,
            "labels": {
                **theirs,
                labels.DEPLOYMENT: call.name,
                labels.REPLICA: existing.name,
                labels.CLUSTER: existing.cluster,
            },
        },
        "spec": {**spec, **own},
    }


def _copies(existing: Existing, told: int) -> int:
    """How many copies answer: a ModelService sends requests in proportion. `told` is what the endpoint says now."""
    answering = {e.name for e in existing.replica.spec.engines if e.phase != "Prefill"}
    engines = [e for e in existing.replica.status.engines if e.name in answering]
    ready, desired = sum(e.ready or 0 for e in engines), sum(e.desired or 0 for e in engines)
    return max(counted(ready, desired, told), 1)


def counted(ready: int, desired: int, told: int) -> int:
    """What is told of copies that come up one by one: each change of an endpoint costs its deployment's circuit six tokens."""
    news = ready == desired or ready < told or ready >= 2 * told
    return ready if news else told


def _models(existing: Existing) -> list[str]:
    """What the engines that answer are asked for by; none where one does not tell."""
    names: set[str] = set()
    for engine in existing.replica.spec.engines:
        if engine.phase == "Prefill":
            continue
        container = engine.members[0].template.manifest()["spec"]["containers"][0]
        flags = parse(container.get("command"), container.get("args"), container.get("env"), container.get("image", ""))
        served = flags.served
        if served is None:
            return []
        names |= set(served)
    return sorted(names)
