"""The Gateway on the control plane, its class, and the URL that it is reached by."""

from __future__ import annotations

from typing import Any

from kit import names, route
from schemas import InferenceGateway
from schemas.inferencegateway import Listener

Manifest = dict[str, Any]

MADE_HERE = {"app.kubernetes.io/managed-by": "modelplane"}
_CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
_PORTS = {"http": 80, "https": 443}


def class_name(xr: InferenceGateway) -> str:
    """The GatewayClass that is used."""
    return xr.spec.className or names.child_name("modelplane", xr.metadata.name)


def gateway_class(xr: InferenceGateway) -> Manifest:
    """A class of Envoy Gateway's."""
    return {
        "apiVersion": route.GATEWAY_API,
        "kind": "GatewayClass",
        "metadata": {"name": class_name(xr), "labels": MADE_HERE},
        "spec": {"controllerName": _CONTROLLER},
    }


def is_made_here(found: Manifest) -> bool:
    """Whether a GatewayClass is one of ours."""
    return MADE_HERE.items() <= (found.get("metadata", {}).get("labels") or {}).items()


def gateway(xr: InferenceGateway) -> Manifest:
    """The Gateway itself: routes of all namespaces, which only ModelServices make."""
    return {
        "apiVersion": route.GATEWAY_API,
        "kind": "Gateway",
        "metadata": {
            "name": names.published_gateway(xr.metadata.name),
            "namespace": names.SYSTEM_NAMESPACE,
            "labels": MADE_HERE,
        },
        "spec": {
            "gatewayClassName": class_name(xr),
            "listeners": [_listener(each) for each in _listeners(xr)],
            **_client_certificate(xr),
        },
    }


def certificate_watch(xr: InferenceGateway) -> Manifest | None:
    """What makes Envoy Gateway 1.8 notice another client certificate: it looks for the Secrets of these, not of Gateways.

    No Gateway uses it.
    """
    shown = _client_certificate(xr)
    if not shown:
        return None
    return {
        "apiVersion": route.ENVOY_API,
        "kind": "EnvoyProxy",
        "metadata": {
            "name": names.child_name(names.published_gateway(xr.metadata.name), "certificate"),
            "namespace": names.SYSTEM_NAMESPACE,
            "labels": MADE_HERE,
        },
        "spec": {"backendTLS": shown["tls"]["backend"]},
    }


def _client_certificate(xr: InferenceGateway) -> Manifest:
    """What the gateways of clusters know it by."""
    shown = xr.spec.clusters.clientCertificate if xr.spec.clusters else None
    if shown is None:
        return {}
    return {"tls": {"backend": {"clientCertificateRef": {"group": "", "kind": "Secret", "name": shown.secretRef.name}}}}


def address(seen: Manifest) -> str:
    """Where clients connect; empty while it is not told."""
    addresses = (seen.get("status") or {}).get("addresses") or []
    return str(addresses[0].get("value", "")) if addresses else ""


def url(xr: InferenceGateway, host: str) -> str:
    """What the address of every ModelService begins with: by HTTPS where a listener has it."""
    listeners = _listeners(xr)
    listener = next((each for each in listeners if each.protocol == "HTTPS"), listeners[0])
    scheme = listener.protocol.lower()
    named = listener.hostname if listener.hostname and not listener.hostname.startswith("*") else host
    bracketed = f"[{named}]" if ":" in named else named
    port = "" if listener.port == _PORTS[scheme] else f":{listener.port}"
    return f"{scheme}://{bracketed}{port}"


def _listeners(xr: InferenceGateway) -> list[Listener]:
    return xr.spec.listeners or [Listener(name="http", port=80)]


def _listener(asked: Listener) -> Manifest:
    certificate = asked.tls.secretRef.name if asked.tls else ""
    return route.listener(asked.name, asked.port, asked.protocol, asked.hostname, certificate)
