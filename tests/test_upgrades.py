"""What an upgrade cannot change has not changed since the version before this one: an early word; e2e does the upgrade."""

import subprocess
from pathlib import Path

import built
import pytest
import yaml
from schemas import apis

ROOT = Path(__file__).resolve().parents[1]
OLDER = built.previous()
# Kubernetes refuses other values of these on a kind that is installed.
IMMUTABLE = ("group", "scope", "names")


def _before(name):
    plural = name.partition(".")[0]
    shown = subprocess.run(
        ("git", "show", f"{OLDER}:apis/{plural}/definition.yaml"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    return yaml.safe_load(shown.stdout) if shown.returncode == 0 else None


@pytest.fixture(scope="module", autouse=True)
def _history():
    known = ("git", "cat-file", "-e", f"{OLDER}^{{commit}}")
    if subprocess.run(known, cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip(f"{OLDER} is not in this clone")


@pytest.mark.parametrize("xrd", apis.definitions(), ids=lambda xrd: xrd["spec"]["names"]["plural"])
def test_a_kind_is_still_what_it_was(xrd):
    before = _before(xrd["metadata"]["name"])
    if before is None:
        pytest.skip("it is new")
    for field in IMMUTABLE:
        assert _identity(xrd, field) == _identity(before, field)
    served = {v["name"] for v in before["spec"]["versions"] if v["served"]}
    assert served <= {v["name"] for v in xrd["spec"]["versions"] if v["served"]}


def _identity(xrd, field):
    value = xrd["spec"][field]
    return (value["kind"], value["plural"]) if field == "names" else value


@pytest.mark.parametrize("xrd", apis.definitions(), ids=lambda xrd: xrd["spec"]["names"]["plural"])
def test_no_field_that_somebody_may_have_written_is_gone(xrd):
    before = _before(xrd["metadata"]["name"])
    if before is None:
        pytest.skip("it is new")
    assert _fields(before) - _fields(xrd) == set()


def _fields(xrd):
    found = set()

    def walk(schema, path):
        for name, below in schema.get("properties", {}).items():
            found.add((f"{path}.{name}", below.get("type", "")))
            walk(below, f"{path}.{name}")
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                walk(schema[key], f"{path}[]")

    walk(xrd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"], "spec")
    return found
