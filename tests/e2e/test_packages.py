"""Packages as their users have them: built the same each time, installed by Crossplane, run from their images.

The tests of this file follow one another on one control plane, which has nothing but Crossplane at first.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import local
import pytest
from built import build
from compose_serving_stack import parts
from local import images
from local.testing import Plane, start
from release.names import version
from release.wheels import closure, members
from schemas import apis

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
# Run in the image: every module of our packages, besides those for tests and for reading apis/.
LEFT_OUT = ("kit.testing", "scheduling.testing", "schemas.apis")
IMPORT_ALL = """
import importlib, pkgutil
for package in {packages}:
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if found.name not in {left_out} and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    print(package)
"""
# It has every kind of layer.
LARGEST = "compose-model-deployment"


@pytest.fixture(scope="module")
def cluster(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plane, local.Cluster]]:
    """A control plane that got Modelplane from these packages."""
    plane, cluster = start(tmp_path_factory.mktemp("plane") / "state", clusters=1, packages=packages)
    try:
        yield plane, cluster
    finally:
        cluster.down()


def test_built_again_in_another_place_they_are_the_same_bytes(packages: Path, tmp_path: Path) -> None:
    first = {row["name"]: row for row in json.loads((packages / "index.json").read_text())}
    again = build(tmp_path / "again", LARGEST, TMPDIR=str(tmp_path), PYTHONHASHSEED="7")
    assert [row["name"] for row in again] == [LARGEST, "configuration"]
    assert again == [first[row["name"]] for row in again]


def test_for_arm64_they_are_the_same_files_and_other_binaries(packages: Path, tmp_path: Path) -> None:
    """No machine here runs them; what they are made of can be seen."""
    build(tmp_path / "arm64", "--arm64", LARGEST)
    file = f"{LARGEST}-{version()}.xpkg"
    here, there = (_files(folder / file, tmp_path / folder.name) for folder in (packages, tmp_path / "arm64"))
    assert set(here.values()) == {None, 62}
    assert set(there.values()) == {None, 183}
    assert {_plain(name) for name in here} == {_plain(name) for name in there}


def _files(package: Path, layers: Path) -> dict[str, int | None]:
    """Every file of the image, with the machine that it is for if it is a binary."""
    found = {}
    for layer in images.unpack(package, layers).layers:
        for path in layer.rglob("*"):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                is_binary = data.startswith(b"\x7fELF")
                found[str(path.relative_to(layer))] = int.from_bytes(data[18:20], "little") if is_binary else None
    return found


def _plain(name: str) -> str:
    return re.sub(r"ld-linux-.*", "ld-linux", re.sub(r"x86_64|aarch64", "machine", name))


@pytest.mark.parametrize("function", apis.function_names())
def test_every_module_of_a_function_can_be_imported_in_its_image(function: str, packages: Path, tmp_path: Path) -> None:
    """What is left out of the image is not missed, also not by what is imported late."""
    ours = sorted(
        path.name for name in closure(function) & set(members()) for path in (members()[name] / "src").iterdir()
    )
    image = images.unpack(packages / f"{function}-{version()}.xpkg", packages / "layers")
    script = IMPORT_ALL.format(packages=[p for p in ours if "." not in p], left_out=LEFT_OUT)
    started = replace(image, config={**image.config, "Entrypoint": ["/usr/bin/python3.11", "-c", script]})
    (tmp_path / "root").mkdir()
    (tmp_path / "own").mkdir()
    command = images.command(started, tmp_path / "root", tmp_path / "own", ())
    done = subprocess.run(command, env=images.environment(image), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert function.replace("-", "_") in done.stdout


def test_the_stack_brings_the_definitions_that_it_installs(packages: Path) -> None:
    image = images.unpack(packages / f"compose-serving-stack-{version()}.xpkg", packages / "layers")
    wanted = [pattern for part in parts.table() for pattern in part.kinds]
    assert wanted
    for pattern in wanted:
        assert any(list(layer.rglob(f"compose_serving_stack/kinds/{pattern}")) for layer in image.layers), pattern


def test_the_package_manager_finds_everything_healthy(cluster: tuple[Plane, local.Cluster]) -> None:
    plane, _ = cluster
    (configuration,) = plane.kubectl.get("configurations.pkg.crossplane.io")
    assert _is_true(configuration, "Healthy")
    functions = {f["metadata"]["name"] for f in plane.kubectl.get("functions.pkg.crossplane.io")}
    assert functions == {f"{apis.FUNCTION_PREFIX}{name}" for name in apis.function_names()}


def test_functions_run_as_nobody_in_their_own_file_systems(cluster: tuple[Plane, local.Cluster]) -> None:
    _, control_plane = cluster
    for name in apis.function_names():
        record = control_plane.state.book.find(name)
        assert record
        process = Path("/proc", str(record.pid))
        assert "Uid:\t65532\t65532\t65532\t65532" in (process / "status").read_text()
        root = process / "root"
        assert not (root / "usr/bin/sh").exists()
        assert not (root / "work").exists()
        assert (root / "usr/local/lib/python3.11/dist-packages" / name.replace("-", "_")).is_dir()


def test_the_first_example_becomes_ready(cluster: tuple[Plane, local.Cluster]) -> None:
    plane, _ = cluster
    plane.kubectl("apply", "-f", str(ROOT / "examples" / "01-standalone"))
    plane.wait("qwen is Ready", lambda: plane.condition("md", "qwen", "Ready").get("status") == "True")
    assert len(plane.kubectl.get("mr")) == 1


def test_nothing_is_left_when_it_is_down(cluster: tuple[Plane, local.Cluster]) -> None:
    _, control_plane = cluster
    folder = control_plane.state.folder
    control_plane.down()
    assert not folder.exists()
    assert str(folder) not in Path("/proc/mounts").read_text()


def _is_true(manifest: dict[str, Any], type: str) -> bool:
    return any(c["type"] == type and c["status"] == "True" for c in manifest.get("status", {}).get("conditions", []))
