"""The list of what is in a package names every part by version, and is the same each time."""

import json

import pytest
from release import runtime, sbom, wheels
from schemas import apis


@pytest.mark.parametrize("function", apis.function_names())
def test_every_part_is_listed_with_its_version(function):
    listed = json.loads(sbom.of_function(function))["components"]
    parts = {*(p.name for p in runtime.packages(function)), *wheels.closure(function)} - {function}
    assert sorted(c["name"] for c in listed) == sorted(parts)
    assert all(c["version"] for c in listed)


def test_a_debian_package_is_named_as_scanners_do():
    listed = json.loads(sbom.of_function("compose-model-endpoint"))["components"]
    purls = {c["name"]: c.get("purl") for c in listed}
    assert purls["zlib1g"].startswith("pkg:deb/debian/zlib1g@1%3A1.2.13")
    assert purls["grpcio"] == f"pkg:pypi/grpcio@{wheels.versions(['grpcio'])['grpcio']}"
