"""Notes: a tiny function composes one ConfigMap per call; `observed` is what Crossplane saw before."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from kit import wire
from kit.call import Call, NotFetched, Stop
from kit.function import Function, Router
from kit.remote import Target
from schemas import ClusterTenant, InferenceCluster

KUBECONFIG = {"name": "west-kubeconfig", "key": "kubeconfig"}
XR = {
    "apiVersion": "modelplane.ai/v1alpha1",
    "kind": "ClusterTenant",
    "metadata": {"name": "west-team", "namespace": "modelplane-system"},
    "spec": {"clusterName": "west", "providerConfigName": "west", "kubeconfig": KUBECONFIG, "namespace": "team"},
}
MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "old", "uid": "u", "resourceVersion": "7", "managedFields": [], "labels": {"a": "b"}},
    "data": {"k": "v"},
    "status": {"x": 1},
}


def ask(compose: Callable[[Call[Any]], None], **parts: Any) -> wire.Answer:
    return wire.run(Function(compose, ClusterTenant), wire.Ask(xr=parts.pop("xr", XR), **parts))


def nothing(call: Call[Any]) -> None:
    """Compose nothing."""


def bug(_: Call[Any]) -> None:
    raise ZeroDivisionError


def configmap(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def test_what_is_not_mentioned_stays() -> None:
    """A function that forgets a resource does not delete it, and claims none of the server's fields."""
    got = ask(nothing, observed={"old": MAP})
    assert got.desired == {
        "old": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "old", "labels": {"a": "b"}},
            "data": {"k": "v"},
        }
    }


def test_a_kept_composite_does_not_send_back_crossplanes_own_fields() -> None:
    """References sent back would undo those that Crossplane wrote since."""
    seen = {**XR, "spec": {**XR["spec"], "crossplane": {"resourceRefs": []}}}
    assert ask(nothing, observed={"xr": seen}).desired["xr"]["spec"] == XR["spec"]


def test_only_drop_removes() -> None:
    """Removal is said, never implied."""
    assert ask(lambda call: call.drop("old"), observed={"old": MAP}).desired == {}


def test_stop_keeps_everything_and_says_why() -> None:
    """A decision that cannot be made changes nothing: neither what was wanted nor what was dropped counts."""

    def compose(call: Call[Any]) -> None:
        call.want("new", configmap("new"))
        call.drop("old")
        raise Stop("NamespaceReady", "NotReady", "No cluster.")

    got = ask(compose, observed={"old": MAP})
    assert list(got.desired) == ["old"]
    first, *rest = got.conditions
    assert first == {"type": "NamespaceReady", "status": "False", "reason": "NotReady", "message": "No cluster."}
    assert {c["status"] for c in rest} == {"Unknown"}
    assert not got.fatal


def test_nothing_is_decided_before_it_was_fetched() -> None:
    """A first call without the answer asks for it, keeps what exists and keeps the status."""

    def compose(call: Call[Any]) -> None:
        call.want("new", configmap("new"))
        if call.find("clusters", InferenceCluster) is None:
            raise NotFetched

    xr = {**XR, "status": {"namespace": "mp-team", "conditions": [{"type": "NamespaceReady", "status": "True"}]}}
    got = ask(compose, xr=xr, observed={"old": MAP})
    assert list(got.desired) == ["old"]
    assert got.status == {"namespace": "mp-team"}
    assert got.conditions[0]["status"] == "True"
    assert got.requirements == {
        "clusters": wire.Selector("modelplane.ai/v1alpha1", "InferenceCluster"),
    }


def test_none_found_is_not_not_fetched() -> None:
    """Three answers are three values."""
    seen: list[Any] = []
    ask(lambda call: seen.append(call.find("clusters", InferenceCluster)), found={"clusters": []})
    ask(lambda call: seen.append(call.find("clusters", InferenceCluster)))
    assert seen == [[], None]


def test_a_bug_keeps_what_exists_and_every_condition() -> None:
    """FATAL drops conditions that it leaves out, so it leaves out none."""
    xr = {**XR, "status": {"conditions": [{"type": "NamespaceReady", "status": "True", "reason": "Ready"}]}}
    got = ask(bug, xr=xr, observed={"old": MAP})
    assert got.fatal
    assert [c["type"] for c in got.conditions] == ["NamespaceReady", "PickersAllowed", "CallersLimited"]
    assert "ZeroDivisionError" in got.conditions[0]["message"]
    assert "Traceback" not in got.results[0]["message"]


def test_a_bug_on_the_first_reconcile_is_not_fatal() -> None:
    """A composite that is FATAL at birth would never be woken by what it required."""
    got = ask(bug)
    assert not got.fatal
    assert got.conditions[0]["reason"] == "InternalError"


