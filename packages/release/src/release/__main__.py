"""`python -m release [--arm64] [FOLDER [FUNCTION…]]`: build the packages, with one line per package."""

from __future__ import annotations

import sys
from pathlib import Path

from local.errors import LocalError
from rich.console import Console

from release import packages
from release.architecture import AMD64, ARM64
from release.errors import ReleaseError
from release.names import checkout


def main(arguments: list[str]) -> int:
    """Build, and answer with the exit code."""
    console, dist = Console(highlight=False), checkout() / "dist"
    on = ARM64 if "--arm64" in arguments else AMD64
    given = [each for each in arguments if not each.startswith("-")]
    folder = Path(given[0]) if given else dist / ("packages" if on is AMD64 else "packages-arm64")
    try:
        for built in packages.build(folder, dist / "cache", given[1:], on):
            size = (folder / built.file).stat().st_size / 1e6
            console.print(f"{built.name} {built.version}: {size:.1f} MB, {built.digest}", soft_wrap=True)
    except (ReleaseError, LocalError) as trouble:
        Console(stderr=True, highlight=False).print(str(trouble), markup=False, soft_wrap=True)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
