"""Notes: `look` peeks at clusters and writes down one number of each; a call is what one round answers."""

from typing import Any

import pytest
from kit import wire
from kit.call import Call, NotFetched
from kit.fields import Fields, Unreadable, view
from kit.function import Function
from kit.testing import reconcile
from schemas import ClusterTenant, InferenceCluster

KUBECONFIG = {"name": "west-kubeconfig", "key": "kubeconfig"}
XR = {
    "apiVersion": "modelplane.ai/v1alpha1",
    "kind": "ClusterTenant",
    "metadata": {"name": "west-team", "namespace": "modelplane-system"},
    "spec": {"clusterName": "west", "providerConfigName": "west", "kubeconfig": KUBECONFIG, "namespace": "team"},
}


def cluster(name: str, nodes: Any, **metadata: str) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}, "spec": {"nodes": nodes}}


def nodes_of(fields: Fields) -> str:
    return f"{fields.text('metadata.name')} has {fields.count('spec.nodes')}"


def function_of(seen: list[Any]) -> Function:
    def look(call: Call[Any]) -> None:
        lines = call.peek("clusters", InferenceCluster, nodes_of)
        seen.append(lines)
        if lines is None:
            raise NotFetched

    return Function(look, ClusterTenant)


def peeked(*clusters: dict[str, Any]) -> Any:
    """What the last round of a reconcile sees."""
    seen: list[Any] = []
    reconcile(function_of(seen), wire.Ask(XR, found={"clusters": list(clusters)}))
    return seen[-1]


def fields(**manifest: Any) -> Fields:
    req = wire.request(wire.Ask({"metadata": {"name": "west"}, **manifest}))
    return view("InferenceCluster", req.observed.composite.resource)


def test_a_peek_asks_then_carries_then_decides_and_watches_nothing() -> None:
    """What the last round requires is what Crossplane watches: nothing."""
    seen: list[Any] = []
    function, found = function_of(seen), {"clusters": [cluster("west", 2), cluster("east", 1)]}
    asked = wire.run(function, wire.Ask(XR))
    carried = wire.run(function, wire.Ask(XR, found=found))
    wire.run(function, wire.Ask(XR, context=carried.context))
    assert seen == [None, None, ["east has 1", "west has 2"]]
    assert (list(asked.requirements), list(carried.requirements)) == (["clusters"], [])


def test_a_peek_that_finds_none_is_not_one_that_has_not_fetched() -> None:
    """Three answers are three values."""
    assert peeked() == []


def test_an_unreadable_object_is_named_in_the_round_that_decides() -> None:
    """Said a round earlier, the requirements would never come to rest."""
    found = {"clusters": [cluster("west", "two"), cluster("east", 1)]}
    _, got = reconcile(function_of([]), wire.Ask(XR, found=found))
    assert got.requirements == {}
    assert "InferenceCluster west cannot be read: spec.nodes must be a whole number" in got.conditions[0]["message"]


def test_what_is_known_of_a_version_is_forgotten_with_the_next() -> None:
    """A uid and resourceVersion together are the content; without either nothing is remembered."""
    assert peeked(cluster("west", 2, uid="u", resourceVersion="1")) == ["west has 2"]
    assert peeked(cluster("west", 3, uid="u", resourceVersion="2")) == ["west has 3"]
    assert peeked(cluster("west", 2, uid="u")) == ["west has 2"]
    assert peeked(cluster("west", 3, uid="u")) == ["west has 3"]


def test_fields_are_read_by_path() -> None:
    """What is absent or null has the reader's default."""
    read = fields(spec={"drain": True, "free": 0, "domain": None, "pools": [{"name": "a"}]}, labels={"a.b/c": "d"})
    assert (read.flag("spec.drain"), read.count("spec.free"), read.text("spec.domain", "-")) == (True, 0, "-")
    assert [pool.text("name") for pool in read.parts("spec.pools")] == ["a"]
    assert (read.texts("labels"), read.texts("none"), read.parts("spec.none.at.all")) == ({"a.b/c": "d"}, {}, [])
    assert read.part("spec").plain() == {"drain": True, "free": 0, "pools": [{"name": "a"}]}


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        pytest.param(lambda f: f.text("spec.count"), "spec.count must be a text", id="number-for-text"),
        pytest.param(lambda f: f.text("spec.gone"), "spec.gone must be a text, and is missing", id="missing"),
        pytest.param(
            lambda f: f.count("spec.name"), "spec.name must be a whole number, 0 or more", id="text-for-number"
        ),
        pytest.param(lambda f: f.count("spec.half"), "spec.half must be a whole number, 0 or more", id="half"),
        pytest.param(lambda f: f.count("spec.less"), "spec.less must be a whole number, 0 or more", id="negative"),
        pytest.param(lambda f: f.flag("spec.name"), "spec.name must be true or false", id="text-for-flag"),
        pytest.param(lambda f: f.text("spec.name.first"), "spec.name must be an object", id="text-for-parent"),
        pytest.param(lambda f: f.part("spec.name"), "spec.name must be an object", id="text-for-object"),
        pytest.param(lambda f: f.parts("spec"), "spec must be a list", id="object-for-list"),
        pytest.param(lambda f: f.parts("spec.pools"), "spec.pools.1 must be an object", id="text-in-list"),
        pytest.param(lambda f: f.texts("spec"), "spec.count must be a text", id="number-in-labels"),
        pytest.param(
            lambda f: f.parts("spec.good")[0].text("name"),
            "spec.good.0.name must be a text, and is missing",
            id="nested",
        ),
    ],
)
def test_a_wrong_type_names_the_object_and_the_field(ask: Any, sentence: str) -> None:
    """Nobody has to guess which of a thousand clusters is meant."""
    spec = {"count": 7, "name": "n", "half": 0.5, "less": -1, "pools": [{}, "x"], "good": [{}]}
    with pytest.raises(Unreadable) as raised:
        ask(fields(spec=spec))
    assert str(raised.value) == f"InferenceCluster west cannot be read: {sentence}"
