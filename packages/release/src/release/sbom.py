"""What is in a function's package, as CycloneDX: Debian packages by hash, wheels by version, our own parts."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from release import names, runtime, wheels
from release.architecture import BUILDER, Architecture
from release.debian import Package

Component = dict[str, Any]


def of_function(function: str, on: Architecture = BUILDER) -> str:
    """The text of the list; the same package has the same list, so it tells no time."""
    needed = wheels.closure(function)
    ours = {name for name in needed if name in wheels.members()}
    components = [
        *(_debian(package) for package in runtime.packages(function, on)),
        *(_wheel(name, version) for name, version in wheels.versions(needed - ours).items()),
        *({"type": "library", "name": name, "version": names.version()} for name in sorted(ours - {function})),
    ]
    subject = {"type": "container", "name": names.package(function), "version": names.version()}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": subject},
        "components": components,
    }
    return json.dumps(document, indent=1) + "\n"


def _debian(package: Package) -> Component:
    return {
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": f"pkg:deb/debian/{package.name}@{quote(package.version, safe='.-')}?arch={package.architecture}&distro=debian-12",
        "hashes": [{"alg": "SHA-256", "content": package.sha256}],
    }


def _wheel(name: str, version: str) -> Component:
    return {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
