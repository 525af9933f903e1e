"""Want the pool over a replica's pods, the picker behind it and the route to it; report what is ready."""

from __future__ import annotations

from typing import Any

from contract.picker import DEFAULT, Dialect, UnknownVersion, dialect_of
from kit import labels, names, remote, route
from kit.call import Call, Stop
from kit.remote import Target
from schemas import ModelRoute

from compose_model_route import picker
from compose_model_route.configuration import configuration
from compose_model_route.pool import READY_WHEN as POOL_READY_WHEN
from compose_model_route.pool import backend, pool

Manifest = dict[str, Any]

# Until then one sentence covers all that is being set up: each change of it is two writes here, two of the replica.
YOUTH_SECONDS = 15.0


def compose(call: Call[ModelRoute]) -> None:
    """Compose one route. A picker of an unknown version is refused, and what exists stays."""
    spec, namespace = call.xr.spec, names.tenant_namespace(call.namespace)
    dialect = _dialect(call)
    owned = {k: v for k, v in call.xr.metadata.labels.items() if k != labels.CLUSTER and k.startswith("modelplane.ai/")}
    target = Target(spec.clusterName, spec.providerConfigName, call.namespace, {labels.REPLICA: spec.replicaName})
    metadata = {"name": spec.replicaName, "namespace": namespace, "labels": owned}
    picker_name = names.child_name(spec.replicaName, "picker")
    service: Manifest = {**metadata, "name": picker_name}

    def want(key: str, manifest: Manifest, ready_when: str = "") -> None:
        call.want(key, target.apply(names.child_name(call.name, key), manifest, ready_when))

    config = configuration(spec, dialect)
    deployed = picker.deployment(service, spec.replicaName, spec.serving, dialect, config)
    want("picker", picker.as_it_runs(deployed, remote.wanted_of(call.seen("picker"))), remote.A_COPY_IS_READY)
    want("picker-service", picker.service(service))
    want("pool", pool(metadata, picker_name), POOL_READY_WHEN)
    want("route", route.route(metadata, spec.hostname, backend(spec.replicaName)), route.READY_WHEN)
    call.drop_rest()
    call.status(namespace=namespace)
    _report(call)


def _dialect(call: Call[ModelRoute]) -> Dialect:
    asked = call.xr.spec.serving.endpointPicker
    found = dialect_of(asked.image, asked.version) if asked else DEFAULT
    if isinstance(found, UnknownVersion):
        call.look_again(0)
        sentence = found.sentence[:1].upper() + found.sentence[1:]
        raise Stop("RoutingReady", "UnknownPicker", f"{sentence}; set spec.serving.endpointPicker.version.")
    return found


def _report(call: Call[ModelRoute]) -> None:
    waits = {
        "picker": "The endpoint picker is not ready",
        "pool": "The cluster's gateway has not taken the InferencePool",
        "route": "The cluster's gateway has not accepted the HTTPRoute",
    }
    missing = [key for key in waits if not call.is_ready(key)]
    if not missing:
        call.condition("RoutingReady", True, "Ready", "Picker, pool and route are ready.")
        return
    if not any(map(call.trouble, missing)):
        if call.age(call.xr.metadata.creationTimestamp) < YOUTH_SECONDS:
            call.look_again(YOUTH_SECONDS)
            call.condition("RoutingReady", False, "NotReady", "Picker, pool and route are being set up.")
            return
        if any(call.seen(key) and not call.has_said(key) for key in missing):
            return  # What it said last stands until they have said something.
    told = [waits[key] + (f": {call.trouble(key).rstrip('.')}" if call.trouble(key) else "") for key in missing]
    call.condition("RoutingReady", False, "NotReady", f"{'. '.join(told)}.")
