"""The cluster's inference gateway: one Gateway, its class, and what clients may not send through it."""

from __future__ import annotations

from typing import Any

from kit import names, route
from schemas.servingstack import Gateway, Listener

Manifest = dict[str, Any]

KEY = "gateway"
NAMESPACE = "namespace"
POLICY = "client-policy"
AUTHORITY = "client-authority"
HAS_ADDRESS = "has(object.status) && has(object.status.addresses) && object.status.addresses.size() > 0"
_CLASS = "modelplane"
_CLIENT_AUTHORITY = f"{names.GATEWAY}-clients"
# Envoy Gateway runs its proxies beside itself; the other has Prometheus.
_CALLERS = ["envoy-gateway-system", "modelplane-monitoring"]
_MADE_HERE = {"app.kubernetes.io/managed-by": "modelplane"}


def is_ours(asked: Gateway) -> bool:
    """Whether the gateway's controller is the one that we install."""
    return asked.provider == "EnvoyGateway"


def is_made_here(found: Manifest) -> bool:
    """Whether what was found on the cluster was made by a ServingStack."""
    return _MADE_HERE.items() <= (found.get("metadata", {}).get("labels") or {}).items()


def callers(asked: Gateway, found: Manifest) -> list[str]:
    """The namespaces of those who call engines; none known where the cluster had a gateway before."""
    return _CALLERS if is_ours(asked) and is_made_here(found) else []


def needs(asked: Gateway) -> tuple[str, ...]:
    """The components that must run before the Gateway is made."""
    return ("inferenceExtension", "envoyGateway", "aiGateway") if is_ours(asked) else ()


def manifests(asked: Gateway) -> dict[str, Manifest]:
    """What is applied, by key; of a gateway that the cluster runs only the Gateway itself."""
    name = asked.className or _CLASS
    gateway = _gateway(name, asked.listeners or [Listener(name="http", port=80)])
    if not is_ours(asked):
        return {KEY: gateway}
    authority = {AUTHORITY: _client_authority(asked.clientAuthority)} if asked.clientAuthority else {}
    policy = _client_policy(only_with_certificate=bool(authority))
    return {"gateway-class": _gateway_class(name), **authority, POLICY: policy, KEY: gateway}


def _gateway_class(name: str) -> Manifest:
    controller = "gateway.envoyproxy.io/gatewayclass-controller"
    return {
        "apiVersion": route.GATEWAY_API,
        "kind": "GatewayClass",
        "metadata": {"name": name, "labels": _MADE_HERE},
        "spec": {"controllerName": controller},
    }


def _gateway(class_name: str, listeners: list[Listener]) -> Manifest:
    return {
        "apiVersion": route.GATEWAY_API,
        "kind": "Gateway",
        "metadata": {"name": names.GATEWAY, "namespace": names.SYSTEM_NAMESPACE, "labels": _MADE_HERE},
        "spec": {"gatewayClassName": class_name, "listeners": [_listener(each) for each in listeners]},
    }


def _listener(asked: Listener) -> Manifest:
    certificate = asked.tls.secretRef.name if asked.tls else ""
    return route.listener(asked.name, asked.port, asked.protocol, asked.hostname, certificate)


def _client_policy(*, only_with_certificate: bool) -> Manifest:
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": names.GATEWAY}
    spec: Manifest = {"targetRefs": [target], "headers": {"earlyRequestHeaders": {"remove": route.ROUTING_HEADERS}}}
    if only_with_certificate:
        authority = {"group": "", "kind": "ConfigMap", "name": _CLIENT_AUTHORITY}
        spec["tls"] = {"clientValidation": {"optional": False, "caCertificateRefs": [authority]}}
    return {
        "apiVersion": route.ENVOY_API,
        "kind": "ClientTrafficPolicy",
        "metadata": {"name": names.GATEWAY, "namespace": names.SYSTEM_NAMESPACE, "labels": _MADE_HERE},
        "spec": spec,
    }


def _client_authority(certificates: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _CLIENT_AUTHORITY, "namespace": names.SYSTEM_NAMESPACE, "labels": _MADE_HERE},
        "data": {"ca.crt": certificates},
    }
