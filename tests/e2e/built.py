"""Packages for tests: of this checkout, and of the version before it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from local.tools.declared import built
from release import names

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "dist" / "cache"
# What is taken for the release before this one as long as there is no tag: the first whose ClusterTenants are of no namespace,
# which is nothing that an upgrade can change.
FIRST = "c3a2bd9"
_TOOLS = ("crossplane-cli", "crane", "inference-extension")
_HAS_TOOLS = f"from local import tools; assert all(tools.table()[name].place.exists() for name in {_TOOLS})"


def build(folder: Path, *functions: str, **environment: str) -> list[dict[str, str]]:
    """The index of the packages of this checkout, made into `folder`."""
    _make(sys.executable, "-m", "release", str(folder), *functions, cwd=ROOT, **environment)
    return list(json.loads((folder / "index.json").read_text()))


def previous() -> str:
    """The version before this one: PREVIOUS (a git ref, or a folder with its packages), or the last tag, or FIRST."""
    tag = ("git", "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
    found = subprocess.run(tag, cwd=ROOT, capture_output=True, text=True, check=False)
    return os.environ.get("PREVIOUS") or found.stdout.strip() or FIRST


def build_previous(work: Path) -> Path:
    """The packages of the version before this one, made by its own code in its own environment."""
    if (Path(previous()) / "index.json").is_file():
        return Path(previous())
    archive = subprocess.run(("git", "archive", previous()), cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"{previous()} is not in this clone: {archive.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        tar.extractall(work, filter="data")
    _older(work / "pyproject.toml")
    # What this checkout has downloaded need not be there any more.
    CACHE.mkdir(parents=True, exist_ok=True)
    (work / "dist").mkdir()
    (work / "dist" / "cache").symlink_to(CACHE)
    _make("make", ".venv/.ready", f"PYTHON={sys.executable}", cwd=work)
    _make("make", "packages", cwd=work, MODELPLANE_TOOLS=_tools_for(work))
    return work / "dist" / "packages"


def _older(project: Path) -> None:
    """Two builds of one version cannot be told apart; only a release has a version of its own."""
    own = f'version = "{names.version().removeprefix("v")}"'
    project.write_text(project.read_text().replace(own, 'version = "0.0.1"', 1))


def _tools_for(checkout: Path) -> str:
    """Ours, unless that version has others: building those would remove ours."""
    command = (str(checkout / ".venv" / "bin" / "python"), "-c", _HAS_TOOLS)
    environment = {**os.environ, "MODELPLANE_TOOLS": str(built())}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    return str(built() if done.returncode == 0 else checkout / ".tools")


def _make(*command: str, cwd: Path, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    told = done.stdout + done.stderr
    if "apt cannot download" in told:
        pytest.skip(told)  # An archive keeps its newest versions only, and an image may have no lists of them.
    assert done.returncode == 0, told
