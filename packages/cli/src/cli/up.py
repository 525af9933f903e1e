"""`modelplane up`: a real control plane and workload clusters as processes of this machine."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.local_errors import sentences, state_option


@click.command("up", short_help="Start a real control plane and workload clusters on this machine.")
@click.option(
    "--clusters", type=click.IntRange(0, 16), help="How many workload clusters; 1 at first, then as many as there are."
)
@click.option(
    "--nodes",
    type=click.IntRange(0, 1000),
    help="At most this many nodes per workload cluster, to play fewer than declared.",
)
@click.option(
    "--kubeconfig/--no-kubeconfig",
    default=True,
    help="Add contexts to $KUBECONFIG or ~/.kube/config and make `modelplane` current.",
)
@click.option(
    "--stack",
    is_flag=True,
    help="Bare workload clusters, provider-helm, and a registry with the charts of the serving stack.",
)
@click.option(
    "--packages",
    type=click.Path(file_okay=False, path_type=Path),
    help="Install the packages that `make packages` wrote to this folder, as their users do; needs root.",
)
@click.option(
    "--install/--no-install",
    default=True,
    help="With --packages: install them, or leave it to you, with nothing but Crossplane; the next `up` runs them.",
)
@click.option(
    "--data-path",
    is_flag=True,
    help="Run the pods of known images, in network namespaces, behind the gateways of the serving stack; needs root.",
)
@click.option(
    "--envoy-alone",
    is_flag=True,
    help="With --data-path: Envoy told by us in the place of the gateways' controllers, to be quicker.",
)
@state_option
@sentences
def command(**asked: Any) -> None:
    """Start etcd, API servers, Crossplane, the functions and workload clusters, and return when all is ready.

    What runs already is left alone and what died is started again; more clusters can be added, not removed.
    It needs the tools that `make tools` builds.

    \b
    Example:
      modelplane up --clusters 3
      kubectl apply -f examples/01-standalone
    """
    import local  # noqa: PLC0415  # Imported late so that --help stays fast.

    console, start = Console(highlight=False), time.monotonic()
    with console.status("Starting") as spinner:

        def tell(name: str, what: str) -> None:
            spinner.update(f"{name}: {what}")
            if what != "running" and not (console.is_terminal and what == "started"):
                console.print(f"{time.monotonic() - start:5.1f} s  {name} {what}", markup=False, soft_wrap=True)

        cluster = local.up(local.Options(**asked), tell)
    console.print(f"Ready after {time.monotonic() - start:.1f} s, with {_count(cluster.clusters)}.")
    if cluster.registry:
        told = f"The charts of the serving stack are at {cluster.registry}: give it as spec.servingStack.registry."
        console.print(told, markup=False, soft_wrap=True)
    if cluster.components:
        told = json.dumps(cluster.components)
        told = f"Pods run here: give its components of the gateway as spec.servingStack.components, too: {told}"
        console.print(told, markup=False, soft_wrap=True)
    if cluster.packages:
        told = f"Push packages to {cluster.packages}, install them (docs/how-to/install.md), then run `modelplane up` again."
        console.print(told, markup=False, soft_wrap=True)
    if cluster.context:
        console.print(f"kubectl uses the context {cluster.context}.", markup=False, soft_wrap=True)
    else:
        console.print(f"export KUBECONFIG={cluster.kubeconfig}", markup=False, soft_wrap=True)


def _count(clusters: int) -> str:
    return "1 workload cluster" if clusters == 1 else f"{clusters} workload clusters"
