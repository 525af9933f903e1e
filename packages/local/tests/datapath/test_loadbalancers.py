"""Which address a Service of type LoadBalancer has, and which pod holds it."""

from __future__ import annotations

from local.datapath.loadbalancers import Front, fronts, untranslated

FREE = ["10.0.0.2", "10.0.0.3"]


def service(name, address="", type="LoadBalancer"):
    status = {"loadBalancer": {"ingress": [{"ip": address}]}} if address else {}
    spec = {"type": type, "ports": [{"name": "http", "port": 80}]}
    return {"metadata": {"namespace": "a", "name": name}, "spec": spec, "status": status}


def slices(name, port=80, **pods):
    """Pods by their last number: whether each is ready, or ends."""
    conditions = {
        "ready": {"ready": True},
        "starting": {"ready": False},
        "ending": {"ready": False, "terminating": True},
    }
    return [
        {
            "metadata": {"namespace": "a", "labels": {"kubernetes.io/service-name": name}},
            "endpoints": [{"addresses": [f"10.0.0.{n[1:]}"], "conditions": conditions[is_]} for n, is_ in pods.items()],
            "ports": [{"name": "http", "port": port}],
        }
    ]


def pod(held, **pods):
    (found,) = fronts([service("x", "10.0.0.2")], slices("x", **pods), FREE, {"10.0.0.2": held} if held else {})
    return found.pod


def test_an_address_is_kept_and_given_to_one_service():
    services = [service("new"), service("old", "10.0.0.2"), service("inside", type="ClusterIP")]
    found = fronts(services, slices("old", p10="ready"), FREE, {})
    assert found == [Front("a", "new", "10.0.0.3", ""), Front("a", "old", "10.0.0.2", "10.0.0.10")]


def test_without_a_free_address_a_service_waits():
    assert len(fronts([service(n) for n in ("x", "y", "z")], [], FREE, {})) == 2


def test_the_pod_that_holds_it_keeps_it_while_it_is_ready_and_while_it_ends():
    assert pod("", p10="starting") == ""
    assert pod("", p10="starting", p11="ready") == "10.0.0.11"
    assert pod("10.0.0.11", p10="ready", p11="ready") == "10.0.0.11"
    assert pod("10.0.0.11", p10="ready", p11="ending") == "10.0.0.11"
    assert pod("10.0.0.11", p10="ready", p11="starting") == "10.0.0.10"
    assert pod("10.0.0.11", p10="ready") == "10.0.0.10"


def test_a_port_that_would_have_to_be_translated_is_found():
    assert untranslated(service("x"), slices("x", p10="ready")) == []
    assert untranslated(service("x"), slices("x", port=10080, p10="ready")) == [(80, 10080)]
