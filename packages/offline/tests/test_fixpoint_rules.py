"""Functions run to a fixpoint under Crossplane's rules."""

import hashlib
from typing import Any

import pytest
from offline import conditions
from offline.naming import child_name
from offline.plane import UnsettledError
from offline.store import Key

PARENT = "apiVersion: test.example/v1\nkind: Parent\nmetadata: {name: p}\nspec: {size: 2}\n"
KEY = Key("test.example", "Parent", "default", "p")
CHILD = Key("test.example", "Child", "default", "a")


def context(name: str = "c", labels: str = "{}", namespace: str = "default") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}, labels: {labels}}}"
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\n"


def condition(result: Any, kind: str, key: Key = KEY) -> tuple[str, str]:
    found = conditions.find(result.objects[key], kind) or {}
    return found.get("status", "absent"), found.get("message", "")


def requiring(**selectors: Any) -> dict[str, Any]:
    return {"requirements": {"resources": selectors}}


def test_a_composed_composite_is_admitted_and_composed_in_turn(bench: Any, make: Any) -> None:
    result = bench.compose(
        PARENT,
        parent=lambda *_: make.wanting(one=make.child(5)),
        child=lambda xr, _: {"desired": {"composite": {"resource": {"status": {"seen": xr["spec"]["size"]}}}}},
    )
    parent = result.objects[KEY]
    suffix = hashlib.sha256((parent["metadata"]["uid"] + "one").encode()).hexdigest()[:12]
    (key,) = result.composed_by(KEY)
    child = result.objects[key]
    assert f"p-{suffix}" == key.name
    assert key.namespace == "default"
    assert {k: v for k, v in child["spec"].items() if k != "crossplane"} == {"size": 5, "mode": "Fast"}
    assert child["status"]["seen"] == 5
    assert child["metadata"]["labels"]["crossplane.io/composite"] == "p"
    assert child["metadata"]["annotations"]["crossplane.io/composition-resource-name"] == "one"
    assert parent["metadata"]["uid"] == child["metadata"]["ownerReferences"][0]["uid"]
    refs = [{"apiVersion": "test.example/v1", "kind": "Child", "name": key.name}]
    assert refs == parent["spec"]["crossplane"]["resourceRefs"]
    assert condition(result, "Ready") == ("True", "")


def test_what_is_no_longer_desired_is_deleted_with_all_it_composed(bench: Any, make: Any) -> None:
    def parent(xr: Any, _req: Any) -> Any:
        return make.wanting(**{f"c{i}": make.child(name=f"c{i}") for i in range(4 - int(xr["spec"]["size"]))})

    def child(xr: Any, _req: Any) -> Any:
        return make.wanting(
            map={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{xr['metadata']['name']}-map"}}
        )

    before = bench.compose(PARENT, parent=parent, child=child)
    after = bench.compose(PARENT.replace("size: 2", "size: 3"), dict(before.objects), parent=parent, child=child)
    assert {"c0", "c0-map", "c1", "c1-map", "p"} == {k.name for k in before.objects if k.kind != "Namespace"}
    assert {"c0", "c0-map", "p"} == {k.name for k in after.objects if k.kind != "Namespace"}


def test_a_fatal_result_keeps_what_exists_and_ready(bench: Any, make: Any) -> None:
    before = bench.compose(
        PARENT,
        parent=lambda *_: {
            **make.wanting(a=make.child(name="a")),
            "conditions": [{"type": "Fine", "status": "STATUS_CONDITION_TRUE", "reason": "Ok"}],
        },
    )
    fatal = {"results": [{"severity": "SEVERITY_FATAL", "message": "no such thing"}]}
    after = bench.compose(PARENT, dict(before.objects), parent=lambda *_: fatal)
    assert CHILD in after.objects
    assert condition(after, "Synced") == (
        "False",
        'cannot compose resources: pipeline step "compose-parent" returned a fatal result: no such thing',
    )
    assert condition(after, "Ready") == ("True", "")
    assert condition(after, "Fine") == (
        "Unknown",
        "A fatal error occurred before the status of this condition could be determined.",
    )
    assert after.unsynced() == [KEY]


def test_a_refused_child_is_an_error_of_its_parent(bench: Any, make: Any) -> None:
    result = bench.compose(
        PARENT, parent=lambda *_: make.wanting(a=make.child(13, name="a"), b=make.child(99, name="b"))
    )
    status, message = condition(result, "Synced")
    assert status == "False"
    assert message.startswith("Unsynced resources: a, b (Child default/a: spec: 13 brings bad luck; use 12")
    assert "spec.size: must be at most 64, is 99" in message
    assert CHILD not in result.objects


def test_unknown_status_fields_are_refused(bench: Any) -> None:
    result = bench.compose(PARENT, parent=lambda *_: {"desired": {"composite": {"resource": {"status": {"sean": 1}}}}})
    assert condition(result, "Synced") == (
        "False",
        "cannot compose resources: cannot apply composite resource status: status.sean: unknown field; did you mean seen?",
    )


def test_a_function_that_fails_is_a_sentence(bench: Any) -> None:
    result = bench.compose(PARENT, parent=lambda *_: 1 / 0)
    assert condition(result, "Synced") == (
        "False",
        'cannot compose resources: cannot run Composition pipeline step "compose-parent": ZeroDivisionError: division by zero',
    )


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({"matchName": "c", "namespace": "default"}, ["c"]),
        ({"matchName": "c"}, []),
        ({"matchName": "nope", "namespace": "default"}, []),
        ({"matchLabels": {"labels": {"a": "b"}}}, ["b", "c"]),
        ({"matchLabels": {"labels": {"a": "b"}}, "namespace": "default"}, ["c"]),
        ({"matchLabels": {"labels": {"a": "z"}}}, []),
        ({}, ["b", "c", "d"]),
    ],
)
def test_required_resources_are_found(bench: Any, selector: Any, names: list[str]) -> None:
    extra = context("c", "{a: b}") + context("b", "{a: b, x: z}", "alpha") + context("d")
    found: list[Any] = []

    def parent(_xr: Any, req: Any) -> Any:
        found.append(req.get("requiredResources"))
        return requiring(it={"apiVersion": "v1", "kind": "ConfigMap", **selector})

    bench.compose(PARENT + extra, parent=parent)
    assert found[0] is None
    assert list(found[-1]) == ["it"]
    assert names == [i["resource"]["metadata"]["name"] for i in found[-1]["it"].get("items", [])]


