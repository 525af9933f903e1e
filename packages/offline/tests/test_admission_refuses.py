"""A manifest is refused as the API server would refuse it, with every reason at once."""

from typing import Any

import pytest

HEAD = "apiVersion: test.example/v1\nkind: Parent\nmetadata: {name: p}\n"


@pytest.mark.parametrize(
    ("spec", "findings"),
    [
        pytest.param("{size: 1}", [], id="valid"),
        pytest.param("{size: 1, sise: 2}", ["spec.sise: unknown field; did you mean size?"], id="unknown field"),
        pytest.param(
            "{size: 1, parts: [{name: a, zz: 1}]}",
            ["spec.parts[0].zz: unknown field; what may stand here is copies, name"],
            id="unknown in a list",
        ),
        pytest.param("{}", ["spec.size: size is required"], id="required"),
        pytest.param('{size: "1"}', ["spec.size: must be an integer, is text; write 1 without quotes"], id="type"),
        pytest.param("{size: 1Gi}", ["spec.size: must be an integer, is text"], id="text that is no number"),
        pytest.param("{size: true}", ["spec.size: must be an integer, is a boolean"], id="a boolean is no integer"),
        pytest.param("{size: null}", ["spec.size: must be an integer, is null"], id="null"),
        pytest.param("{size: 65}", ["spec.size: must be at most 64, is 65"], id="maximum"),
        pytest.param(
            "{size: 1, mode: Fats}", ["spec.mode: must be one of Fast, Slow; is Fats; did you mean Fast?"], id="enum"
        ),
        pytest.param("{size: 1, mode: null}", [], id="null of a default is not set"),
        pytest.param("{size: 1, note: null}", [], id="nullable"),
        pytest.param("{size: 1, pattern: A1}", ["spec.pattern: A1 must match ^[a-z]+$"], id="pattern"),
        pytest.param(
            "{size: 1, pattern: abcdef}", ["spec.pattern: has 6 characters; at most 5 are allowed"], id="length"
        ),
        pytest.param("{size: 1, port: 80}", [], id="int or string, int"),
        pytest.param("{size: 1, port: http}", [], id="int or string, string"),
        pytest.param(
            "{size: 1, port: 1.5}", ["spec.port: must be an integer or text, is a number"], id="int or string, neither"
        ),
        pytest.param(
            "{size: 1, labels: {a: on}}",
            ['spec.labels.a: must be text, is a boolean (YAML does not read on as text; write "on")'],
            id="bare word",
        ),
        pytest.param(
            "{size: 1, labels: {a: 8000}}",
            ['spec.labels.a: must be text, is an integer (YAML does not read 8000 as text; write "8000")'],
            id="number that is meant as text",
        ),
        pytest.param("{size: 0x50}", ["spec.size: must be at most 64, is 80"], id="number is not meant as text"),
        pytest.param(
            "{size: 1, parts: [a]}", ["spec.parts[0]: must be a mapping with name, copies, is text"], id="fields"
        ),
        pytest.param(
            "{size: 1, parts: [{name: a}, {name: a}]}",
            ["spec.parts[1]: the entry with name a stands twice; keep one"],
            id="list map",
        ),
        pytest.param("{size: 13}", ["spec: 13 brings bad luck; use 12"], id="rule"),
        pytest.param("{size: 1, parts: [{name: a, copies: 5}]}", ["spec.parts[0]: only big has 5"], id="nested rule"),
        pytest.param("{size: 1, parts: [{name: a}]}", [], id="defaults before rules"),
        pytest.param("3", ["spec: must be a mapping, is an integer"], id="no mapping"),
    ],
)
def test_spec(bench: Any, spec: str, findings: list[str]) -> None:
    assert [f"4: {f}" for f in findings] == bench.findings(f"{HEAD}spec: {spec}\n")


