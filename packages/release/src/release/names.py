"""What packages are called, and by which version. The only place that knows our registry."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

from release.errors import ReleaseError

PREFIX = "xpkg.crossplane.io/modelplane"
CONFIGURATION = "configuration"
_ROOT = Path(__file__).resolve().parents[4]
_PROJECT = _ROOT / "pyproject.toml"


def checkout() -> Path:
    """The root of the checkout that this package is run from."""
    if not _is_checkout():
        raise ReleaseError("Packages are built from a checkout of Modelplane, not from an installed wheel")
    return _ROOT


def version() -> str:
    """The version that all packages of this checkout have, or those of the installed wheel's release."""
    if not _is_checkout():
        return f"v{importlib.metadata.version('modelplane-release')}"
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    return f"v{project['version']}"


def package(name: str) -> str:
    """Where the package of that name is published, without its version."""
    return f"{PREFIX}/{name}"


def _is_checkout() -> bool:
    return _PROJECT.is_file() and (_ROOT / "packages" / "release").is_dir()
