"""`modelplane lock`: everything that a fleet fetches, for mirrors and for review."""

from __future__ import annotations

import click

HELP = """\
List every package, image and model that the manifests in PATH... make a fleet fetch.

PATH is a file, a folder (*.yaml, *.yml and *.json below it, but not want.yaml) or -
for standard input: the fleet and its models. It is rendered, so that what Modelplane
adds (pickers, sidecars) is in the list as it is on the clusters. A digest is null
where nobody has told it: name images by digest, and give --packages.

\b
Examples:
  modelplane lock examples/08-prefill-decode
  modelplane lock fleet/ models/ --packages dist/packages > lock.yaml

\b
Exit codes: 0 fine, 2 invalid input, 3 something is not placed, so that the list may
be too short, 4 something that is needed cannot be reached.
"""


@click.command(name="lock", help=HELP)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(allow_dash=True))
@click.option(
    "--packages",
    type=click.Path(file_okay=False, exists=True),
    help="The folder that `make packages` wrote to, for the digests of packages.",
)
def command(paths: tuple[str, ...], packages: str | None) -> None:
    """List what a fleet fetches."""
    from cli import locking  # noqa: PLC0415  # Help and completion need none of it.

    click.get_current_context().exit(locking.lock(paths, packages))