def test_requirements_grow_over_rounds_and_context_is_passed_on(bench: Any) -> None:
    def parent(_xr: Any, req: Any) -> Any:
        count = len(req.get("requiredResources", {}))
        wanted = {
            f"r{i}": {"apiVersion": "v1", "kind": "ConfigMap", "matchName": f"m{i}"} for i in range(min(count + 1, 4))
        }
        seen = req.get("context", {}).get("seen", -1)
        return {
            **requiring(**wanted),
            "context": {"seen": count},
            "desired": {"composite": {"resource": {"status": {"seen": seen}}}},
        }

    result = bench.compose(PARENT, parent=parent)
    assert condition(result, "Synced")[0] == "True"
    assert len(bench.calls[-1]["requiredResources"]) == 4
    assert [c.get("context", {}).get("seen", -1) for c in bench.calls[:5]] == [-1, 0, 1, 2, 3]


def test_requirements_that_never_settle_are_an_error_after_five_rounds(bench: Any) -> None:
    def parent(_xr: Any, _req: Any) -> Any:
        return requiring(it={"apiVersion": "v1", "kind": "ConfigMap", "matchName": f"m{len(bench.calls)}"})

    result = bench.compose(PARENT, parent=parent)
    assert "requirements didn't stabilize after the maximum number of iterations (5)" in condition(result, "Synced")[1]
    assert len(bench.calls) % 6 == 0


def test_readiness_is_the_functions_word_or_that_of_all_it_wants(bench: Any, make: Any) -> None:
    unready = make.wanting(**{n: make.child(name=n) for n in ("a", "b", "c", "d")})
    for resource in unready["desired"]["resources"].values():
        resource.pop("ready")
    result = bench.compose(PARENT, parent=lambda *_: unready)
    assert condition(result, "Ready") == ("False", "Unready resources: a, b, c, and 1 more")
    spoken = {"desired": {**unready["desired"], "composite": {"ready": "READY_TRUE"}}}
    assert condition(bench.compose(PARENT, parent=lambda *_: spoken), "Ready") == ("True", "")


def test_a_namespaced_composite_composes_nothing_cluster_scoped(bench: Any, make: Any) -> None:
    cluster = {"apiVersion": "test.example/v1", "kind": "Cluster", "metadata": {"name": "x"}, "spec": {"size": 1}}
    result = bench.compose(PARENT, parent=lambda *_: make.wanting(x=cluster))
    assert "cannot apply cluster scoped composed resource" in condition(result, "Synced")[1]


def test_the_order_of_inputs_does_not_matter(bench: Any, make: Any) -> None:
    def parent(xr: Any, _req: Any) -> Any:
        return make.wanting(a=make.child(name=f"{xr['metadata']['name']}-a"))

    two = PARENT.replace("name: p", "name: q")
    results = [bench.compose(text, parent=parent) for text in (f"{PARENT}---\n{two}", f"{two}---\n{PARENT}")]
    assert list(results[0].objects.items()) == list(results[1].objects.items())


