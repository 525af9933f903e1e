"""The command line, installed from wheels beside no checkout, does all that it does without one."""

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
MEMBERS = sorted(file.parent for file in ROOT.glob("[fp]*/*/pyproject.toml"))
EXAMPLE = ROOT / "examples" / "08-prefill-decode"


def _run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A virtual environment with our wheels; what is others' it has from the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheels")
    uv = (sys.executable, "-m", "uv", "--quiet")
    for member in MEMBERS:
        _run(*uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", folder / "dist", member)
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    _run(*uv, "pip", "install", "--offline", "--no-deps", "--python", python, *(folder / "dist").glob("*.whl"))
    # Of a folder that a .pth file adds no .pth file is read: the checkouts of the tests' environment are not seen.
    site = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    origin = _run(python, "-c", "import cli; print(cli.__file__)")
    assert origin.startswith(str(folder))
    return folder / "venv" / "bin" / "modelplane"


@pytest.mark.parametrize("command", ["check", "render", "graph"])
def test_it_needs_no_checkout(installed, command):
    assert _run(installed, command, EXAMPLE) == _run(sys.executable, "-m", "cli.main", command, EXAMPLE)


def test_a_lock_names_the_packages_of_the_wheels_version(installed):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    locked = yaml.safe_load(_run(installed, "lock", EXAMPLE))
    assert locked == yaml.safe_load(_run(sys.executable, "-m", "cli.main", "lock", EXAMPLE))
    ours = [row["package"] for row in locked["packages"] if "/modelplane/" in row["package"]]
    assert ours
    assert {package.rpartition(":")[2] for package in ours} == {f"v{version}"}


def test_every_command_can_be_asked_for_help(installed):
    from cli.main import COMMANDS

    for command in COMMANDS:
        assert command in _run(installed, command, "--help")


def test_whoever_installs_the_command_line_gets_the_functions_that_it_calls():
    needed = tomllib.loads((ROOT / "packages" / "cli" / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {m.name for m in MEMBERS if m.parent.name == "functions"} <= set(needed)


def test_all_members_have_one_version():
    projects = [
        tomllib.loads(file.read_text())["project"]
        for file in (ROOT / "pyproject.toml", *(m / "pyproject.toml" for m in MEMBERS))
    ]
    assert len({project["version"] for project in projects}) == 1
