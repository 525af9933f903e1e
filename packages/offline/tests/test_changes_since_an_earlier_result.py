"""An earlier result is started from, and what changes is told with its reason."""

from pathlib import Path
from typing import Any

import pytest
from offline import changes, output, state
from offline.admission import Gate
from offline.findings import InvalidInputError

CONFIG = "---\napiVersion: kubernetes.m.crossplane.io/v1alpha1\nkind: ClusterProviderConfig\nmetadata: {name: west}\n"
HIDDEN = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: hidden}\n"
PARENT = "apiVersion: test.example/v1\nkind: Parent\nmetadata: {name: NAME}\nspec: {size: SIZE}\n"


def parent(name: str = "p", size: int = 2) -> str:
    return PARENT.replace("NAME", name).replace("SIZE", str(size))


def remote(name: str, size: int) -> dict[str, Any]:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"size": str(size)},
    }
    return {
        "apiVersion": "kubernetes.m.crossplane.io/v1alpha1",
        "kind": "Object",
        "metadata": {"name": name, "labels": {"modelplane.ai/cluster": "west"}},
        "spec": {"providerConfigRef": {"name": "west"}, "forProvider": {"manifest": manifest}},
    }


@pytest.fixture
def change(bench: Any, make: Any, tmp_path: Path) -> Any:
    """From one text to another, through a saved state; gives the changes."""

    def answer(xr: Any, _req: Any) -> Any:
        size, name = int(xr["spec"]["size"]), xr["metadata"]["name"]
        wanted = {f"c{i}": make.child(name=f"{name}-{i}") for i in range(8 - size)}
        failed = {"type": "Grown", "status": "STATUS_CONDITION_FALSE", "reason": "Small", "message": "Too big."}
        unasked = {"type": "Asked", "status": "STATUS_CONDITION_FALSE", "reason": "NotRequested", "message": "Not."}
        return {**make.wanting(**wanted, map=remote(f"{name}-map", size)), "conditions": [failed, unasked]}

    def run(before: str, after: str) -> list[str]:
        folder = str(tmp_path / "state")
        state.save(bench.compose(before + CONFIG, parent=answer), folder)
        earlier = state.load(folder, Gate(bench.kinds()))
        result = bench.compose(after + CONFIG, earlier, parent=answer)
        return [str(c) for c in changes.compare(earlier, result)]

    return run


def test_the_same_input_keeps_everything(change: Any) -> None:
    assert {text.split()[0] for text in change(parent(), parent())} == {"keep"}


def test_an_update_names_its_fields_and_what_it_deletes_names_its_parent(change: Any) -> None:
    told = [text for text in change(parent(size=6), parent(size=7)) if not text.startswith("keep")]
    assert told == [
        "delete Child default/p-1: no longer wanted by Parent p; spec.size 6 → 7; Grown: Too big",
        "update Parent default/p: spec.size 6 → 7",
        'update ConfigMap default/p-map on west: data.size "6" → "7"',
    ]


def test_what_is_no_longer_given_is_deleted_with_all_it_composed(change: Any) -> None:
    told = [t for t in change(f"{parent('p', 7)}---\n{parent('q', 7)}", parent("p", 7)) if not t.startswith("keep")]
    assert told == [
        "delete Child default/q-0: Parent q is deleted",
        "delete Parent default/q: no longer in the given files",
        "delete ConfigMap default/q-map on west: Parent q is deleted",
    ]


def test_what_is_new_says_who_wants_it(change: Any) -> None:
    told = [t for t in change(parent("p", 7), f"{parent('p', 7)}---\n{parent('q', 7)}") if not t.startswith("keep")]
    assert told == [
        "create Child default/q-0: wanted by Parent q",
        "create Parent default/q: new in the given files",
        "create ConfigMap default/q-map on west: wanted by Parent q",
    ]


def test_a_saved_result_holds_no_secret_and_reads_back_as_it_was(bench: Any, make: Any, tmp_path: Path) -> None:
    result = bench.compose(parent() + HIDDEN, parent=lambda *_: make.wanting(a=make.child(name="on")))
    state.save(result, str(tmp_path / "s"))
    assert "hidden" not in (tmp_path / "s" / "objects.yaml").read_text()
    read_back = state.load(str(tmp_path / "s"), Gate(bench.kinds()))
    assert read_back == {k: v for k, v in result.objects.items() if k.kind != "Secret"}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("apiVersion: test.example/v1\nkind: Parent\nmetadata: {name: a}\nspec: []\n", "spec must be a mapping"),
        ("apiVersion: test.example/v1\nkind: Parent\nmetadata: {name: a}\nspec: {size: x}\n", "must be an integer"),
        (
            "apiVersion: test.example/v1\nkind: Parent\nmetadata: {name: a}\nspec: {size: 1}\nstatus: 3\n",
            "status must be a mapping",
        ),
        ("apiVersion: test.example/v1\nkind: Nope\nmetadata: {name: a}\n", "the kind Nope"),
        (f"{parent()}---\n{parent()}", "stands twice"),
    ],
)
def test_a_broken_state_is_a_sentence(bench: Any, tmp_path: Path, text: str, finding: str) -> None:
    (tmp_path / "objects.yaml").write_text(text)
    with pytest.raises(InvalidInputError, match=finding):
        state.load(str(tmp_path), Gate(bench.kinds()))


def test_every_text_is_written_so_that_kubectl_reads_it_back_as_text(tmp_path: Path) -> None:
    from offline.manifests import read

    words = [
        "y",
        "n",
        "on",
        "0o17",
        "1e3",
        "017",
        "1_000",
        "",
        "~",
        "null",
        "2026-01-01",
        "a: b",
        "#",
        "- x",
        "12:30",
        "🦙",
        "a\nb\n",
        " x",
        ".5",
        "0x1f",
        "=",
        "<<",
    ]
    item = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {w or "empty": w for w in words},
    }
    (tmp_path / "a.yaml").write_text(output.as_yaml([item]))
    reading = read([str(tmp_path)])
    assert reading.findings == []
    assert [m.value for m in reading.manifests] == [item]


def test_nothing_is_written_as_an_alias() -> None:
    shared = {"a": 1}
    assert output.as_yaml([{"a": shared, "b": shared}]) == "---\na:\n  a: 1\nb:\n  a: 1\n"
