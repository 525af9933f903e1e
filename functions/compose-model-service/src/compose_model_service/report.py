"""What a service says of itself: where it answers, by how many endpoints, and why not."""

from __future__ import annotations

import textwrap
from typing import Any

from kit.call import Call
from schemas import InferenceGateway, ModelService

from compose_model_service import publishing
from compose_model_service.reading import Selected
from compose_model_service.selection import Choice, Endpoint

Manifest = dict[str, Any]

_MOST_TOLD = 3
_LONGEST = 200


def report(
    call: Call[ModelService],
    gateways: list[InferenceGateway],
    selected: Selected,
    choice: Choice,
    called: list[Endpoint],
) -> None:
    """Set status and RoutingReady."""
    ready = sum(each.ready for each in selected.endpoints)
    url = next((g.status.url for g in gateways if g.status.url), None)
    address = f"{url}{publishing.path(call.name, call.namespace)}" if url else None
    summary = f"{ready}/{selected.total}"
    call.status(address=address, endpoints={"ready": ready, "total": selected.total, "summary": summary})
    reason, message = (
        _trouble(call, selected, choice, called) or _unknown(gateways, called) or _progress(call, gateways, address)
    )
    if reason:
        call.condition("RoutingReady", False, reason, message)
        return
    call.condition("RoutingReady", True, "Ready", f"{ready} of {selected.total} endpoints answer at {address}.")


def _trouble(
    call: Call[ModelService], selected: Selected, choice: Choice, called: list[Endpoint]
) -> tuple[str, str] | None:
    """What its owner can do something about."""
    if choice.reason:
        count = len(choice.endpoints)
        serving = "none serves" if not count else f"{count} that served before {'goes' if count == 1 else 'go'} on"
        return choice.reason, f"{choice.message}; {serving}."
    if not selected.total:
        wanted = " or ".join(_labels(group.selector.matchLabels) for group in call.xr.spec.endpoints)
        return "NoEndpoints", f"No ModelEndpoint in namespace {call.namespace} has {wanted}."
    if not choice.endpoints:
        return "NoReadyEndpoint", f"0 of {selected.total} endpoints are ready{_told(selected.waiting)}."
    if not called:
        return "NoReadyEndpoint", "Every group with a ready endpoint has weight 0: give one of them a weight."
    refused = publishing.refusal(call.seen(publishing.KEY)) or _refused_backend(call, called)
    return ("NotAccepted", f"The gateway does not take the route: {refused}.") if refused else None


def _unknown(gateways: list[InferenceGateway], called: list[Endpoint]) -> tuple[str, str] | None:
    """Endpoints whose certificate nothing is known to check by."""
    found = [each.name for each in called if each.is_cluster]
    if not found or any(gateway.spec.clusters for gateway in gateways):
        return None
    message = (
        f"The clusters of {_listed(found)} are called by HTTPS, and nobody says who signs their certificates: set "
        f"spec.clusters.authority of InferenceGateway {gateways[0].metadata.name}."
    )
    return "NoAuthority", message


def _listed(found: list[str]) -> str:
    more = [f"{len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else []
    return ", ".join([*sorted(found)[:_MOST_TOLD], *more])


def _progress(call: Call[ModelService], gateways: list[InferenceGateway], address: str | None) -> tuple[str, str]:
    """What is still on its way; empty when nothing is."""
    if address is None:
        return "NoAddress", f"InferenceGateway {gateways[0].metadata.name} has no address yet."
    route = call.seen(publishing.KEY)
    if not publishing.is_accepted(route) or not publishing.published(route)[0]:
        return "NotReady", f"The route to {address} is about to be published."
    return "", ""


def _refused_backend(call: Call[ModelService], called: list[Endpoint]) -> str:
    for key in sorted({each.backend for each in called}):
        for said in ((call.seen(key) or {}).get("status") or {}).get("conditions") or []:
            if said.get("type") == "Accepted" and said.get("status") == "False":
                return str(said.get("message", "")).rstrip(".")
    return ""


def _labels(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "any labels"


def _told(waiting: dict[str, str]) -> str:
    told = [f"{name}: {textwrap.shorten(why.rstrip('.'), _LONGEST, placeholder=' …')}" for name, why in waiting.items()]
    more = [f"{len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return f": {'; '.join([*told[:_MOST_TOLD], *more])}" if told else ""
