"""`modelplane restore`: an exported control plane, into an empty one."""

from __future__ import annotations

import sys
from typing import IO, Any

import click

from cli import kubectl

INVALID = 2
HELP = """\
Create again what `modelplane export` printed: replicas, then deployments, then clusters.

The replicas run on meanwhile. Each finds its nodes reserved and its workloads in
place: nothing moves and nothing restarts. Install Crossplane and Modelplane first,
and create the Secrets with the kubeconfigs of the clusters.

\b
Example:
  modelplane restore backup.yaml

\b
Exit codes: 0 fine, 2 invalid input, 4 the control plane cannot be reached.
"""


@click.command(name="restore", help=HELP)
@click.argument("file", type=click.File("r"))
@kubectl.options
def command(file: IO[str], kubeconfig: str, context: str) -> None:
    """Create again what was exported."""
    from kit.names import SYSTEM_NAMESPACE  # noqa: PLC0415  # Help and completion need none of it.

    from cli import backup  # noqa: PLC0415  # As above.

    manifests = _read(file)
    for cluster, secret in sorted(backup.kubeconfigs(manifests).items()):
        asked = ("get", "secret", secret, "-n", SYSTEM_NAMESPACE, "--ignore-not-found")
        if not kubectl.run(kubeconfig, context, *asked):
            click.echo(f"Secret {secret} is missing: {cluster} cannot be reached until you create it.", err=True)
    for manager, stage in backup.stages(manifests):
        click.echo(_apply(kubeconfig, context, manager, stage), nl=False)


def _apply(kubeconfig: str, context: str, manager: str, stage: list[dict[str, Any]]) -> str:
    import yaml  # noqa: PLC0415  # As above.

    args = ["apply", "--server-side", "-f", "-", *([f"--field-manager={manager}"] if manager else [])]
    return kubectl.run(kubeconfig, context, *args, stdin=yaml.safe_dump_all(stage))


def _read(file: IO[str]) -> list[dict[str, Any]]:
    import yaml  # noqa: PLC0415  # As above.

    try:
        manifests = [m for m in yaml.safe_load_all(file) if m is not None]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        click.echo(f"{file.name} is no YAML: {' '.join(str(error).split())}", err=True)
        sys.exit(INVALID)
    for number, manifest in enumerate(manifests, start=1):
        if not _is_manifest(manifest):
            click.echo(f"{file.name}: document {number} is no manifest with kind and metadata.name", err=True)
            sys.exit(INVALID)
    return manifests


def _is_manifest(value: Any) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return isinstance(metadata, dict) and all(
        isinstance(text, str) and text for text in (value.get("apiVersion"), value.get("kind"), metadata.get("name"))
    )
