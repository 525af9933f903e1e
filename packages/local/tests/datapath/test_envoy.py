"""What Envoy is told of a cluster's routes; whether Envoy takes it is seen live."""

from __future__ import annotations

from local.datapath import envoy, envoyclusters
from local.datapath.routing import Cluster

PARENT = {"name": "inference-gateway", "namespace": "modelplane-system"}
POOL = {
    "metadata": {"name": "qwen-0", "namespace": "ns"},
    "spec": {"endpointPickerRef": {"name": "picker", "port": {"number": 9002}, "failureMode": "FailClose"}},
}
SERVICE = {"metadata": {"name": "picker", "namespace": "ns"}, "spec": {"ports": [{"name": "grpc", "port": 9002}]}}


def reference(name, kind="InferencePool"):
    return {"kind": kind, "name": name}


def route(*backends, parent=PARENT, **rule):
    matches = [{"path": {"type": "PathPrefix", "value": "/v1"}}]
    return {
        "metadata": {"name": "r", "namespace": "ns"},
        "spec": {
            "hostnames": ["h"],
            "parentRefs": [parent],
            "rules": [{"matches": matches, "backendRefs": list(backends), **rule}],
        },
    }


def slice_of(*endpoints):
    return {
        "metadata": {"namespace": "ns", "labels": {"kubernetes.io/service-name": "picker"}},
        "ports": [{"name": "grpc", "port": 9002}],
        "endpoints": [{"addresses": [a], "conditions": {"ready": r}} for a, r in endpoints],
    }


def told(found, *slices, pools=(POOL,)):
    cluster = Cluster([found], list(pools), [SERVICE], list(slices))
    manager = envoy.listeners(cluster)["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    (host,) = manager["route_config"]["virtual_hosts"] or [None]
    return manager, host, {c["name"]: c for c in envoyclusters.clusters(cluster)["resources"]}


def test_a_route_to_a_pool_asks_its_picker_and_no_other():
    manager, host, clusters = told(route(reference("qwen-0"), timeouts={"request": "0s"}), slice_of(("10.0.0.9", True)))
    (only,) = host["routes"]
    assert only["match"] == {"path_separated_prefix": "/v1"}
    assert only["route"] == {"cluster": "InferencePool/ns/qwen-0", "timeout": "0s"}
    assert list(only["typed_per_filter_config"]) == ["picker/ns/qwen-0"]
    picker, router = manager["http_filters"]
    assert (picker["name"], picker["disabled"], picker["typed_config"]["failure_mode_allow"]) == (
        "picker/ns/qwen-0",
        True,
        False,
    )
    assert router["name"] == "envoy.filters.http.router"
    assert set(clusters) == {"InferencePool/ns/qwen-0", "picker/ns/qwen-0"}


def test_only_ready_pickers_are_asked():
    _, _, clusters = told(route(reference("qwen-0")), slice_of(("10.0.0.9", True), ("10.0.0.8", False)))
    (group,) = clusters["picker/ns/qwen-0"]["load_assignment"]["endpoints"]
    found = [e["endpoint"]["address"]["socket_address"]["address"] for e in group["lb_endpoints"]]
    assert found == ["10.0.0.9"]


def test_two_pools_in_a_rule_are_refused_with_a_sentence():
    _, host, _ = told(route(reference("qwen-0"), reference("other")))
    assert "Two InferencePools" in host["routes"][0]["direct_response"]["body"]["inline_string"]


def test_a_pool_that_is_not_there_is_refused_and_not_sent_anywhere():
    manager, host, clusters = told(route(reference("qwen-0")), pools=())
    assert host["routes"][0]["direct_response"]["status"] == 500
    assert len(manager["http_filters"]) == 1
    assert clusters == {}


def test_what_a_filter_removes_is_removed_after_the_picker():
    remove = {"requestHeaderModifier": {"remove": ["x-prefiller-host-port"]}}
    _, host, _ = told(route(reference("qwen-0"), filters=[remove]))
    assert host["routes"][0]["request_headers_to_remove"] == ["x-prefiller-host-port"]


def test_what_a_client_says_of_routing_is_removed_before_it():
    manager, _, _ = told(route(reference("qwen-0")))
    (early,) = manager["early_header_mutation_extensions"]
    assert {"remove": "x-prefiller-host-port"} in early["typed_config"]["mutations"]


def test_a_route_of_another_gateway_is_none_of_ours():
    cluster = Cluster([route(reference("qwen-0"), parent={"name": "other"})], [POOL], [SERVICE], [])
    manager = envoy.listeners(cluster)["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    assert manager["route_config"]["virtual_hosts"] == []