def test_a_composite_that_cannot_be_read_says_which_field() -> None:
    """An older or newer schema may let through what the models do not know."""
    xr = {**XR, "spec": {**XR["spec"], "clusterName": 7}}
    got = ask(nothing, xr=xr, observed={"old": MAP})
    assert list(got.desired) == ["old"]
    assert got.conditions[0]["reason"] == "InvalidSpec"
    assert "spec.clusterName" in got.conditions[0]["message"]


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(configmap("n" * 64), id="name-too-long"),
        pytest.param(
            {
                "apiVersion": "kubernetes.m.crossplane.io/v1alpha1",
                "kind": "Object",
                "metadata": {"name": "o"},
                "spec": {},
            },
            id="object-without-watch",
        ),
    ],
)
def test_the_kit_refuses_classic_accidents(manifest: dict[str, Any]) -> None:
    """A name too long or an Object without watch is a bug that is seen at once."""
    assert ask(lambda call: call.want("k", manifest)).conditions[0]["reason"] == "InternalError"


def test_a_condition_outside_the_table_is_a_bug() -> None:
    """The table in kit.conditions is all there is."""
    assert "Nonsense" in ask(lambda call: call.condition("Nonsense", True, "Ready")).conditions[0]["message"]


def test_every_object_watches_its_cluster() -> None:
    """Without a watch, changes are seen ten minutes late."""
    target = Target("west", "config", "ns")
    for built in (target.apply("n", MAP), target.observe("n", MAP, "true"), target.apply_for_good("n", MAP)):
        assert built["spec"]["watch"] is True


def test_what_controllers_would_write_first_is_composed_already() -> None:
    """Each such write would be an event for the composite: two tokens of its circuit breaker."""
    target = Target("west", "west-config", "team")

    def compose(call: Call[Any]) -> None:
        call.want("object", target.apply("held", configmap("a")))
        call.want("route", {"apiVersion": "modelplane.ai/v1alpha1", "kind": "ModelRoute", "metadata": {"name": "r"}})
        call.want("map", configmap("plain"))
        named = {"name": "west-lws", "annotations": {"crossplane.io/external-name": "modelplane-lws"}}
        call.want("release", {"apiVersion": "helm.m.crossplane.io/v1beta1", "kind": "Release", "metadata": named})

    got = ask(compose).desired
    assert got["object"]["metadata"]["finalizers"] == ["finalizer.managedresource.crossplane.io"]
    assert got["object"]["metadata"]["annotations"] == {"crossplane.io/external-name": "held"}
    assert got["route"]["metadata"]["finalizers"] == ["composite.apiextensions.crossplane.io"]
    assert "finalizers" not in got["map"]["metadata"]
    # Without its name the provider would install the chart a second time.
    assert got["release"]["metadata"]["annotations"] == {"crossplane.io/external-name": "modelplane-lws"}
    assert got["release"]["metadata"]["finalizers"] == ["finalizer.managedresource.crossplane.io"]
    kept = ask(nothing, observed=got).desired
    assert kept == got


def test_readiness_counts_only_what_counts() -> None:
    """A composite is Ready when its counting conditions are True, whatever its children say."""
    ready = ask(lambda call: call.condition("NamespaceReady", True, "Ready"))
    assert (ready.ready, ready.ttl_seconds) == (True, 0.0)
    assert ask(nothing).ready is False


def test_an_open_circuit_is_passed_by_a_short_ttl() -> None:
    """While Crossplane holds events back, the composite asks to be called again soon."""
    responsive = {"type": "Responsive", "status": "False", "lastTransitionTime": "2999-01-01T00:00:00Z"}
    got = ask(nothing, xr={**XR, "status": {"conditions": [responsive]}})
    assert got.ttl_seconds == 5.0


def test_the_router_answers_by_kind() -> None:
    """One process serves all functions; a kind that none has is refused by name."""
    router = Router([Function(nothing, ClusterTenant)])
    assert not wire.run(router, wire.Ask(XR)).fatal
    refused = wire.run(router, wire.Ask({**XR, "kind": "Strange"}))
    assert "Strange" in refused.results[0]["message"]


@pytest.mark.parametrize(
    ("age", "status", "want"),
    [
        pytest.param(5, {}, (25, 27), id="young-without-a-status"),
        pytest.param(300, {}, (0, 0), id="old-and-nudged-now"),
        pytest.param(5, {"conditions": [{"type": "Synced", "status": "True"}]}, (0, 0), id="young-and-said-something"),
    ],
)
def test_a_ready_composite_looks_again_at_a_young_object_that_lost_its_status(age, status, want) -> None:
    """Its provider does not look at what only loses its status, and nothing else would wake the function."""
    created = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age)).isoformat()
    seen = Target("west", "west", "team").apply("engine", configmap("engine"))
    seen = {**seen, "metadata": {**seen["metadata"], "creationTimestamp": created}, "status": status}

    def ready(call: Call[Any]) -> None:
        for type in ("NamespaceReady", "PickersAllowed", "CallersLimited"):
            call.condition(type, True, "Ready")
        call.look_again(0)

    assert want[0] <= ask(ready, observed={"engine": seen}).ttl_seconds <= want[1]
