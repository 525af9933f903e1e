"""What holds for all rules: order, silence, and that nothing odd is ever a traceback."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from contract.check import TABLE, check
from contract.findings import Severity
from contract.read import IGNORE
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = Path(__file__).parent / "fixtures"
DOCUMENTS = [yaml.safe_load(p.read_text(encoding="utf-8")) for p in sorted(FIXTURES.glob("*/*.yaml"))]
DEPLOYMENT = yaml.safe_load((FIXTURES / "decode-port" / "fails.yaml").read_text(encoding="utf-8"))
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _broken():
    """A deployment with two errors and two warnings."""
    value = copy.deepcopy(DEPLOYMENT)
    prefill = value["spec"]["engines"][0]["members"][0]["template"]["spec"]["containers"][0]["args"]
    prefill += ["--max-model-len", "1024", "--port", "9000"]
    value["spec"]["serving"]["disaggregation"] = {"nonCachedTokens": 1}
    return value


def test_errors_come_before_warnings_and_then_by_field():
    assert [(f.id, f.severity) for f in check(_broken())] == [
        ("engine-port", Severity.ERROR),
        ("decode-port", Severity.ERROR),
        ("max-model-len-differs", Severity.WARNING),
        ("threshold-below-block", Severity.WARNING),
    ]


@pytest.mark.parametrize(
    "written", ["engine-port,decode-port", " decode-port , engine-port ", "decode-port engine-port"]
)
def test_what_is_silenced_comes_last_and_does_not_count(written):
    value = _broken()
    value["metadata"]["annotations"] = {IGNORE: written}
    assert [(f.id, f.silenced, f.counts) for f in check(value)] == [
        ("max-model-len-differs", False, False),
        ("threshold-below-block", False, False),
        ("engine-port", True, False),
        ("decode-port", True, False),
    ]


def test_broken_json_is_told_with_its_position():
    value = copy.deepcopy(DEPLOYMENT)
    value["spec"]["engines"][1]["members"][0]["template"]["spec"]["containers"][0]["args"] = [
        "--port=8001",
        '--kv-transfer-config={"kv_connector": "NixlConnector" "kv_role": "kv_both"}',
    ]
    (found,) = check(value)
    assert found.sentence.startswith(
        "--kv-transfer-config is not a JSON object: Expecting ',' delimiter at character 34"
    )
    assert found.field == "spec.engines[1].members[0].template.spec.containers[0].args[1]"


def test_a_replica_is_read_like_a_deployment():
    replica = {**copy.deepcopy(DEPLOYMENT), "kind": "ModelReplica"}
    for engine in replica["spec"]["engines"]:
        engine["members"][0]["deviceRequests"] = [{"name": "gpu", "deviceClassName": "gpu.nvidia.com", "count": 1}]
    assert [f.id for f in check(replica)] == ["decode-port"]


def test_every_rule_says_what_breaks_and_how_that_is_known():
    for rule in TABLE:
        assert rule.breaks.endswith(".")
        assert rule.source
        assert rule.id == rule.id.lower().replace(" ", "-")


def _places(value, path=()):
    yield path
    for key, below in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from _places(below, (*path, key))


@given(st.data())
def test_nothing_odd_in_a_deployment_is_a_traceback(data):
    """Whatever stands at any place of any fixture, the rules answer with sentences."""
    value = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    place = data.draw(st.sampled_from(list(_places(value))[1:]))
    at = value
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = data.draw(ODD)
    found = check(value)
    assert found == check(json.loads(json.dumps(value)))
    assert all(f.sentence and f.fix and not f.sentence.endswith(".") for f in found)


@given(ODD)
def test_nothing_odd_instead_of_a_deployment_is_a_traceback(value):
    assert check(value) == []
