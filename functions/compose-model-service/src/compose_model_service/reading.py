"""The ModelEndpoints that a service selects, as they are now."""

from __future__ import annotations

from dataclasses import dataclass

from kit import address
from kit.call import Call, NotFetched
from schemas import ModelEndpoint, ModelService

from compose_model_service.selection import Endpoint


@dataclass(frozen=True)
class Selected:
    """What is selected; `endpoints` are those that may be called at all."""

    total: int
    endpoints: tuple[Endpoint, ...]
    waiting: dict[str, str]
    """Why one is not ready, in its own words."""


def read(call: Call[ModelService], published: frozenset[str]) -> Selected:
    """Look up all groups; `published` are those that requests go to now. Raises NotFetched."""
    found: dict[str, tuple[int, ModelEndpoint]] = {}
    unfetched = False
    for group, wanted in enumerate(call.xr.spec.endpoints):
        by = {"labels": wanted.selector.matchLabels} if wanted.selector.matchLabels else {}
        fetched = call.find(f"endpoints-{group}", ModelEndpoint, namespace=call.namespace, **by)
        unfetched = unfetched or fetched is None
        for each in fetched or []:
            if not each.metadata.deletionTimestamp:
                found.setdefault(each.metadata.name, (group, each))
    if unfetched:
        raise NotFetched("endpoints")
    endpoints, waiting = [], {}
    for name, (group, each) in sorted(found.items()):
        try:
            endpoint = _endpoint(group, each, published)
        except address.Refused as refused:
            waiting[name] = str(refused)
            continue
        endpoints.append(endpoint)
        if not endpoint.ready:
            waiting[name] = next((c.message for c in each.status.conditions if c.type == "RoutingReady"), "new")
    return Selected(len(found), tuple(endpoints), waiting)


def _is_ready(found: ModelEndpoint, published: frozenset[str]) -> bool:
    """Unknown says Crossplane while the endpoints' function cannot be reached: nothing is known against those that serve."""
    said = next((c.status for c in found.status.conditions if c.type == "RoutingReady"), "")
    return said == "True" or (said == "Unknown" and found.metadata.name in published)


def _endpoint(group: int, found: ModelEndpoint, published: frozenset[str]) -> Endpoint:
    """Its status may be about an earlier spec, so where it leads is judged here, too."""
    spec = found.spec
    tls = spec.tls
    return Endpoint(
        name=found.metadata.name,
        group=group,
        address=address.read(found),
        ready=_is_ready(found, published),
        copies=spec.copies,
        models=tuple(spec.models),
        header=spec.auth.header if spec.auth else "",
        certificate=(tls.hostname or "") if tls else "",
        has_authority=bool(tls and tls.caSecretRef),
    )
