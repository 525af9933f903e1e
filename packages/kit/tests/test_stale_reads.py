"""An answer says which state of the composite it is for, so that one to an old state is refused (`design/stale-reads.md`)."""

from typing import Any

from kit import wire
from kit.call import Call
from kit.function import Function
from schemas import ClusterTenant

KUBECONFIG = {"name": "west-kubeconfig", "key": "kubeconfig"}
XR = {
    "apiVersion": "modelplane.ai/v1alpha1",
    "kind": "ClusterTenant",
    "metadata": {"name": "west-team", "namespace": "modelplane-system", "resourceVersion": "7"},
    "spec": {"clusterName": "west", "providerConfigName": "west", "kubeconfig": KUBECONFIG, "namespace": "team"},
}


def configmap(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def ask(compose: Any, xr: dict[str, Any] = XR) -> wire.Answer:
    return wire.run(Function(compose, ClusterTenant), wire.Ask(xr=xr, observed={"old": configmap("old")}))


def keep(call: Call[Any]) -> None:
    """Leave all as it is."""


def add(call: Call[Any]) -> None:
    call.want("new", configmap("new"))


def add_to_what_is_current(call: Call[Any]) -> None:
    call.only_if_current()
    add(call)


def commit(call: Call[Any]) -> None:
    call.only_if_current()
    add(call)
    call.commit(namespace="mp-team")


def test_an_answer_that_composes_the_same_set_is_for_what_was_read() -> None:
    assert ask(keep).only_if == "7"


def test_an_answer_that_composes_another_set_is_for_any_state() -> None:
    """Crossplane has written the composite's references by then, so it would be refused each time."""
    assert ask(add).only_if == ""


def test_a_composite_may_ask_for_it_all_the_same() -> None:
    got = ask(add_to_what_is_current)
    assert (got.only_if, sorted(got.desired)) == ("7", ["new", "old"])


def test_a_commit_writes_status_and_composes_what_is_there() -> None:
    """Whatever was wanted: what follows from a decision comes after it is committed."""
    got = ask(commit)
    assert (got.only_if, sorted(got.desired), got.status) == ("7", ["old"], {"namespace": "mp-team"})


def test_a_composite_without_a_version_is_answered_without_one() -> None:
    unversioned = {**XR, "metadata": {"name": "west-team", "namespace": "modelplane-system"}}
    assert ask(keep, unversioned).only_if == ""
