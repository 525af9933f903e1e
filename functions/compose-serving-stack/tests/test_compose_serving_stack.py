from pathlib import Path

import pytest
import yaml
from compose_serving_stack import function, parts
from kit import conditions, wire
from kit.testing import ask_of, cases, check
from schemas import apis

CASES = cases(__file__)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case: Path) -> None:
    """Each file in cases/ is one behaviour; its name says which."""
    check(case, function)


def test_every_component_of_the_api_has_a_part_and_a_version():
    """What a user can switch off or pin is what the table installs; definitions have the version that the build has."""
    (version,) = apis.definition("ServingStack")["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert {part.component for part in parts.table()} == set(spec["components"]["properties"])
    assert {part.component for part in parts.table() if part.chart} == set(spec["versions"]["properties"])


def test_every_part_needs_components_that_come_before_it():
    """Otherwise both would wait for ever."""
    seen: set[str] = set()
    for part in parts.table():
        assert set(part.needs) <= seen
        seen.add(part.component)


COMPONENTS = list(dict.fromkeys(part.component for part in parts.table()))
SERVING = ("envoyGateway", "aiGateway", "inferenceExtension")


def without(component: str, *also: str) -> wire.Ask:
    """A stack where all runs, with one component switched off; what is called by `also` is not there yet."""
    path = next(case for case in CASES if case.stem == "everything-runs-keeps-what-exists")
    case = yaml.safe_load(path.read_text())
    case["xr"]["spec"]["components"] = {component: {"enabled": False}}
    for key in [k for k in case["observed"] if k.startswith(also or ("-",))]:
        del case["observed"][key]
    return ask_of(case)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_that_is_switched_off_is_explained(component):
    """Nothing that runs changes; the cluster's owner reads what he has to bring, or that he need not."""
    before = set(wire.run(function, without("none")).desired)
    got = wire.run(function, without(component))
    own = {p for p in parts.table() if p.component == component}
    assert {k for k in before - set(got.desired) if not k.startswith("kind-")} == {
        f"release-{p.chart}" for p in own if p.chart
    }
    (row,) = [r for r in got.status["components"] if r["name"] == component]
    assert row["message"].startswith("left to the cluster: ")
    assert "ready" not in row
    (components, gateway) = got.conditions
    assert (components["status"], gateway["status"]) == ("True", "True")
    assert f"Left to the cluster: {component}" in components["message"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_gateway_that_does_not_serve_names_what_the_cluster_must_bring(component):
    got = wire.run(function, without(component, "gateway"))
    told = got.conditions[1]["message"]
    assert (f"{component} is left to the cluster: the cluster must bring" in told) == (component in SERVING), told


@pytest.mark.parametrize(
    ("off", "missing", "told"),
    [
        ("inferenceExtension", "release-ai-gateway-helm", "aiGateway: not installed yet; it needs inferenceExtension,"),
        ("aiGateway", "release-gateway-helm", "envoyGateway: not installed yet; it needs aiGateway,"),
        ("envoyGateway", "release-ai-gateway-helm", "aiGateway: not installed yet; it needs envoyGateway,"),
    ],
)
def test_a_component_that_waits_for_one_that_is_switched_off_says_so(off, missing, told):
    got = wire.run(function, without(off, missing))
    assert f"{told} left to the cluster" in got.conditions[0]["message"]


def young(case: str, **observed: dict[str, object]) -> wire.Answer:
    """What is said of a stack that was made this moment."""
    found = yaml.safe_load(next(path for path in CASES if path.stem == case).read_text())
    found["xr"]["metadata"]["creationTimestamp"] = conditions.now()
    found.setdefault("observed", {}).update(observed)
    return wire.run(function, ask_of(found))


def test_while_all_goes_well_a_young_stack_says_one_thing():
    """Each other sentence would be events of its cluster, whose circuit the birth of a stack takes already."""
    first, later = young("a-bare-cluster-gets-the-first-parts"), young("the-controller-waits-for-the-definitions")
    assert first.conditions == later.conditions
    assert "status.components of ServingStack west says how far each is" in first.conditions[0]["message"]
    assert first.status["components"] != later.status["components"]


def test_a_young_stack_names_what_fails():
    old = "a-chart-that-cannot-be-had-keeps-what-exists"
    want = yaml.safe_load(next(path for path in CASES if path.stem == old).read_text())["want"]
    assert young(old).conditions[0] == want["conditions"][0]
    unreachable = young("a-cluster-that-cannot-be-reached-keeps-what-exists")
    assert unreachable.conditions[1]["reason"] == "NotReachable"


def test_neither_gateway_waits_for_the_other():
    """Envoy Gateway starts once the other's chart lets it read InferencePools; the other waits for definitions alone."""
    needs = {part.chart: part.needs for part in parts.table() if part.gateway}
    assert needs["gateway-helm"] == ()
    assert needs["ai-gateway-helm"] == ("inferenceExtension",)


def test_a_build_without_definitions_says_so_and_keeps_those_that_exist(monkeypatch, tmp_path):
    """The definitions of others are read when the function is packaged; a package without them removes nothing."""
    monkeypatch.setenv("MODELPLANE_KINDS", str(tmp_path))
    path = next(case for case in CASES if case.stem == "everything-runs-keeps-what-exists")
    ask = ask_of(yaml.safe_load(path.read_text()))
    got = wire.run(function, ask)
    assert set(got.desired) == set(ask.observed)
    (components, _) = got.conditions
    assert components["reason"] == "Failed"
    assert "inferenceExtension: this build carries no definitions of it" in components["message"]
    assert "spec.components.inferenceExtension.enabled" in components["message"]
