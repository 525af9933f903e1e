"""Compose the gateway and its policies where Envoy Gateway is installed; say where services are published."""

from __future__ import annotations

from typing import Any

from kit import names, route
from kit.call import Call, NotFetched
from schemas import InferenceGateway

from compose_inference_gateway import gateway, policies

Manifest = dict[str, Any]

CLASS, GATEWAY, WATCH = "gateway-class", "gateway", "certificate-watch"
# Small among the definitions of Envoy Gateway, and none of another gateway's.
_DEFINITION = "backends.gateway.envoyproxy.io"
_NOT_INSTALLED = (
    f"Envoy Gateway is not installed on the control plane: there is no CustomResourceDefinition {_DEFINITION}. "
    "Install it with extensionApis.enableBackend set to true (docs/how-to/publish-a-model.md)."
)


def compose(call: Call[InferenceGateway]) -> None:
    """Compose one gateway."""
    _report_callers(call)
    if not _is_installed(call):
        call.condition("RoutingReady", False, "NotInstalled", _NOT_INSTALLED)
        return
    if _wants_class(call):
        call.want(CLASS, gateway.gateway_class(call.xr))
    wanted = policies.manifests(call.xr)
    issuer = policies.issuer(call.xr)
    if issuer:
        call.want(policies.ISSUER, issuer)
    for key, manifest in wanted.items():
        # A policy that names what is not there yet refuses every request.
        if key != policies.CALLERS or not issuer or call.seen(policies.ISSUER) is not None:
            call.want(key, manifest)
    # From its first request on, the gateway follows its policies.
    if all(call.seen(key) is not None for key in wanted):
        call.want(GATEWAY, gateway.gateway(call.xr))
    watch = gateway.certificate_watch(call.xr)
    if watch:
        call.want(WATCH, watch)
    else:
        call.drop(WATCH)
    if policies.CALLERS not in wanted:
        call.drop(policies.CALLERS)
    if not issuer and not policies.names_issuer(call.seen(policies.CALLERS) or {}):
        call.drop(policies.ISSUER)
    _report(call, wanted)


def _is_installed(call: Call[InferenceGateway]) -> bool:
    """Whether its kinds exist: composed without them, the whole composite would stop with an error."""
    if call.observed() or call.is_to_explain:
        return True
    return bool(_found(call, "definition", "apiextensions.k8s.io/v1", "CustomResourceDefinition", _DEFINITION))


def _wants_class(call: Call[InferenceGateway]) -> bool:
    """A class that somebody else made is used as it is."""
    if call.seen(CLASS) is not None or not call.xr.spec.className:
        return True
    found = _found(call, "class", route.GATEWAY_API, "GatewayClass", call.xr.spec.className)
    return all(map(gateway.is_made_here, found))


def _found(call: Call[InferenceGateway], key: str, api_version: str, kind: str, name: str) -> list[Manifest]:
    found = call.find_manifests(key, api_version, kind, name=name)
    if found is None:
        raise NotFetched(key)
    return found


def _report(call: Call[InferenceGateway], wanted: dict[str, Manifest]) -> None:
    seen = call.seen(GATEWAY) or {}
    address = gateway.address(seen) or call.xr.status.address or ""
    url = gateway.url(call.xr, address) if address else None
    call.status(address=address or None, url=url)
    name = f"Gateway {names.SYSTEM_NAMESPACE}/{names.published_gateway(call.name)}"
    refused = {key: policies.refusal(call.seen(key) or {}) for key in sorted(wanted)}
    why = next((f"{wanted[key]['kind']}: {said}" for key, said in refused.items() if said), "")
    programmed = _said(seen, "Programmed")
    if why:
        call.condition("RoutingReady", False, "NotAccepted", f"{name} is without a policy that it needs: {why}.")
    elif (references := _said(seen, "ResolvedRefs")).get("status") == "False":
        missing = str(references.get("message", "")).rstrip(".")
        call.condition("RoutingReady", False, "NotAccepted", f"{name} is without a Secret that it needs: {missing}.")
    elif programmed.get("status") == "True" and not all(policies.is_followed(call.seen(key) or {}) for key in wanted):
        call.condition("RoutingReady", False, "NotReady", f"{name} does not follow its policies yet.")
    elif programmed.get("status") == "True" and url:
        call.condition("RoutingReady", True, "Ready", f"Services are published at {url}.")
    else:
        told = next((c for c in (_said(seen, "Accepted"), programmed) if c.get("status") == "False"), {})
        because = f": {str(told.get('message', '')).rstrip('.')}" if told else ""
        call.condition("RoutingReady", False, "NoAddress", f"{name} has no address yet{because}.")


def _said(seen: Manifest, type: str) -> Manifest:
    found = (seen.get("status") or {}).get("conditions") or []
    return next((c for c in found if c.get("type") == type), {})


def _report_callers(call: Call[InferenceGateway]) -> None:
    callers = call.xr.spec.callers
    if callers is None:
        message = "Everybody who reaches the gateway may call every service: spec.callers is not set."
        call.condition("CallersAuthenticated", False, "NotRequested", message)
    elif not policies.is_followed(call.seen(policies.CALLERS) or {}):
        call.condition("CallersAuthenticated", False, "NotReady", "Callers are not asked yet who they are.")
    else:
        shown = "a key" if callers.apiKeys else f"a token of {callers.jwt.issuer}" if callers.jwt else "nothing"
        call.condition("CallersAuthenticated", True, "Authenticated", f"Callers must show {shown}.")
