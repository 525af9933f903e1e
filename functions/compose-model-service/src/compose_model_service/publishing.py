"""The HTTPRoute of a service, and what can be read from it as it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kit import names, route

from compose_model_service import answers

Manifest = dict[str, Any]

KEY, HOST = "route", "host"
# Which endpoints the route leads to: for people, and for the next decision.
ENDPOINTS = "modelplane.ai/endpoints"
_HIDE = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}
# vLLM changes which adapters are served there (vllm/entrypoints/serve/lora/api_router.py).
_HIDDEN = ("load_lora_adapter", "unload_lora_adapter")


def path(service: str, namespace: str) -> str:
    """Where the service's API is published."""
    return f"/{namespace}/{service}/v1"


def host(service: str, namespace: str) -> Manifest:
    """The filter that sends each endpoint the Host that it knows itself by."""
    rewrite = {"hostname": {"type": "Backend"}, "appendXForwardedHost": False}
    return {
        "apiVersion": route.ENVOY_API,
        "kind": "HTTPRouteFilter",
        "metadata": {"name": names.child_name(service, HOST), "namespace": namespace},
        "spec": {"urlRewrite": rewrite},
    }


def manifest(metadata: Manifest, gateways: Sequence[str], rules: Sequence[Manifest]) -> Manifest:
    """The HTTPRoute on every gateway."""
    parents = [
        {
            "group": "gateway.networking.k8s.io",
            "kind": "Gateway",
            "namespace": names.SYSTEM_NAMESPACE,
            "name": names.published_gateway(name),
        }
        for name in gateways
    ]
    return {
        "apiVersion": route.GATEWAY_API,
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {"parentRefs": parents, "rules": list(rules)},
    }


def rules(service: str, namespace: str, target: str, backends: Sequence[Manifest], *, lists: bool) -> list[Manifest]:
    """What is answered here, and the rest to the backends, with `target` in place of the service's path."""
    own = path(service, namespace)
    if not backends:
        return [_own(_prefix(own), service, answers.UNAVAILABLE)]
    found = [_own(_exact([f"{own}/{each}" for each in _HIDDEN]), service, answers.HIDDEN)]
    if lists:
        found.append(_own([{**m, "method": "GET"} for m in _exact([f"{own}/models"])], service, answers.MODELS))
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": _replaced(target)}}
    forward = {
        "matches": _prefix(own),
        "filters": [rewrite, _extension(service, HOST)],
        "backendRefs": list(backends),
        "timeouts": {"request": route.NO_TIMEOUT},
    }
    return [*found, forward]


def backend_ref(service: str, key: str, weight: int, filter_key: str = "") -> Manifest:
    """One backend of the rule, with its own filter if it has one."""
    reference: Manifest = {
        "group": "gateway.envoyproxy.io",
        "kind": "Backend",
        "name": names.child_name(service, key),
        "weight": weight,
    }
    return {**reference, "filters": [_extension(service, filter_key)]} if filter_key else reference


def without_token(rule: Manifest, keeps: Collection[str]) -> Manifest:
    """The rule, no backend of which sees what a caller shows; `keeps` are those with a token of their own in its place."""
    backends = rule.get("backendRefs") or []
    if not any("filters" in each for each in backends):
        return {**rule, "filters": [*rule["filters"], _HIDE]} if backends else rule
    # On the rule it would take their own tokens away, too.
    hiding = [e if e["name"] in keeps else {**e, "filters": [*e.get("filters", []), _HIDE]} for e in backends]
    return {**rule, "backendRefs": hiding}


def published(seen: Manifest | None) -> tuple[frozenset[str], str]:
    """The endpoints that the route as it stands leads to, and the path there."""
    if seen is None:
        return frozenset(), ""
    told = (seen["metadata"].get("annotations") or {}).get(ENDPOINTS, "")
    targets = [
        f["urlRewrite"]["path"]["replacePrefixMatch"]
        for rule in seen["spec"].get("rules") or []
        for f in rule.get("filters") or []
        if "urlRewrite" in f
    ]
    return frozenset(filter(None, told.split(","))), targets[0] if targets else ""


def references(seen: Manifest | None) -> frozenset[str]:
    """The names of all that the route as it stands refers to."""
    return frozenset(_names(((seen or {}).get("spec") or {}).get("rules") or []))


def is_followed(seen: Manifest | None) -> bool:
    """Whether all gateways follow the route as it stands, so that what it no longer refers to may go."""
    if seen is None:
        return True
    generation = seen["metadata"].get("generation", 0)
    said = [c for parent in _parents(seen) for c in parent.get("conditions") or []]
    return bool(said) and all(c.get("observedGeneration", generation) >= generation for c in said)


def refusal(seen: Manifest | None) -> str:
    """Why a gateway does not take the route, in its controller's words; empty when all do, or have not said."""
    for parent in _parents(seen or {}):
        for said in parent.get("conditions") or []:
            if said.get("type") in ("Accepted", "ResolvedRefs") and said.get("status") == "False":
                return str(said.get("message", "")).rstrip(".") or str(said.get("reason", ""))
    return ""


def is_accepted(seen: Manifest | None) -> bool:
    """Whether a gateway has taken the route."""
    said = [c for parent in _parents(seen or {}) for c in parent.get("conditions") or []]
    return any(c.get("type") == "Accepted" and c.get("status") == "True" for c in said) and not refusal(seen)


def _parents(seen: Mapping[str, Any]) -> list[Manifest]:
    found: list[Manifest] = (seen.get("status") or {}).get("parents") or []
    return found


def _names(rules: Sequence[Manifest]) -> Iterator[str]:
    for rule in rules:
        for reference in rule.get("backendRefs") or []:
            yield reference["name"]
            yield from (f["extensionRef"]["name"] for f in reference.get("filters") or [] if "extensionRef" in f)
        yield from (f["extensionRef"]["name"] for f in rule.get("filters") or [] if "extensionRef" in f)


def _own(matches: list[Manifest], service: str, key: str) -> Manifest:
    return {"matches": matches, "filters": [_extension(service, key)]}


def _extension(service: str, key: str) -> Manifest:
    name = names.child_name(service, key)
    reference = {"group": "gateway.envoyproxy.io", "kind": "HTTPRouteFilter", "name": name}
    return {"type": "ExtensionRef", "extensionRef": reference}


def _prefix(value: str) -> list[Manifest]:
    return [{"path": {"type": "PathPrefix", "value": value}}]


def _exact(values: Sequence[str]) -> list[Manifest]:
    return [{"path": {"type": "Exact", "value": value}} for value in values]


def _replaced(target: str) -> Manifest:
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": target}
