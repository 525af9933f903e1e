"""Every XRD keeps the promises of the API: described, bounded, and refusing with sentences."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from cel_expr_python import cel
from schemas import apis

Schema = dict[str, Any]

XRDS = [pytest.param(xrd, id=xrd["spec"]["names"]["kind"]) for xrd in apis.definitions()]
MACROS = re.compile(r"\.(all|exists|exists_one|filter|map)\(")
# What Crossplane adds to the columns of every XR.
CROSSPLANES_COLUMNS = {"SYNCED", "READY", "COMPOSITION", "COMPOSITIONREVISION", "AGE"}
# The only places where any field may stand: another project's configuration, passed on as it is.
PASSED_ON = {"spec.serving.endpointPicker.config", "spec.components.*.values", "spec.servingStack.components.*.values"}


def version(xrd: Schema) -> Schema:
    (only,) = xrd["spec"]["versions"]
    return dict(only)


def root(xrd: Schema) -> Schema:
    return dict(version(xrd)["schema"]["openAPIV3Schema"])


def fields(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema below `schema`, with its path; [] is an item and {} a value of a map."""
    for name, value in schema.get("properties", {}).items():
        yield from _each(value, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from _each(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _each(schema["additionalProperties"], f"{path}{{}}")


def _each(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    yield from fields(schema, path)


def rules(xrd: Schema) -> list[tuple[str, Schema]]:
    everything = [("", root(xrd)), *fields(root(xrd))]
    return [(path, rule) for path, schema in everything for rule in schema.get("x-kubernetes-validations", [])]


@pytest.mark.parametrize("xrd", XRDS)
def test_every_field_is_described_by_a_sentence(xrd: Schema) -> None:
    named = [(path, schema) for path, schema in fields(root(xrd)) if not path.endswith(("[]", "{}"))]
    assert [path for path, schema in named if not re.match(r"^\S.{6,}\.$", schema.get("description", ""))] == []
    assert root(xrd)["description"].endswith(".")


@pytest.mark.parametrize("xrd", XRDS)
def test_every_list_map_string_and_number_is_bounded(xrd: Schema) -> None:
    assert [path for path, schema in fields(root(xrd)) if not _bounded(schema, path)] == []


def _bounded(schema: Schema, path: str) -> bool:
    if schema.get("x-kubernetes-int-or-string"):
        return "maxLength" in schema
    if schema["type"] == "string":
        return "maxLength" in schema or "enum" in schema
    if schema["type"] == "array":
        return "maxItems" in schema
    if schema["type"] == "integer":
        return path.endswith("attributes{}.int") or {"minimum", "maximum"} <= schema.keys()
    if schema["type"] == "object":
        return "maxProperties" in schema if "additionalProperties" in schema else True
    return True


@pytest.mark.parametrize("xrd", XRDS)
def test_an_object_says_what_it_holds(xrd: Schema) -> None:
    open_ended = {path for path, schema in fields(root(xrd)) if "x-kubernetes-preserve-unknown-fields" in schema}
    assert {re.sub(r"components\.\w+\.", "components.*.", path) for path in open_ended} <= PASSED_ON


@pytest.mark.parametrize("xrd", XRDS)
def test_conditions_are_left_to_crossplane_and_the_rest_of_status_is_declared(xrd: Schema) -> None:
    status = root(xrd)["properties"]["status"]
    assert status["properties"]
    assert "conditions" not in status["properties"]


@pytest.mark.parametrize("xrd", XRDS)
def test_a_column_is_one_value_and_none_of_crossplanes(xrd: Schema) -> None:
    columns = version(xrd)["additionalPrinterColumns"]
    assert columns
    assert [
        c["jsonPath"]
        for c in columns
        if not re.match(r"^\.(spec|status)\.[\w.]+(\[\?\(@\.type=='\w+'\)\]\.status)?$", c["jsonPath"])
    ] == []
    assert CROSSPLANES_COLUMNS.isdisjoint(c["name"] for c in columns)


@pytest.mark.parametrize("xrd", XRDS)
def test_a_column_shows_a_field_that_exists(xrd: Schema) -> None:
    known = {path for path, _ in fields(root(xrd))} | {"status.conditions"}
    paths = {c["jsonPath"].split("[")[0].lstrip(".") for c in version(xrd)["additionalPrinterColumns"]}
    assert paths - known == set()


@pytest.mark.parametrize("xrd", XRDS)
def test_a_rule_refuses_with_a_sentence_that_says_what_to_do(xrd: Schema) -> None:
    for path, rule in rules(xrd):
        assert len(rule.get("message", "").split()) >= 5, path
        assert not rule["message"].endswith("."), path  # The API server goes on after it.


@pytest.mark.parametrize("xrd", XRDS)
def test_a_rule_has_no_loop_inside_a_loop(xrd: Schema) -> None:
    assert [rule["rule"] for _, rule in rules(xrd) if _nested_loop(rule["rule"])] == []


def _nested_loop(expression: str) -> bool:
    for loop in MACROS.finditer(expression):
        depth, end = 1, loop.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(expression[end], 0)
            end += 1
        if MACROS.search(expression[loop.end() : end]):
            return True
    return False


@pytest.mark.parametrize("xrd", XRDS)
def test_a_rule_compiles_in_the_offline_validators_cel(xrd: Schema) -> None:
    env = cel.NewEnv(variables={"self": cel.Type.DYN, "oldSelf": cel.Type.DYN})
    for _, rule in rules(xrd):
        env.compile(rule["rule"])


@pytest.mark.parametrize("xrd", XRDS)
def test_names_follow_from_the_kind(xrd: Schema) -> None:
    spec = xrd["spec"]
    assert xrd["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
    assert spec["names"]["singular"] == spec["names"]["kind"].lower()
    assert spec["names"]["categories"] == ["crossplane", "modelplane"]
    assert spec["defaultCompositionRef"]["name"] in {c["metadata"]["name"] for c in apis.compositions()}


def test_short_names_are_unique() -> None:
    used = Counter(short for xrd in apis.definitions() for short in xrd["spec"]["names"]["shortNames"])
    assert [short for short, times in used.items() if times > 1] == []


def test_each_kind_has_exactly_one_composition_of_one_step() -> None:
    kinds = Counter(each["spec"]["compositeTypeRef"]["kind"] for each in apis.compositions())
    assert kinds == {xrd["spec"]["names"]["kind"]: 1 for xrd in apis.definitions()}
    for each in apis.compositions():
        (step,) = each["spec"]["pipeline"]
        assert f"{apis.FUNCTION_PREFIX}{step['step']}" == step["functionRef"]["name"]
        assert each["spec"]["mode"] == "Pipeline"


def test_a_deployment_scales_by_fields_that_exist() -> None:
    xrd = apis.definition("ModelDeployment")
    known = {path for path, _ in fields(root(xrd))}
    assert {path.lstrip(".") for path in version(xrd)["subresources"]["scale"].values()} <= known


def test_a_replica_holds_the_deployments_engines_plus_what_was_resolved() -> None:
    deployment, replica = (_spec(kind) for kind in ("ModelDeployment", "ModelReplica"))
    member = replica["engines"]["items"]["properties"]["members"]["items"]
    assert member["properties"].pop("nodePoolName")
    assert member["properties"].pop("deviceRequests")
    member["required"].remove("nodePoolName")
    for field in ("engines", "serving", "modelCacheRef"):
        assert replica[field] == deployment[field]


def test_a_route_serves_what_its_replica_serves() -> None:
    assert _spec("ModelRoute")["serving"] == _spec("ModelReplica")["serving"]


def test_a_clusters_overrides_are_those_of_its_serving_stack() -> None:
    stack = _spec("ServingStack")
    del stack["providerConfigName"]
    assert _spec("InferenceCluster")["servingStack"]["properties"] == stack


def test_what_a_deployment_and_its_replicas_check_together_is_the_same() -> None:
    both = [root(apis.definition(kind))["properties"]["spec"] for kind in ("ModelDeployment", "ModelReplica")]
    assert both[0]["x-kubernetes-validations"] == both[1]["x-kubernetes-validations"]


def _spec(kind: str) -> dict[str, Schema]:
    properties: dict[str, Schema] = copy.deepcopy(root(apis.definition(kind))["properties"]["spec"]["properties"])
    return properties
