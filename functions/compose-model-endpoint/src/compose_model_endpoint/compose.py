"""Say how an address is reached, and keep what a gateway needs for it in the form that the gateway reads."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from kit import address, names
from kit.call import Call, NotFetched, Stop
from schemas import ModelEndpoint

Manifest = dict[str, Any]

SECRET = "secret"  # noqa: S105  # The name of a composed resource.
# What Envoy Gateway looks for in a Secret: HTTPRouteFilter's credential, and a Backend's authority.
_CREDENTIAL, _AUTHORITY = "credential", "ca.crt"


def compose(call: Call[ModelEndpoint]) -> None:
    """Compose one endpoint. A Secret that cannot be read now leaves the earlier one in use."""
    try:
        found = address.read(call.xr)
    except address.Refused as refused:
        raise Stop("RoutingReady", refused.reason, str(refused)) from None
    data = _data(call)
    if data:
        call.want(SECRET, _secret(call, data))
    else:
        call.drop(SECRET)
    call.status(hostname=found.hostname)
    host = f" with Host {found.hostname}" if found.hostname != found.host else ""
    call.condition("RoutingReady", True, "Ready", f"Requests go to {call.xr.spec.url}{host}.")


def _data(call: Call[ModelEndpoint]) -> dict[str, bytes]:
    """What of the endpoint's own Secrets a gateway needs."""
    auth, tls = call.xr.spec.auth, call.xr.spec.tls
    data: dict[str, bytes] = {}
    if auth:
        value = _read(call, "credential", auth.secretRef.name, auth.secretRef.key).strip()
        if not value or not all(0x20 <= byte < 0x7F for byte in value):  # noqa: PLR2004  # What a header may hold.
            message = f"Secret {auth.secretRef.name}: {auth.secretRef.key} is empty or not one line of plain text."
            raise Stop("RoutingReady", "InvalidSecret", message)
        is_token = auth.header.lower() == "authorization" and b" " not in value
        data[_CREDENTIAL] = b"Bearer " + value if is_token else value
    if tls and tls.caSecretRef:
        data[_AUTHORITY] = _read(call, "authority", tls.caSecretRef.name, tls.caSecretRef.key)
    return data


def _read(call: Call[ModelEndpoint], key: str, name: str, entry: str) -> bytes:
    """One entry of a Secret in the endpoint's namespace. What it holds is never part of a sentence."""
    found = call.find_manifests(key, "v1", "Secret", name=name, namespace=call.namespace)
    if found is None:
        raise NotFetched(key)
    if not found:
        message = f"There is no Secret {name} in namespace {call.namespace}: create it."
        raise Stop("RoutingReady", "SecretNotFound", message)
    held = found[0].get("data") or {}
    if entry not in held:
        raise Stop("RoutingReady", "InvalidSecret", f"Secret {name} has no entry {entry}: add it, or name another one.")
    try:
        return base64.b64decode(held[entry], validate=True)
    except (binascii.Error, TypeError):
        raise Stop("RoutingReady", "InvalidSecret", f"Secret {name}: {entry} cannot be decoded.") from None


def _secret(call: Call[ModelEndpoint], data: dict[str, bytes]) -> Manifest:
    encoded = {key: base64.b64encode(value).decode() for key, value in sorted(data.items())}
    metadata = {"name": names.endpoint_secret(call.name), "namespace": call.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}
