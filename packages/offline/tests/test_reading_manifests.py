"""Files become manifests with the place of every field; what cannot be read is a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
from offline.findings import MissingPartError
from offline.manifests import read
from offline.scalars import resolve


def one(tmp_path: Path, text: str | bytes) -> Any:
    file = tmp_path / "a.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    reading = read([str(file)])
    return reading.manifests, [str(f).removeprefix(f"{file}:") for f in reading.findings]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("on", True),
        ("yes", True),
        ("y", True),
        ("off", False),
        ("0o17", 15),
        ("017", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("-3", -3),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.5", 1.5),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("12:30", "12:30"),
        ("v0.10.0", "v0.10.0"),
        ("1.2.3", "1.2.3"),
        ("~", None),
        ("+", "+"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_bare_words_are_read_as_kubectl_reads_them(word: str, value: Any) -> None:
    got = resolve(word, None, plain=True)
    assert (value, type(value)) == (got, type(got))


def test_folders_are_read_in_order_without_want_yaml(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, value in (("b.yaml", "b"), ("a.yml", "a"), ("want.yaml", "w"), ("sub/c.json", "c"), ("d.txt", "d")):
        (tmp_path / name).write_text(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": value}}))
    reading = read([str(tmp_path)])
    assert [m.value["metadata"]["name"] for m in reading.manifests] == ["a", "b", "c"]
    assert reading.findings == []


def test_all_errors_of_a_file_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nsize: 99999999999999999999\nx: {r: 1, r: 2}\nz: .nan\n"
        "---\n[1]\n---\nkind: Foo\n---\napiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n- {apiVersion: v1, kind: Secret, metadata: {}}\n"
        "---\n a: [\n"
    )
    manifests, findings = one(tmp_path, text)
    assert [m.value["metadata"]["name"] for m in manifests] == ["a", "b"]
    assert sorted(findings[:-1], key=lambda f: int(f.split(":")[0])) == [
        "4: size: 99999999999999999999 does not fit 64 bits; put it in quotes if it is text",
        "5: x: the key r stands twice; keep one",
        "6: z: .nan is not a number in JSON; put it in quotes if it is text",
        (
            "8: a manifest is a mapping, this is a list; separate manifests by ---, or put them under items of a manifest "
            "of kind: List"
        ),
        "10: apiVersion: apiVersion is missing; every manifest needs one",
        "10: metadata: metadata.name is missing; every manifest needs one",
        "16: metadata.name: metadata.name is missing; every manifest needs one",
    ]
    assert findings[-1].startswith("19: not YAML: ")


def test_aliases_and_merges_are_followed(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: &m {name: a}\ncopy: *m\nmore: {<<: *m, name: b, c: 1}\n"
    manifests, findings = one(tmp_path, text)
    assert findings == []
    assert manifests[0].value["copy"] == {"name": "a"}
    assert manifests[0].value["more"] == {"name": "b", "c": 1}


def test_a_yaml_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    _, findings = one(tmp_path, "\n".join(lines))
    assert len(findings) == 1
    assert "too big to read" in findings[0]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500,
        "{a: " * 500,
        "- " * 500,
        "&a [*a]",
        "? [a]\n: b",
        b"\xff\xfe\x00",
        b"a: \x00",
        "!x a: b",
        "null: 1",
        "%YAML",
    ],
)
def test_what_is_no_manifest_is_a_sentence(tmp_path: Path, text: str | bytes) -> None:
    manifests, findings = one(tmp_path, text)
    assert manifests == []
    assert findings


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        pytest.param(
            b"a:\n  b: c: d\n", "2: not YAML: mapping values are not allowed in this context; put", id="colon"
        ),
        pytest.param(b"a: b\n c: d\n", "2: not YAML: mapping values", id="indentation"),
        pytest.param(b"a: b\n# caf\xe9\n", "2: not YAML: incomplete UTF-8 octet sequence; save the", id="latin"),
        pytest.param(b"a: {{ .Values.name }}\n", "1: a key of a is not text; a template is no manifest", id="template"),
        pytest.param(b"kind: List\nitems: x\n", "2: items: items of a List must be a list of manifests", id="items"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line_and_what_to_do(tmp_path: Path, text: bytes, finding: str) -> None:
    (found,) = one(tmp_path, text)[1]
    assert found.startswith(finding)


def test_tabs_are_named(tmp_path: Path) -> None:
    assert "; indent with spaces" in one(tmp_path, "a:\n\tb: c\n")[1][0]
    assert "; indent with spaces" in one(tmp_path, "a:\n  b: c\n\t\td: e\n")[1][0]


def test_a_list_of_one_kind_is_read_as_kubectls_list_is(tmp_path: Path) -> None:
    item = "{apiVersion: v1, kind: Secret, metadata: {name: a}}"
    head = "apiVersion: v1\nkind: SecretList\nmetadata: {resourceVersion: '1'}\n"
    manifests, findings = one(tmp_path, f"{head}items: [{item}]\n")
    assert ([m.value["metadata"]["name"] for m in manifests], findings) == (["a"], [])


def test_a_kind_that_is_only_called_a_list_is_a_manifest(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: AllowList\nmetadata: {name: a}\nitems: [x]\n"
    manifests, findings = one(tmp_path, text)
    assert ([m.value["kind"] for m in manifests], findings) == (["AllowList"], [])


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingPartError, match=r"nowhere\.yaml: cannot be read: No such file"):
        read(["nowhere.yaml"])


def test_a_finding_stands_at_the_nearest_field_that_was_written(tmp_path: Path) -> None:
    manifests, _ = one(tmp_path, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nspec:\n  b: 1\n")
    source = manifests[0].source
    assert source.line(("spec", "b")) == 6
    assert source.line(("spec", "c", 0, "d")) == 5
    assert source.line(("status",)) == 1


def test_json_is_read_with_its_tabs_and_surrogates(tmp_path: Path) -> None:
    value = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"a": "🦙", "b": "\\ud83e\\udd99", "c/d": "x"},
    }
    text = json.dumps(value, indent="\t").replace("/", "\\/")
    manifests, findings = one(tmp_path, text)
    assert findings == []
    assert [m.value for m in manifests] == [value]
    assert manifests[0].source.line(("data", "b")) == 9
