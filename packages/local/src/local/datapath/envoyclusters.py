"""Where Envoy sends requests: to what a picker names, to the picker itself, or to the endpoints of a Service."""

from __future__ import annotations

from collections.abc import Iterable

from local.datapath import routing
from local.datapath.routing import Cluster, Manifest

_DESTINATION = "x-gateway-destination-endpoint"


def clusters(cluster: Cluster) -> Manifest:
    """Where each route goes: to what its picker names, or to the endpoints of a Service."""
    ours = [r for r in cluster.routes if routing.is_ours(r)]
    pools = sorted({p for r in ours for p in routing.pools(r)})
    services = sorted({s for r in ours for s in routing.services(r)})
    found = [each for p in pools if (m := cluster.pool(*p)) for each in (_pool(p), _picker(p, m, cluster))]
    found += [_service(s, cluster) for s in services]
    return {"resources": found}


def _pool(pool: tuple[str, str]) -> Manifest:
    return {
        "@type": f"{routing.TYPE}config.cluster.v3.Cluster",
        "name": routing.cluster_name(("InferencePool", *pool)),
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": "2s",
        "original_dst_lb_config": {"use_http_header": True, "http_header_name": _DESTINATION},
    }


def _picker(pool: tuple[str, str], manifest: Manifest, cluster: Cluster) -> Manifest:
    """Over TLS whatever its Service says, and unverified, as Envoy AI Gateway calls pickers."""
    reference = manifest["spec"]["endpointPickerRef"]
    port = (reference.get("port") or {}).get("number", 9002)
    http2: Manifest = {"explicit_http_config": {"http2_protocol_options": {}}}
    return {
        **_static(routing.picker_name(pool), cluster.endpoints(pool[0], reference["name"], port)),
        "typed_extension_protocol_options": {
            f"{routing.TYPE.partition('/')[2]}extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{routing.TYPE}extensions.upstreams.http.v3.HttpProtocolOptions",
                **http2,
            }
        },
        "transport_socket": {
            "name": "tls",
            "typed_config": {"@type": f"{routing.TYPE}extensions.transport_sockets.tls.v3.UpstreamTlsContext"},
        },
    }


def _service(backend: tuple[str, str, str, int], cluster: Cluster) -> Manifest:
    return _static(routing.cluster_name(backend), cluster.endpoints(*backend[1:]))


def _static(name: str, addresses: Iterable[tuple[str, int]]) -> Manifest:
    endpoints = [{"endpoint": {"address": routing.socket(*a)}} for a in addresses]
    return {
        "@type": f"{routing.TYPE}config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
