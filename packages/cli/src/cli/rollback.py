"""`modelplane rollback md/NEW`: what a promotion has shifted goes back, replica by replica."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.promote import shared

HELP = """\
Take a promotion of md/NEW back, from wherever it stands.

The old deployment gets its replicas again, each is ready and called before one of the new
ones is given up; in the end replicas and weights are what they were before. No gate
is looked at, since the old one is what was proven. With --trace requests are sent through
the service meanwhile, and each that is lost is told.

\b
Example:
  modelplane rollback md/qwen-pd

\b
Exit codes: 0 all is as before, 1 it is, and more requests were lost, 2 invalid input,
4 something that is needed cannot be reached, or does not come in time.
"""


@click.command(name="rollback", help=HELP)
@click.argument("new", metavar="md/NEW")
@click.option("--trace", "file", type=click.Path(path_type=Path), help="Requests to send meanwhile.")
@click.option("--errors", type=click.IntRange(0), default=0, show_default=True, help="Requests that may be lost.")
@shared
def command(**asked: Any) -> None:
    """Roll a promotion back."""
    from cli import promoting  # noqa: PLC0415  # Help and completion need none of it.
    from cli.prove import Plane  # noqa: PLC0415  # As above.

    plane = Plane(asked.pop("kubeconfig"), asked.pop("context"), asked.pop("namespace"))
    words = f"modelplane rollback {asked['new']}"
    promoting.sentences(words, lambda: promoting.rollback(promoting.Settings(plane, **asked), click.echo))
