"""Every rule finds what it is for, and nothing else; a correct manifest passes without a word."""

from pathlib import Path

import pytest
import yaml
from contract.check import BY_ID, TABLE, check

FIXTURES = Path(__file__).parent / "fixtures"


def _findings(rule, name):
    return check(yaml.safe_load((FIXTURES / rule / name).read_text(encoding="utf-8")))


def test_every_rule_has_fixtures_and_every_fixture_a_rule():
    assert {p.name for p in FIXTURES.iterdir()} == set(BY_ID)
    assert len(BY_ID) == len(TABLE)


@pytest.mark.parametrize("rule", sorted(BY_ID))
def test_a_rule_finds_what_it_is_for_and_nothing_else(rule):
    found = _findings(rule, "fails.yaml")
    assert {(f.id, f.severity) for f in found} == {(rule, BY_ID[rule].severity)}


@pytest.mark.parametrize("rule", sorted(BY_ID))
def test_a_correct_manifest_passes_without_a_word(rule):
    assert _findings(rule, "passes.yaml") == []


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("python3 -m sglang.launch_server --model-path m --port 8000", ["engine-host"]),
        ("trtllm-serve m", ["engine-host"]),
        ("trtllm-serve m --host 0.0.0.0", []),
        ("vllm serve m", []),
    ],
)
def test_an_engine_whose_default_host_is_its_own_pod_is_refused(command, found):
    container = {"name": "engine", "image": "example.com/any:v1", "command": command.split()}
    devices = [{"name": "gpu", "count": 1, "selectors": [{"cel": 'device.driver == "gpu.nvidia.com"'}]}]
    member = {"nodeSelector": {"devices": devices}, "template": {"spec": {"containers": [container]}}}
    findings = check({"spec": {"engines": [{"name": "main", "members": [member]}]}})
    assert [f.id for f in findings] == found
