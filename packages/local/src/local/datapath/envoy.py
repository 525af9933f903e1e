"""How Envoy alone is told of the cluster's routes: its own configuration, and its listener; pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from local.datapath import routing
from local.datapath.routing import Cluster, Manifest

PORT = 80
# What a client must not say for itself: where it is sent is the picker's to decide.
STRIPPED = (
    "x-prefiller-host-port",
    "x-encoder-hosts-ports",
    "x-gateway-destination-endpoint",
    "x-data-parallel-host-port",
)
_PROCESSOR = f"{routing.TYPE}extensions.filters.http.ext_proc.v3"
_WITHOUT_TIMEOUT = "0s"


def bootstrap() -> Manifest:
    """Envoy's own configuration: everything else comes from two files beside it."""
    source = {"resource_api_version": "V3"}
    files = {
        name: {
            **source,
            "path_config_source": {"path": f"/etc/envoy/{name}.json", "watched_directory": {"path": "/etc/envoy"}},
        }
        for name in ("lds", "cds")
    }
    return {
        "node": {"id": "local", "cluster": "local"},
        "admin": {"address": routing.socket("0.0.0.0", 19000)},  # noqa: S104  # In a namespace of its own.
        "dynamic_resources": {"lds_config": files["lds"], "cds_config": files["cds"]},
    }


def listeners(cluster: Cluster) -> Manifest:
    """One listener with a virtual host for each route on our Gateway."""
    routes = [r for r in cluster.routes if routing.is_ours(r)]
    pools = sorted({p for r in routes for p in routing.pools(r) if cluster.pool(*p)})
    manager = {
        "@type": f"{routing.TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "inference",
        "early_header_mutation_extensions": [_early()],
        "access_log": [_access_log()],
        "http_filters": [*(_picker_filter(cluster, pool) for pool in pools), _router()],
        "route_config": {
            "name": "routes",
            "validate_clusters": False,
            "virtual_hosts": [_host(r, cluster) for r in routes],
        },
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    listener = {
        "@type": f"{routing.TYPE}config.listener.v3.Listener",
        "name": "http",
        "address": routing.socket("0.0.0.0", PORT),  # noqa: S104  # In a namespace of its own.
        "filter_chains": [chain],
    }
    return {"resources": [listener]}


def _host(route: Manifest, cluster: Cluster) -> Manifest:
    meta = route["metadata"]
    routes = [each for rule in route["spec"].get("rules") or [] for each in _rule(rule, route, cluster)]
    return {
        "name": f"{meta['namespace']}/{meta['name']}",
        "domains": route["spec"].get("hostnames") or ["*"],
        "routes": routes,
    }


def _rule(rule: Manifest, route: Manifest, cluster: Cluster) -> Iterable[Manifest]:
    matches = rule.get("matches") or [{"path": {"type": "PathPrefix", "value": "/"}}]
    for match in matches:
        yield {"match": _match(match), **_action(rule, route, cluster), **_headers(rule)}


def _match(match: Manifest) -> Manifest:
    path = match.get("path") or {"type": "PathPrefix", "value": "/"}
    if path["type"] == "Exact":
        return {"path": path["value"]}
    return {"prefix": "/"} if path["value"] == "/" else {"path_separated_prefix": path["value"].rstrip("/")}


def _action(rule: Manifest, route: Manifest, cluster: Cluster) -> Manifest:
    namespace = route["metadata"]["namespace"]
    backends = [routing.backend(b, namespace) for b in rule.get("backendRefs") or []]
    pools = [b for b in backends if b[0] == "InferencePool"]
    if len(pools) > 1:
        return _refusal("Two InferencePools in one rule: give each a rule of its own")
    if not backends or (pools and cluster.pool(pools[0][1], pools[0][2]) is None):
        return _refusal("The route's backend does not exist")
    timeout = (rule.get("timeouts") or {}).get("request")
    to = {"cluster": routing.cluster_name(pools[0] if pools else backends[0])}
    action = {**to, **({"timeout": _WITHOUT_TIMEOUT if _is_zero(timeout) else timeout} if timeout else {})}
    if not pools:
        return {"route": action}
    enabled = {"@type": f"{_PROCESSOR}.ExtProcPerRoute", "overrides": {}}
    return {"route": action, "typed_per_filter_config": {routing.picker_name(pools[0][1:3]): enabled}}


def _headers(rule: Manifest) -> Manifest:
    modifiers = [f["requestHeaderModifier"] for f in rule.get("filters") or [] if "requestHeaderModifier" in f]
    removed = [name for m in modifiers for name in m.get("remove") or []]
    added = [
        {"header": {"key": h["name"], "value": h["value"]}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for m in modifiers
        for h in m.get("set") or []
    ]
    return {"request_headers_to_remove": removed, "request_headers_to_add": added}


def _refusal(sentence: str) -> Manifest:
    return {"direct_response": {"status": 500, "body": {"inline_string": f"{sentence}\n"}}}


def _early() -> Manifest:
    mutations = [{"remove": name} for name in STRIPPED]
    return {
        "name": "strip",
        "typed_config": {
            "@type": f"{routing.TYPE}extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": mutations,
        },
    }


def _access_log() -> Manifest:
    line = "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_HOST% %DURATION%ms\n"
    return {
        "name": "stdout",
        "typed_config": {
            "@type": f"{routing.TYPE}extensions.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {"text_format_source": {"inline_string": line}},
        },
    }


def _router() -> Manifest:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{routing.TYPE}extensions.filters.http.router.v3.Router"},
    }


def _picker_filter(cluster: Cluster, pool: tuple[str, str]) -> Manifest:
    """Off, but for the routes to this pool."""
    found = cluster.pool(*pool) or {}
    mode = {
        "request_header_mode": "SEND",
        "response_header_mode": "SEND",
        "request_body_mode": "FULL_DUPLEX_STREAMED",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
        "request_trailer_mode": "SEND",
        "response_trailer_mode": "SEND",
    }
    return {
        "name": routing.picker_name(pool),
        "disabled": True,
        "typed_config": {
            "@type": f"{_PROCESSOR}.ExternalProcessor",
            "grpc_service": {"envoy_grpc": {"cluster_name": routing.picker_name(pool)}},
            "processing_mode": mode,
            "message_timeout": "30s",
            "failure_mode_allow": found["spec"]["endpointPickerRef"].get("failureMode") == "FailOpen",
        },
    }


def _is_zero(duration: str | None) -> bool:
    return duration is not None and not duration.strip("0smh")
