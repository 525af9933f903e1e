"""`modelplane status`: the processes of the local control plane."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from cli.local_errors import sentences, state_option

if TYPE_CHECKING:
    import local


@click.command("status", short_help="Show the processes of the local control plane.")
@state_option
@sentences
def command(state: Path | None) -> None:
    """Show each process of the local control plane; exit with 4 if one is dead or nothing runs."""
    import local  # noqa: PLC0415  # Imported late so that --help stays fast.

    processes = local.status(state)
    if not processes:
        click.echo("Nothing runs here: `modelplane up` starts a control plane.", err=True)
        sys.exit(4)
    table = Table("NAME", "PID", "STATE", "UPTIME", "MEMORY", "PORT", box=None, pad_edge=False, header_style="")
    for each in processes:
        table.add_row(each.name, str(each.pid or "-"), each.state, *_facts(each))
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)
    dead = [each.name for each in processes if each.state != "running"]
    if dead:
        click.echo(f"{', '.join(dead)} not running: `modelplane up` starts what is missing.", err=True)
        sys.exit(4)


def _facts(process: local.Process) -> tuple[str, str, str]:
    port = str(process.port) if process.port else "-"
    if process.state != "running":
        return "-", "-", port
    minutes, seconds = divmod(int(process.uptime), 60)
    hours, minutes = divmod(minutes, 60)
    uptime = f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"
    return uptime, f"{process.memory // 2**20} MiB", port
