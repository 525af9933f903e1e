"""`modelplane export`: what a control plane must not lose, as manifests."""

from __future__ import annotations

import json
from collections import Counter

import click

from cli import kubectl

HELP = """\
Print all that has to be kept of a control plane, in the order to restore it.

That is what people wrote, and the replicas that exist, marked if they hold
nodes; all else is composed again. What is being deleted is left out, and so are
Secrets: keep those where you keep secrets.

\b
Example:
  modelplane export > backup.yaml

\b
Exit codes: 0 fine, 4 the control plane cannot be reached.
"""


@click.command(name="export", help=HELP)
@kubectl.options
def command(kubeconfig: str, context: str) -> None:
    """Print what has to be kept."""
    import yaml  # noqa: PLC0415  # Help and completion need none of it.

    from cli import backup  # noqa: PLC0415  # As above.

    # By category: every kind of ours says that it is of `modelplane`.
    found = json.loads(kubectl.run(kubeconfig, context, "get", "modelplane,namespaces", "-A", "-o", "json"))
    kept = backup.select(found["items"])
    click.echo(yaml.safe_dump_all(kept, explicit_start=True, sort_keys=False, allow_unicode=True), nl=False)
    counts = Counter(m["kind"] for m in kept)
    click.echo(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing there", err=True)
