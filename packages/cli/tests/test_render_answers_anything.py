"""Whatever is given, the answer is a result or a sentence: never a traceback."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.main import cli
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offline.manifests import read

EXAMPLES = Path(__file__).parents[3] / "examples"
SETTINGS = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, max_examples=50
)
NAMES = ["a", "7b", "a" * 63, "a" * 64, "9" * 63, "-a", "a-", "A", "🦙", "", "a.b", "on", "1e3", "\x1b[31m", "a\tb"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**80), max_value=2**80),
    st.floats(),
    st.sampled_from(NAMES),
    st.text(max_size=80),
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=8), v, max_size=4), max_leaves=8
)
WORDS = st.sampled_from(
    [
        "apiVersion",
        ": ",
        "kind",
        "\n",
        "- ",
        "  ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!",
        "|",
        ">",
        "%",
        "\t",
        "'",
        '"',
        "---",
        "?",
        "<<",
        "\x00",
        "🦙",
    ]
)


def manifests(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in sorted((EXAMPLES / name).glob("*.yaml")):
        if file.name != "want.yaml":
            found += [m for m in yaml.safe_load_all(file.read_text()) if m]
    return found


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


BASE = manifests("01-standalone")
PLACES = [path for path in paths(BASE) if len(path) > 1]


def answered(tmp_path: Path, content: bytes, *options: str) -> int:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["render", str(file), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in (0, 2, 3)
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output
    assert (result.exit_code == 0) == (not result.stderr)
    return result.exit_code


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass"))
    | st.lists(WORDS | st.text(max_size=3), max_size=30).map(lambda w: "".join(w).encode("utf-8", "surrogatepass"))
)
@SETTINGS
def test_any_bytes_are_read(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    reading = read([str(file)])
    assert all(str(finding) for finding in reading.findings)


@given(VALUES)
@SETTINGS
def test_any_value_is_judged(tmp_path: Path, value: Any) -> None:
    answered(tmp_path, json.dumps([value, {"apiVersion": value, "kind": value, "metadata": value}]).encode())


@given(st.sampled_from(PLACES), VALUES, st.booleans())
@settings(SETTINGS, max_examples=100)
def test_any_field_may_hold_anything(
    tmp_path: Path, place: tuple[Any, ...], value: Any, remove: bool
) -> None:  # hypothesis gives it.
    changed = copy.deepcopy(BASE)
    target: Any = changed
    for step in place[:-1]:
        target = target[step]
    if remove:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    answered(tmp_path, "\n---\n".join(map(json.dumps, changed)).encode())
    checked = CliRunner().invoke(cli, ["check", str(tmp_path / "any.yaml")])
    assert checked.exception is None or isinstance(checked.exception, SystemExit)
    assert checked.exit_code in (0, 1, 2)


@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
@SETTINGS
def test_any_name_is_composed_or_refused(tmp_path: Path, name: str, namespace: str) -> None:
    changed = copy.deepcopy(BASE)
    for value in changed:
        value["metadata"]["name"] = name
        if value["kind"] == "ModelDeployment":
            value["metadata"]["namespace"] = namespace
    answered(tmp_path, "\n---\n".join(map(json.dumps, changed)).encode(), "-o", "json")


@pytest.mark.parametrize("length", [1, 40, 62, 63])
@pytest.mark.parametrize("start", ["a", "7"])
def test_long_names_and_leading_digits_are_composed(tmp_path: Path, start: str, length: int) -> None:
    changed = copy.deepcopy(BASE)
    name = start + "b" * (length - 1)
    for value in changed:
        if value["kind"] == "ModelDeployment":
            value["metadata"] |= {"name": name, "namespace": name}
    file = tmp_path / "a.yaml"
    file.write_text("\n---\n".join(map(json.dumps, changed)))
    result = CliRunner().invoke(cli, ["render", str(file), "-o", "json", "--only", "remote"])
    assert (result.exit_code, result.stderr) == (0, "")
    names = [m["metadata"]["name"] for m in json.loads(result.stdout)]
    assert all(len(n) <= 63 and n[0].isalpha() for n in names)
