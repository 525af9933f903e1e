"""A version that nobody has run is told, wherever a manifest names it; and the table says what the tests run."""

import dataclasses

import pytest
from compose_serving_stack import parts
from contract.findings import spell
from local import tools
from release import compatibility

ROWS = compatibility.table()
WITH_TOOL = [row for row in ROWS if row.tool]
# NVIDIA's chart is a stand-in in tests; the definitions come with the function, at no version of the user's.
NOT_CHOSEN = ("nvidiaDraDriver", "inferenceExtension")


def told(manifest):
    return [(spell(f.path), f.sentence, f.silenced) for f in compatibility.check(manifest)]


def _set(path, value):
    for step in reversed(path):
        value = {step: value}
    return value


@pytest.mark.parametrize("row", WITH_TOOL, ids=lambda row: row.name)
def test_what_is_called_tested_is_what_the_tests_run(row):
    assert tools.table()[row.tool].version == row.version


def test_what_the_stack_installs_is_what_was_run():
    installed = {part.component: part.version for part in parts.table() if part.component not in NOT_CHOSEN}
    tested = {row.component: row for row in ROWS if row.component}
    assert set(tested) == set(installed)
    assert all(tested[name].version.lstrip("v") == version.lstrip("v") for name, version in installed.items())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_way_to_name_a_version_is_read(row):
    """What was run is no finding, in any place; what was not is one, at that place."""
    kinds = {*row.fields, *(("InferenceCluster", "ServingStack") if row.component else ())}
    named = [({"kind": kind, **_set(path, "VERSION")}, path) for kind in sorted(kinds) for path in row.paths(kind)]
    named += [(_set(("spec", "image"), f"example.com/{image}:VERSION"), ("spec", "image")) for image in row.images]
    assert named
    for manifest, path in named:
        for version, is_found in (*((known, False) for known in row.versions), ("v0.0.7", True)):
            at = compatibility.check(_replace(manifest, version))
            assert [f.path for f in at] == ([path] if is_found else []), (path, version)


def _replace(value, version):
    if isinstance(value, dict):
        return {key: _replace(below, version) for key, below in value.items()}
    return value.replace("VERSION", version)


@pytest.mark.parametrize(
    ("version", "covered"),
    [
        pytest.param("v1.36.3", True, id="the-one"),
        pytest.param("1.36.0-gke.1020", True, id="a-patch-of-a-cloud"),
        pytest.param("v1.35.3", False, id="an-older-minor"),
        pytest.param("v2.36.3", False, id="another-major"),
        pytest.param("latest", False, id="no-version"),
        pytest.param("v1", False, id="half-a-version"),
    ],
)
def test_a_release_is_covered_by_its_minor_number(version, covered):
    row = next(row for row in ROWS if row.name == "Kubernetes")
    assert row.covers(version) is covered
    assert dataclasses.replace(row, also=(version,)).covers("v1.36.9")


def test_an_image_without_a_version_says_so_and_a_digest_says_nothing():
    sidecar = "ghcr.io/llm-d/llm-d-routing-sidecar"
    assert told({"image": f"{sidecar}:latest"}) == [
        ("image", "latest does not tell which release of Routing sidecar it is", False)
    ]
    assert told({"image": f"{sidecar}@sha256:{'0' * 64}"}) == []
    assert told({"image": f"localhost:5000/llm-d/llm-d-routing-sidecar@sha256:{'0' * 64}"}) == []


def test_an_image_of_another_name_is_not_taken_for_one_of_these():
    assert told({"image": "example.com/my-llm-d/llm-d-routing-sidecar:v9.9.9"}) == []
    assert told({"image": "example.com/kubelet-exporter:v9.9.9"}) == []


def test_a_finding_can_be_silenced_like_any_other():
    annotations = {"modelplane.ai/contract-ignore": "untested-version"}
    node = {
        "kind": "Node",
        "metadata": {"annotations": annotations},
        "status": {"nodeInfo": {"kubeletVersion": "v1.1.1"}},
    }
    assert [silenced for *_, silenced in told(node)] == [True]


@pytest.mark.parametrize(
    "odd", [{}, {"kind": 1}, {"kind": "Node", "status": []}, {"spec": {"image": 7}}, {"image": ":"}]
)
def test_odd_manifests_are_no_trouble(odd):
    assert told(odd) == []