def test_two_composites_may_not_compose_the_same_object(bench: Any, make: Any) -> None:
    text = f"{PARENT}---\n{PARENT.replace('name: p', 'name: q')}"
    result = bench.compose(text, parent=lambda *_: make.wanting(a=make.child(name="a")))
    assert (
        "Child default/a is composed by another composite resource"
        in condition(result, "Synced", KEY._replace(name="q"))[1]
    )


def test_what_flaps_is_named(bench: Any) -> None:
    def parent(xr: Any, _req: Any) -> Any:
        return {"desired": {"composite": {"resource": {"status": {"seen": xr.get("status", {}).get("seen", 0) + 1}}}}}

    with pytest.raises(UnsettledError, match=r"Parent default/p: status\.seen"):
        bench.compose(PARENT, parent=parent)


def test_nothing_is_called_twice_with_the_same_request(bench: Any, make: Any) -> None:
    bench.compose(PARENT, parent=lambda *_: make.wanting(a=make.child(name="a")))
    requests = [str(c) for c in bench.calls]
    assert len(set(requests)) == len(requests)


def test_while_a_requirement_changes_one_call_sees_both(bench: Any) -> None:
    def parent(xr: Any, _req: Any) -> Any:
        one, every = {"matchName": "c", "namespace": "default"}, {}
        wanted = {"one": one} if xr.get("status") else {"all": every}
        selectors = {name: {"apiVersion": "v1", "kind": "ConfigMap", **s} for name, s in wanted.items()}
        return {**requiring(**selectors), "desired": {"composite": {"resource": {"status": {"seen": 1}}}}}

    bench.compose(PARENT + context(), parent=parent)
    seen = [sorted(c.get("requiredResources", {})) for c in bench.calls]
    assert seen == [[], ["all"], ["all"], ["all", "one"], ["one"]]


@pytest.mark.parametrize("ready", ["READY_TRUE", "READY_FALSE"])
def test_the_functions_word_on_readiness_stands_above_that_of_its_resources(bench: Any, make: Any, ready: str) -> None:
    wanted = make.wanting(a=make.child(name="a"))
    wanted["desired"]["composite"] = {"ready": ready}
    result = bench.compose(PARENT, parent=lambda *_: wanted)
    assert condition(result, "Ready")[0] == ("True" if ready == "READY_TRUE" else "False")


def test_a_field_that_is_no_longer_sent_is_removed(bench: Any, make: Any) -> None:
    def parent(xr: Any, _req: Any) -> Any:
        child = make.child(name="a", labels={"size": "big"} if xr["spec"]["size"] == 2 else {})
        child["spec"] |= {"note": "x"} if xr["spec"]["size"] == 2 else {}
        return make.wanting(a=child)

    before = bench.compose(PARENT, parent=parent)
    after = bench.compose(PARENT.replace("size: 2", "size: 3"), dict(before.objects), parent=parent)
    assert before.objects[CHILD]["spec"]["note"] == "x"
    assert "note" not in after.objects[CHILD]["spec"]
    assert "size" not in after.objects[CHILD]["metadata"]["labels"]
    assert before.objects[CHILD]["metadata"]["uid"] == after.objects[CHILD]["metadata"]["uid"]


@pytest.mark.parametrize(
    ("names", "text"),
    [(["b", "a"], "a, b"), (["c", "b", "a"], "a, b, and c"), (["d", "c", "b", "a"], "a, b, c, and 1 more")],
)
def test_many_names_are_told_as_crossplane_tells_them(names: list[str], text: str) -> None:
    assert conditions.some(names) == text


@pytest.mark.parametrize(
    ("prefix", "start"),
    [
        ("p-", "p-"),
        ("p", "p-"),
        ("a" * 50 + "-", "a" * 50 + "-"),
        ("a" * 70, "a" * 50 + "-"),
        ("a" * 50 + "-bcd", "a" * 50 + "-"),
    ],
)
def test_generated_names_fit_63_characters(prefix: str, start: str) -> None:
    name = child_name(prefix, "uid", "key")
    assert name == start + hashlib.sha256(b"uidkey").hexdigest()[:12]
    assert len(name) <= 63


def test_requirements_that_flap_from_call_to_call_are_named(bench: Any) -> None:
    def parent(_xr: Any, req: Any) -> Any:
        name = req.get("context", {}).get("name") or ("b" if "a" in req.get("requiredResources", {}) else "a")
        wanted = {name: {"apiVersion": "v1", "kind": "ConfigMap", "matchName": name}}
        return {**requiring(**wanted), "context": {"name": name}}

    with pytest.raises(UnsettledError, match="Parent default/p: what its function requires"):
        bench.compose(PARENT, parent=parent)
