"""What `modelplane lock` prints, and its exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from offline import output
from release import lock as locks

from cli.rendering import Wish, rendered


def lock(paths: Sequence[str], packages: str | None) -> int:
    """Print the list to standard output; returns the exit code."""
    code, result = rendered(Wish(paths))
    if result:
        found = locks.lock(output.manifests(result), Path(packages) if packages else None)
        click.echo(output.as_yaml([found]), nl=False)
    return code
