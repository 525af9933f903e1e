"""The locked wheels that a member of this workspace needs, and no others."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.architecture import Architecture
from release.errors import ReleaseError
from release.names import checkout
from release.tree import Node, read, without

# What markers ask about the image's Python, whatever Python builds it.
_ENVIRONMENT = {
    "python_version": "3.11",
    "python_full_version": "3.11.2",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
    "extra": "",
}


@cache
def members() -> dict[str, Path]:
    """The members of this workspace: name to folder."""
    files = sorted([*checkout().glob("packages/*/pyproject.toml"), *checkout().glob("functions/*/pyproject.toml")])
    return {_project(file)["name"]: file.parent for file in files}


def closure(name: str) -> set[str]:
    """All that `name` needs at run time, itself included: members and distributions."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = canonicalize_name(waiting.pop())
        if each not in found:
            found.add(each)
            waiting += _needs(each)
    return found


def locked(names: Iterable[str]) -> dict[str, str]:
    """The entries of requirements.txt, version and hashes, of these distributions."""
    text = (checkout() / "requirements.txt").read_text(encoding="utf-8")
    entries = re.findall(r"^([A-Za-z0-9._-]+)(==.*(?:(?<=\\)\n.*)*)", text, re.MULTILINE)
    lock = {canonicalize_name(n): f"{n}{rest}" for n, rest in entries}
    wanted = {canonicalize_name(n) for n in names}
    missing = sorted(wanted - set(lock))
    if missing:
        raise ReleaseError(f"{', '.join(missing)} not in requirements.txt: run `make lock`")
    return {n: lock[n] for n in sorted(wanted)}


def versions(names: Iterable[str]) -> dict[str, str]:
    """The locked version of each distribution."""
    return {n: re.split(r"[\s;\\]", text.partition("==")[2], maxsplit=1)[0] for n, text in locked(names).items()}


def install(names: Iterable[str], prefix: str, drop: Iterable[str], on: Architecture) -> dict[str, Node]:
    """The files of these distributions under `prefix`, by their hashes, without what matches `drop`."""
    with tempfile.TemporaryDirectory() as work:
        folder, requirements = Path(work, "lib"), Path(work, "requirements.txt")
        requirements.write_text("\n".join(locked(names).values()), encoding="utf-8")
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary=:all:", "--target", str(folder), "--link-mode=copy", "--python-version=3.11"]
        command += [f"--python-platform={on.wheels}", "-r", str(requirements)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ReleaseError(f"The locked wheels cannot be fetched: {done.stderr.strip()}")
        return without(read(folder, prefix), drop)


def sources(names: Iterable[str], prefix: str) -> dict[str, Node]:
    """The Python packages of these members under `prefix`."""
    found: dict[str, Node] = {}
    for name in sorted(names):
        found |= {
            path: node
            for path, node in read(members()[name] / "src", prefix).items()
            if "__pycache__" not in path and not path.endswith("/py.typed") and ".egg-info/" not in path
        }
    return found


def _needs(name: str) -> list[str]:
    """What a member's pyproject.toml or a distribution's metadata asks for, here and without extras."""
    if name in members():
        asked = _project(members()[name] / "pyproject.toml").get("dependencies", [])
    else:
        asked = importlib.metadata.requires(name) or []
    wanted = [Requirement(text) for text in asked]
    return [r.name for r in wanted if r.marker is None or r.marker.evaluate(_ENVIRONMENT)]


def _project(file: Path) -> Mapping[str, Any]:
    project: Mapping[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    return project
