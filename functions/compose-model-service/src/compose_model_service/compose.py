"""Publish a service where its gateways are, over the endpoints that it selects. It never vanishes: it says 503 first."""

from __future__ import annotations

from typing import Any

from kit import names
from kit.call import Call, Stop
from schemas import InferenceGateway, ModelService

from compose_model_service import answers, backends, publishing, selection
from compose_model_service.reading import read
from compose_model_service.report import report
from compose_model_service.selection import Choice, Endpoint

Manifest = dict[str, Any]
Manifests = dict[str, Manifest]

NO_GATEWAY = "There is no InferenceGateway to publish services through: ask your platform team for one."


def compose(call: Call[ModelService]) -> None:
    """Compose one service."""
    gateways = _gateways(call)
    route = call.seen(publishing.KEY)
    published, path = publishing.published(route)
    selected = read(call, published)
    choice = selection.choose(selected.endpoints, selected.total, published, path)
    weights = [group.weight for group in call.xr.spec.endpoints]
    called = [each for each in choice.endpoints if weights[each.group]]
    wanted = _answers(call, called)
    wanted |= backends.named(call.name, call.namespace, called)
    wanted |= _authority(call, gateways, called)
    wanted |= _backends(call, called)
    live = [each for each in called if _is_live(call, each)]
    if route is None or live or not called:
        wanted |= _route(call, gateways, choice, live, weights)
    for key, manifest in wanted.items():
        call.want(key, manifest)
    _let_go(call, route)
    report(call, gateways, selected, choice, called)


def _gateways(call: Call[ModelService]) -> list[InferenceGateway]:
    """Those that run, or are about to."""
    found = call.all("gateways", InferenceGateway)
    if not found:
        raise Stop("RoutingReady", "NoGateway", NO_GATEWAY)
    said = {g.metadata.name: next((c for c in g.status.conditions if c.type == "RoutingReady"), None) for g in found}
    runs = [g for g in found if (c := said[g.metadata.name]) and c.reason not in ("NotInstalled", "InvalidSpec")]
    if not runs:
        name, told = next(iter(said.items()))
        why = told.message if told else "It is not decided yet how it runs."
        raise Stop("RoutingReady", "NoGateway", f"InferenceGateway {name} does not run: {why}")
    return runs


def _answers(call: Call[ModelService], called: list[Endpoint]) -> Manifests:
    """The filters of the route: what is answered without an engine, and how one is asked."""
    own = (call.name, call.namespace)
    found = {
        answers.UNAVAILABLE: answers.unavailable(*own),
        answers.HIDDEN: answers.hidden(*own),
        publishing.HOST: publishing.host(*own),
    }
    known = selection.models(called)
    listed = answers.models(*own, known) if known else None
    return {**found, answers.MODELS: listed} if listed else found


def _backends(call: Call[ModelService], called: list[Endpoint]) -> Manifests:
    """Of endpoints that are known by a name: asked for earlier, the name would not be found for some time."""
    found: Manifests = {}
    known = [each for each in called if _has_name(call, each) and _has_authority(call, each)]
    for each in known:
        alike = [other for other in known if other.backend == each.backend]
        found[each.backend] = backends.backend(call.name, call.namespace, each.backend, alike)
        if each.header:
            key = _credential(each)
            found[key] = backends.credential(call.name, call.namespace, key, each)
    return found


def _route(
    call: Call[ModelService], gateways: list[InferenceGateway], choice: Choice, live: list[Endpoint], weights: list[int]
) -> Manifests:
    """The route refers only to what exists: a gateway answers 500 for a part that it does not find."""
    parts = (answers.UNAVAILABLE, answers.HIDDEN, publishing.HOST)
    if any(call.seen(key) is None for key in parts):
        return {}
    filters = {each.backend: _credential(each) for each in live if each.header}
    shares = selection.shares(live, weights)
    references = [publishing.backend_ref(call.name, b, n, filters.get(b, "")) for b, n in sorted(shares.items()) if n]
    lists = bool(selection.models(live)) and call.seen(answers.MODELS) is not None
    metadata = {
        "name": names.child_name(call.name, publishing.KEY),
        "namespace": call.namespace,
        "annotations": {publishing.ENDPOINTS: ",".join(each.name for each in live)},
    }
    rules = publishing.rules(call.name, call.namespace, choice.path, references, lists=lists)
    # Envoy passes on a token that it has checked, unlike a key: a tenant's own endpoint could collect it.
    if any(gateway.spec.callers and gateway.spec.callers.jwt for gateway in gateways):
        keeps = {names.child_name(call.name, e.backend) for e in live if e.header.lower() == "authorization"}
        rules = [publishing.without_token(rule, keeps) for rule in rules]
    through = [gateway.metadata.name for gateway in gateways]
    return {publishing.KEY: publishing.manifest(metadata, through, rules)}


def _is_live(call: Call[ModelService], endpoint: Endpoint) -> bool:
    """Whether the route may lead to the endpoint already."""
    needed = [endpoint.backend, *([_credential(endpoint)] if endpoint.header else [])]
    return _has_name(call, endpoint) and all(call.seen(key) is not None for key in needed)


def _authority(call: Call[ModelService], gateways: list[InferenceGateway], called: list[Endpoint]) -> Manifests:
    """Of the clusters' gateways, as the gateways of this control plane know it."""
    known = {g.spec.clusters.authority.strip() for g in gateways if g.spec.clusters}
    if not known or not any(each.is_cluster for each in called):
        return {}
    return {backends.AUTHORITY: backends.authority(call.name, call.namespace, "\n".join([*sorted(known), ""]))}


def _has_authority(call: Call[ModelService], endpoint: Endpoint) -> bool:
    return not endpoint.is_cluster or call.seen(backends.AUTHORITY) is not None


def _has_name(call: Call[ModelService], endpoint: Endpoint) -> bool:
    if not endpoint.address.is_ip:
        return True
    slices = [call.seen(key) or {} for key in backends.SLICES.values()]
    return any(endpoint.address.host in each["addresses"] for s in slices for each in s.get("endpoints") or [])


def _credential(endpoint: Endpoint) -> str:
    return f"credential-{endpoint.name}"


def _let_go(call: Call[ModelService], route: Manifest | None) -> None:
    """What the route refers to, or a gateway may still think so, stays: a share of the requests would fail."""
    referred, followed = publishing.references(route), publishing.is_followed(route)
    for key in call.observed():
        name = (call.seen(key) or {}).get("metadata", {}).get("name", "")
        if key != publishing.KEY and followed and name not in referred:
            call.drop_unless_wanted(key)
