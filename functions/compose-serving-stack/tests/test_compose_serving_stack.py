from pathlib import Path

import pytest
import yaml
from compose_serving_stack import function, parts
from kit import wire
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
