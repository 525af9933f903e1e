"""`python -m release.pin`: take the versions that apt offers now into runtime.yaml."""

from __future__ import annotations

import re
import subprocess
import sys

from release.runtime import FETCHING, FILE, packages


def main() -> int:
    """Rewrite the versions and hashes; the comments stay."""
    text = FILE.read_text(encoding="utf-8")
    for package in packages(FETCHING[0]):
        version, sha256 = _candidate(package.name)
        row = rf"(- {{name: {re.escape(package.name)}, )version: .*, sha256: .*}}"
        text = re.sub(row, rf"\g<1>version: '{version}', sha256: {sha256}}}", text)
    FILE.write_text(text, encoding="utf-8")
    return 0


def _candidate(name: str) -> tuple[str, str]:
    """The version that apt would install, and the hash that its signed index gives."""
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", name], capture_output=True, text=True, check=True)
    fields = dict(re.findall(r"^(Version|SHA256): (\S+)$", shown.stdout, re.MULTILINE))
    return fields["Version"], fields["SHA256"]


if __name__ == "__main__":
    sys.exit(main())
