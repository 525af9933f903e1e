"""`python -m release.pin`: take the versions that apt offers now into runtime.yaml."""

from __future__ import annotations

import re
import subprocess
import sys

from release import debian
from release.architecture import TABLE
from release.debian import Package
from release.names import checkout
from release.runtime import FETCHING, FILE, packages


def main() -> int:
    """Rewrite the versions and hashes; the comments stay."""
    text = FILE.read_text(encoding="utf-8")
    of_each = [packages(FETCHING[0], on) for on in TABLE.values()]
    for one in zip(*of_each, strict=True):
        found = {package.architecture: _candidate(package) for package in one}
        (version,) = {version for version, _ in found.values()}
        hashes = ", ".join(f"{name}: {sha256}" for name, (_, sha256) in found.items())
        row = rf"(- name: {re.escape(one[0].name)}\n  version: ).*\n  sha256: {{.*}}"
        text = re.sub(row, rf"\g<1>'{version}'\n  sha256: {{{hashes}}}", text)
    FILE.write_text(text, encoding="utf-8")
    return 0


def _candidate(package: Package) -> tuple[str, str]:
    """The version that apt would install, and the hash that its signed index gives."""
    options = debian.lists(package.architecture, checkout() / "dist" / "cache")
    command = ["apt-cache", *options, "show", "--no-all-versions", package.asked]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    fields = dict(re.findall(r"^(Version|SHA256): (\S+)$", shown.stdout, re.MULTILINE))
    return fields["Version"], fields["SHA256"]


if __name__ == "__main__":
    sys.exit(main())
