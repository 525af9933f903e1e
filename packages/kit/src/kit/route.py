"""The HTTPRoute of a replica on its cluster's gateway, the same whatever stands behind it; what all gateways share."""

from __future__ import annotations

from typing import Any

from kit import names

Manifest = dict[str, Any]

# No gateway can be trusted to finish a token stream within its own default.
NO_TIMEOUT = "0s"
# The picker sets them for the sidecar: a client that could would choose the hosts that it calls.
ROUTING_HEADERS = [
    "x-prefiller-host-port",
    "x-encoder-hosts-ports",
    "x-gateway-destination-endpoint",
    "x-data-parallel-host-port",
]
_PORTS = {"http": 80, "https": 443}
GATEWAY_API = "gateway.networking.k8s.io/v1"
ENVOY_API = "gateway.envoyproxy.io/v1alpha1"
READY_WHEN = (
    "has(object.status) && has(object.status.parents) && object.status.parents.exists(p, "
    'p.conditions.exists(c, c.type == "Accepted" && c.status == "True") && '
    'p.conditions.exists(c, c.type == "ResolvedRefs" && c.status == "True"))'
)


def route(metadata: Manifest, hostname: str, backend: Manifest) -> Manifest:
    """This replica's host, the OpenAI API only, to one backend."""
    gateway = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": names.SYSTEM_NAMESPACE,
        "name": names.GATEWAY,
    }
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
        "backendRefs": [backend],
        "timeouts": {"request": NO_TIMEOUT},
    }
    return {
        "apiVersion": GATEWAY_API,
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {"parentRefs": [gateway], "hostnames": [hostname], "rules": [rule]},
    }


def url(gateway: Manifest, address: str) -> str:
    """How a Gateway that stands at this address is called: by HTTPS where it has a listener for that."""
    listeners = sorted(
        (gateway.get("spec") or {}).get("listeners") or [{}], key=lambda each: each.get("protocol") != "HTTPS"
    )
    scheme = "https" if listeners[0].get("protocol") == "HTTPS" else "http"
    port = int(listeners[0].get("port", _PORTS[scheme]))
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}" if port == _PORTS[scheme] else f"{scheme}://{host}:{port}"


def listener(name: str, port: int, protocol: str, hostname: str | None, certificate: str) -> Manifest:
    """A listener of a Gateway, for routes of every namespace; `certificate` is a Secret beside it, empty without TLS."""
    made: Manifest = {
        "name": name,
        "port": port,
        "protocol": protocol,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    if hostname:
        made["hostname"] = hostname
    if certificate:
        made["tls"] = {"mode": "Terminate", "certificateRefs": [{"name": certificate}]}
    return made
