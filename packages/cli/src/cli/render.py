"""`modelplane render`: what manifests become, without a control plane."""

from __future__ import annotations

import click

HELP = """\
Show what the manifests in PATH... become: every composed object, on every cluster.

PATH is a file, a folder (*.yaml, *.yml and *.json below it, but not want.yaml) or -
for standard input. Together the paths are everything that should exist: with
--state, what the earlier result has and they have not is deleted.

\b
Examples:
  modelplane render examples/01-standalone
  modelplane render fleet/ deployment.yaml -o yaml --only remote
  cat *.yaml | modelplane render - -o json
  modelplane render fleet/ --not-ready InferenceCluster/eu-1
  modelplane render fleet/ --save before && vi fleet/a.yaml
  modelplane render fleet/ --state before

\b
Exit codes: 0 fine, 2 invalid input, 3 something is not placed,
4 something that is needed cannot be reached.
"""


@click.command(name="render", help=HELP)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(allow_dash=True))
@click.option("-o", "--output", type=click.Choice(["tree", "yaml", "json"]), default="tree", show_default=True)
@click.option("--only", type=click.Choice(["remote", "composites"]), help="Only what clusters get, or only the rest.")
@click.option("--not-ready", "lost", multiple=True, metavar="KIND/NAME", help="Simulate the loss of an object.")
@click.option("--state", type=click.Path(file_okay=False), help="Start from an earlier result; show what changes.")
@click.option("--save", type=click.Path(file_okay=False), help="Write the result to a folder, for --state.")
def command(**wish: object) -> None:
    """Show what manifests become, without a control plane."""
    from cli import rendering  # noqa: PLC0415  # Help and completion need none of it.

    click.get_current_context().exit(rendering.render(rendering.Wish(**wish)))  # type: ignore[arg-type]  # As declared above.
