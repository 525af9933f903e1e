"""What packages are called, and by which version. The only place that knows our registry."""

from __future__ import annotations

import tomllib
from pathlib import Path

PREFIX = "xpkg.crossplane.io/modelplane"
CONFIGURATION = "configuration"


def checkout() -> Path:
    """The root of the checkout that this package is run from."""
    return Path(__file__).resolve().parents[4]


def version() -> str:
    """The version that all packages of this checkout have."""
    project = tomllib.loads((checkout() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"v{project['version']}"


def package(name: str) -> str:
    """Where the package of that name is published, without its version."""
    return f"{PREFIX}/{name}"
