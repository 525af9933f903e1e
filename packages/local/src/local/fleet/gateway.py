"""The part of a gateway controller that others wait for: an address, routes and pools that are accepted.

Nothing here carries a request; with `up --data-path` Envoy does, at the address that is told here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from local.api import Kind
from local.install import SYSTEM_NAMESPACE

Manifest = dict[str, Any]
_API = "gateway.networking.k8s.io/v1"
GATEWAY = Kind(_API, "Gateway")
GATEWAY_CLASS = Kind(_API, "GatewayClass")
ROUTE = Kind(_API, "HTTPRoute")
POOL = Kind("inference.networking.k8s.io/v1", "InferencePool")
GATEWAY_NAME = "inference-gateway"
_CONTROLLER = "modelplane.ai/local-fleet"
# Installed by its chart on a bare cluster, where its pods are played too.
_ENVOY_GATEWAY = "gateway.envoyproxy.io/gatewayclass-controller"
_CLASS = "modelplane-local"
_ABOUT = (
    "Played by `modelplane up`: it has an address and accepts routes, and no request is carried without --data-path."
)


def manifests() -> list[Manifest]:
    """The GatewayClass and the Gateway of a workload cluster."""
    annotations = {"modelplane.ai/description": _ABOUT}
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    return [
        {
            "apiVersion": _API,
            "kind": "GatewayClass",
            "metadata": {"name": _CLASS},
            "spec": {
                "controllerName": _CONTROLLER,
                "description": "Played by `modelplane up`: no gateway runs without --data-path",
            },
        },
        {
            "apiVersion": _API,
            "kind": "Gateway",
            "metadata": {"name": GATEWAY_NAME, "namespace": SYSTEM_NAMESPACE, "annotations": annotations},
            "spec": {"gatewayClassName": _CLASS, "listeners": [listener]},
        },
    ]


def is_ours(gateway_class: Manifest) -> bool:
    """Whether we play the controller of this GatewayClass."""
    return gateway_class["spec"].get("controllerName") in (_CONTROLLER, _ENVOY_GATEWAY)


def class_status(gateway_class: Manifest) -> Manifest | None:
    """The status that the GatewayClass should have; None when it has it."""
    wanted = [_condition("Accepted", "Accepted", gateway_class)]
    return _status(gateway_class, {"conditions": wanted})


def gateway_status(gateway: Manifest, owner: str, address: str = "") -> Manifest | None:
    """The status that the Gateway of InferenceCluster `owner` should have; None when it has it."""
    named = {"type": "IPAddress", "value": address} if address else {"type": "Hostname", "value": f"{owner}.example"}
    addresses = [named] if owner else []
    conditions = [
        _condition("Accepted", "Accepted", gateway),
        _condition("Programmed", "Programmed", gateway, bool(owner)),
    ]
    return _status(gateway, {"addresses": addresses, "conditions": conditions})


def route_status(route: Manifest, backends: Iterable[tuple[str, str, str]]) -> Manifest | None:
    """The status that an HTTPRoute on our Gateway should have; None when it has it or is not on it.

    `backends` are the kind, namespace and name of what exists.
    """
    missing = sorted(f"{kind} {name}" for kind, _, name in set(_backends(route)) - set(backends))
    resolved = _condition("ResolvedRefs", "BackendNotFound" if missing else "ResolvedRefs", route, not missing)
    if missing:
        resolved["message"] = f"No {', '.join(missing)}"
    namespace = route["metadata"]["namespace"]
    parents = [
        {
            "parentRef": parent,
            "controllerName": _CONTROLLER,
            "conditions": [_condition("Accepted", "Accepted", route), resolved],
        }
        for parent in route["spec"].get("parentRefs") or []
        if parent.get("name") == GATEWAY_NAME and parent.get("namespace", namespace) == SYSTEM_NAMESPACE
    ]
    return _status(route, {"parents": parents}) if parents else None


def pool_status(pool: Manifest, routes: Iterable[Manifest], services: Iterable[tuple[str, str]]) -> Manifest | None:
    """The status that an InferencePool behind a route of ours should have: as a controller's, it says little."""
    namespace, name = pool["metadata"]["namespace"], pool["metadata"]["name"]
    if not any(("InferencePool", namespace, name) in _backends(route) for route in routes):
        return None
    picker = pool["spec"]["endpointPickerRef"]["name"]
    resolved = _condition("ResolvedRefs", "ResolvedRefs", pool)
    if (namespace, picker) not in set(services):
        resolved = _condition("ResolvedRefs", "InvalidExtensionRef", pool, met=False)
        resolved["message"] = f"No Service {picker}"
    parent = {"group": _API.partition("/")[0], "kind": "Gateway", "namespace": SYSTEM_NAMESPACE, "name": GATEWAY_NAME}
    conditions = [_condition("Accepted", "Accepted", pool), resolved]
    return _status(pool, {"parents": [{"parentRef": parent, "conditions": conditions}]})


def _backends(route: Manifest) -> Iterable[tuple[str, str, str]]:
    for rule in route["spec"].get("rules") or []:
        for backend in rule.get("backendRefs") or []:
            namespace = backend.get("namespace", route["metadata"]["namespace"])
            yield backend.get("kind", "Service"), namespace, backend["name"]


def _status(found: Manifest, wanted: Manifest) -> Manifest | None:
    present = {key: found.get("status", {}).get(key, []) for key in wanted}
    if _timeless(present) == _timeless(wanted):
        return None
    metadata = {k: found["metadata"][k] for k in ("name", "namespace") if k in found["metadata"]}
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata, "status": wanted}


def _condition(name: str, reason: str, of: Manifest, met: bool = True) -> Manifest:
    return {
        "type": name,
        "status": "True" if met else "False",
        "reason": reason if met or reason != name else "Pending",
        "message": _ABOUT if met else "No InferenceCluster is declared for this workload cluster",
        "observedGeneration": of["metadata"].get("generation", 1),
        "lastTransitionTime": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k != "lastTransitionTime"}
    if isinstance(value, list):
        return [_timeless(v) for v in value]
    return value
