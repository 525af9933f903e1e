"""`modelplane check`: whether the parts of deployments fit together, before anything runs."""

from __future__ import annotations

import click

HELP = """\
Check whether the ModelDeployments in PATH... can work: ports, connectors, roles, block sizes, GPUs, selectors, the picker.

PATH is a file, a folder (*.yaml, *.yml and *.json below it, but not want.yaml) or -
for standard input. What a control plane would refuse is told first. Each finding has
an id; docs/reference/contract.md says for each what breaks and how that is known.
Whatever names a version (a cluster's stack, an image, a node of `kubectl get nodes
-o yaml`) is held against the versions that were run: docs/reference/compatibility.md.

\b
Silence a rule on one deployment, for a reason you know better:
  metadata: {annotations: {modelplane.ai/contract-ignore: "gpus-idle"}}

\b
Examples:
  modelplane check deployment.yaml
  modelplane check deployments/ -o json
  kubectl get modeldeployments -A -o yaml | modelplane check -

\b
Exit codes: 0 nothing or only warnings, 1 errors that nobody silenced,
2 invalid input, 4 something that is needed cannot be reached.
"""


@click.command(name="check", help=HELP)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(allow_dash=True))
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(paths: tuple[str, ...], output: str) -> None:
    """Check deployments before anything runs."""
    from cli import checking  # noqa: PLC0415  # Help and completion need none of it.

    click.get_current_context().exit(checking.check(paths, output))
