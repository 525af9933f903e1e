"""Where requests go: Backends of endpoints that are treated alike, and names for those that have only an address.

Envoy keeps one of several endpoints with the same address, and the replicas of a cluster share its gateway's; of DNS
names it keeps all (`design/one-address.md`). So an address gets a name, by a headless Service without pods.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from typing import Any

from kit import names, route

from compose_model_service.selection import Endpoint

Manifest = dict[str, Any]

SERVICE, AUTHORITY = "names", "authority"
SLICES = {4: "names-v4", 6: "names-v6"}
_DOMAIN = "svc.cluster.local"


def named(service: str, namespace: str, endpoints: Sequence[Endpoint]) -> dict[str, Manifest]:
    """The Service and EndpointSlices that give addresses names, by key; none where all endpoints have names."""
    addresses = sorted({each.address.host for each in endpoints if each.address.is_ip})
    if not addresses:
        return {}
    name = names.child_name(service, SERVICE)
    spec = {"clusterIP": "None", "ports": [_PORT]}
    metadata = {"name": name, "namespace": namespace}
    found: dict[str, Manifest] = {SERVICE: {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}}
    for version, key in SLICES.items():
        own = [a for a in addresses if ipaddress.ip_address(a).version == version]
        if own:
            found[key] = _slice(names.child_name(service, key), namespace, name, f"IPv{version}", own)
    return found


# DNS needs none, but a Service and some servers of DNS do.
_PORT = {"name": "http", "port": 80, "protocol": "TCP"}


def _slice(name: str, namespace: str, service: str, kind: str, addresses: Sequence[str]) -> Manifest:
    endpoints = [{"addresses": [a], "hostname": _label(a), "conditions": {"ready": True}} for a in addresses]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
        "addressType": kind,
        "endpoints": endpoints,
        "ports": [_PORT],
    }


def backend(service: str, namespace: str, key: str, endpoints: Sequence[Endpoint]) -> Manifest:
    """The Backend of endpoints that are treated alike."""
    listed = [_endpoint(service, namespace, each) for each in sorted(endpoints, key=lambda each: each.name)]
    spec: Manifest = {"endpoints": listed}
    if endpoints[0].address.is_tls:
        spec["tls"] = _tls(service, endpoints[0])
    return {
        "apiVersion": route.ENVOY_API,
        "kind": "Backend",
        "metadata": {"name": names.child_name(service, key), "namespace": namespace},
        "spec": spec,
    }


def credential(service: str, namespace: str, key: str, endpoint: Endpoint) -> Manifest:
    """The filter that adds an endpoint's credential; only the gateway reads it."""
    injection = {
        "header": endpoint.header,
        "overwrite": True,
        "credential": {"valueRef": {"name": names.endpoint_secret(endpoint.name)}},
    }
    return {
        "apiVersion": route.ENVOY_API,
        "kind": "HTTPRouteFilter",
        "metadata": {"name": names.child_name(service, key), "namespace": namespace},
        "spec": {"credentialInjection": injection},
    }


def _endpoint(service: str, namespace: str, endpoint: Endpoint) -> Manifest:
    address = endpoint.address
    host = address.host
    if address.is_ip:
        host = f"{_label(host)}.{names.child_name(service, SERVICE)}.{namespace}.{_DOMAIN}"
    found: Manifest = {"fqdn": {"hostname": host, "port": address.port}}
    # Envoy Gateway takes no address as a Host.
    return found if address.hostname == address.host and address.is_ip else {"hostname": address.hostname, **found}


def authority(service: str, namespace: str, certificates: str) -> Manifest:
    """What the certificates of the clusters' gateways are checked against; it is public."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.child_name(service, AUTHORITY), "namespace": namespace},
        "type": "Opaque",
        "data": {"ca.crt": base64.b64encode(certificates.encode()).decode()},
    }


def _tls(service: str, endpoint: Endpoint) -> Manifest:
    """The certificate must carry the name that is asked for by SNI."""
    tls: Manifest = {"sni": endpoint.certificate or endpoint.address.host}
    if endpoint.has_authority or endpoint.is_cluster:
        own = names.child_name(service, AUTHORITY) if endpoint.is_cluster else names.endpoint_secret(endpoint.name)
        return {**tls, "caCertificateRefs": [{"group": "", "kind": "Secret", "name": own}]}
    return {**tls, "wellKnownCACertificates": "System"}


def _label(address: str) -> str:
    return names.child_name("ip", address)
