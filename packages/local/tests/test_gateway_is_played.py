from __future__ import annotations

from local.fleet.gateway import gateway_status, pool_status, route_status

GATEWAY = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g", "generation": 1}}
PARENT = {"name": "inference-gateway", "namespace": "modelplane-system"}


def route(parent=PARENT):
    rules = [{"backendRefs": [{"name": "qwen", "port": 80}]}]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r", "namespace": "mp-a", "generation": 1},
        "spec": {"parentRefs": [parent], "rules": rules},
    }


def conditions(status):
    return {c["type"]: (c["status"], c["reason"]) for c in status}


def test_a_bound_gateway_has_the_clusters_address():
    status = gateway_status(GATEWAY, "paris")["status"]
    assert status["addresses"] == [{"type": "Hostname", "value": "paris.example"}]
    assert conditions(status["conditions"])["Programmed"] == ("True", "Programmed")


def test_a_gateway_without_a_cluster_has_none():
    status = gateway_status({**GATEWAY, "status": {"addresses": [{"value": "old"}]}}, "")["status"]
    assert status["addresses"] == []
    assert conditions(status["conditions"])["Programmed"] == ("False", "Pending")


def test_a_status_that_is_there_is_not_written_again():
    """Each write would be an event for whoever watches."""
    wanted = gateway_status(GATEWAY, "paris")["status"]
    for condition in wanted["conditions"]:
        condition["lastTransitionTime"] = "earlier"
    assert gateway_status({**GATEWAY, "status": {**wanted, "listeners": []}}, "paris") is None


def test_a_route_on_our_gateway_is_accepted():
    parent = route_status(route(), [("Service", "mp-a", "qwen")])["status"]["parents"][0]
    assert parent["parentRef"] == PARENT
    assert conditions(parent["conditions"]) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
    }


def test_a_route_to_a_service_that_is_not_there_says_so():
    parent = route_status(route(), [("Service", "mp-b", "qwen")])["status"]["parents"][0]
    assert conditions(parent["conditions"])["ResolvedRefs"] == ("False", "BackendNotFound")


def test_a_route_on_another_gateway_is_not_ours():
    assert route_status(route({"name": "inference-gateway"}), []) is None
    assert route_status(route({"name": "other", "namespace": "modelplane-system"}), []) is None


def pool():
    spec = {"endpointPickerRef": {"name": "picker"}}
    return {
        "apiVersion": "inference.networking.k8s.io/v1",
        "kind": "InferencePool",
        "metadata": {"namespace": "mp-a", "name": "qwen"},
        "spec": spec,
    }


def to_pool():
    routed = route()
    backend = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "qwen"}
    return {**routed, "spec": {**routed["spec"], "rules": [{"backendRefs": [backend]}]}}


def test_a_route_to_a_pool_needs_the_pool_and_no_service():
    parent = route_status(to_pool(), [("InferencePool", "mp-a", "qwen")])["status"]["parents"][0]
    assert conditions(parent["conditions"])["ResolvedRefs"] == ("True", "ResolvedRefs")
    parent = route_status(to_pool(), [("Service", "mp-a", "qwen")])["status"]["parents"][0]
    assert conditions(parent["conditions"])["ResolvedRefs"] == ("False", "BackendNotFound")


def test_a_pool_behind_a_route_is_accepted_and_says_whether_its_picker_is_known():
    parent = pool_status(pool(), [to_pool()], [("mp-a", "picker")])["status"]["parents"][0]
    assert conditions(parent["conditions"])["ResolvedRefs"] == ("True", "ResolvedRefs")
    parent = pool_status(pool(), [to_pool()], [("mp-b", "picker")])["status"]["parents"][0]
    assert conditions(parent["conditions"]) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("False", "InvalidExtensionRef"),
    }


def test_a_pool_that_no_route_names_has_no_status():
    assert pool_status(pool(), [route()], []) is None