@pytest.mark.parametrize(
    ("metadata", "finding"),
    [
        ("{name: Big}", "metadata.name: the name 'Big' must be lower case letters"),
        (f"{{name: {'a' * 63}}}", ""),
        (f"{{name: {'a' * 64}}}", "metadata.name: the name has 64 characters; at most 63 are allowed"),
        ("{name: 7b}", ""),
        ("{name: 7}", "metadata.name: the name must be text; put it in quotes"),
        ("{name: a.b}", ""),
        ("{name: a..b}", "metadata.name: the name 'a..b' must be"),
        ("{name: 🦙}", "metadata.name: the name '🦙' must be"),
        ("{name: a, namespace: a.b}", "metadata.namespace: the namespace 'a.b' must be"),
        ("{name: a, labels: {a b: c}}", "metadata.labels[a b]: the key 'a b' must be"),
        ("{name: a, labels: {a: 1}}", "metadata.labels.a: the value must be text; put it in quotes"),
        ("{name: a, labels: {a: x/y}}", "metadata.labels.a: the value 'x/y' must be"),
        ("{name: a, annotations: {a: x/y}}", ""),
        ("{name: a, labels: [a]}", "metadata.labels: labels must be a mapping of text to text"),
        ("{name: a, lables: {}}", "metadata.lables: lables is not a field of metadata; did you mean labels?"),
        ("{name: a, ownerReferences: 1}", ""),
        ("{name: a, finalizers: [1]}", "metadata.finalizers: finalizers must be a list of text"),
    ],
)
def test_metadata(bench: Any, metadata: str, finding: str) -> None:
    found = bench.findings(f"apiVersion: test.example/v1\nkind: Parent\nmetadata: {metadata}\nspec: {{size: 1}}\n")
    assert bool(finding) == bool(found)
    assert all(f.startswith(f"3: {finding}") for f in found)


@pytest.mark.parametrize(
    ("api_version", "kind", "finding"),
    [
        ("test.example/v2", "Parent", "Parent is not served as test.example/v2; use test.example/v1"),
        ("other.example/v1", "Parent", "Parent is not in other.example/v1; use test.example/v1"),
        ("test.example/v1", "Parnet", "the kind Parnet of test.example/v1 is not known here; did you mean Parent?"),
        (
            "example.com/v1",
            "Foo",
            (
                "the kind Foo of example.com/v1 is not known here; leave it out: only kinds of Modelplane, Kubernetes, Crossplane "
                "and Envoy Gateway are"
            ),
        ),
        ("v1", "Secret", ""),
        ("apps/v1", "Deployment", ""),
        ("gateway.networking.k8s.io/v1", "Gateway", ""),
    ],
)
def test_kinds(bench: Any, api_version: str, kind: str, finding: str) -> None:
    found = bench.findings(f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n")
    assert ([f"2: kind: {finding}"] if finding else []) == found


def test_the_same_object_twice_names_both_places(bench: Any) -> None:
    text = f"{HEAD}spec: {{size: 1}}\n---\n{HEAD.replace('name: p', 'name: p, namespace: default')}spec: {{size: 1}}\n"
    assert [f"6: Parent default/p stands twice, first at {bench.folder}/in.yaml:1; keep one"] == bench.findings(text)


def test_a_cluster_scoped_kind_has_no_namespace(bench: Any) -> None:
    text = "apiVersion: test.example/v1\nkind: Cluster\nmetadata: {name: c, namespace: ns}\nspec: {size: 1}\n"
    assert bench.findings(text) == ["3: metadata.namespace: Cluster has no namespace; remove this field"]


def test_a_transition_rule_compares_with_the_earlier_object(bench: Any) -> None:
    known = bench.kinds()
    earlier = bench.screen(f"{HEAD}spec: {{size: 5}}\n", known)
    assert bench.findings(f"{HEAD}spec: {{size: 6}}\n", earlier) == []
    assert bench.findings(f"{HEAD}spec: {{size: 4}}\n", earlier) == ["4: spec: size only grows"]


def test_defaults_are_stored_and_a_status_is_not(bench: Any) -> None:
    objects = bench.screen(f"{HEAD}spec: {{size: 1, parts: [{{name: a}}]}}\nstatus: {{seen: 1}}\n", bench.kinds())
    (value,) = objects.values()
    assert value["spec"] == {"size": 1, "mode": "Fast", "parts": [{"name": "a", "copies": 1}]}
    assert "status" not in value
    assert value["metadata"]["namespace"] == "default"


def test_a_transition_rule_finds_the_same_entry_of_a_list_map(bench: Any) -> None:
    earlier = bench.screen(
        f"{HEAD}spec: {{size: 1, parts: [{{name: a, copies: 1}}, {{name: b, copies: 3}}]}}\n", bench.kinds()
    )
    swapped = f"{HEAD}spec: {{size: 1, parts: [{{name: b, copies: 2}}, {{name: a, copies: 2}}, {{name: c}}]}}\n"
    assert bench.findings(swapped, earlier) == ["4: spec.parts[0]: copies only grow"]
