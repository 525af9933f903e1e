"""`modelplane graph`: what composes what, drawn."""

from __future__ import annotations

import click

HELP = """\
Draw what the manifests in PATH... become: who composes what, and what stands on which cluster.

PATH is a file, a folder (*.yaml, *.yml and *.json below it, but not want.yaml) or -
for standard input, as for `modelplane render`, which tells all of it. Without -o the
drawing is for the terminal: composites, and how many objects of each kind a cluster
gets from them. An SVG has every object in a box of its own.

\b
Examples:
  modelplane graph examples/12-from-nothing
  modelplane graph fleet/ models/ -o svg > fleet.svg

\b
Exit codes: 0 fine, 2 invalid input, 3 something is not placed,
4 something that is needed cannot be reached.
"""


@click.command(name="graph", help=HELP)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(allow_dash=True))
@click.option("-o", "--output", type=click.Choice(["terminal", "svg"]), default="terminal", show_default=True)
def command(paths: tuple[str, ...], output: str) -> None:
    """Draw what manifests become."""
    from cli import drawing  # noqa: PLC0415  # Help and completion need none of it.

    click.get_current_context().exit(drawing.draw(paths, output))
