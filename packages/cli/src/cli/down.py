"""`modelplane down`: no process, port, context or file is left."""

from __future__ import annotations

from pathlib import Path

import click

from cli.local_errors import sentences, state_option


@click.command("down", short_help="Stop the local control plane and leave nothing behind.")
@state_option
@sentences
def command(state: Path | None) -> None:
    """Stop every process of the local control plane and remove its files and kubectl contexts.

    It is fine when nothing runs, also after a crash or a reboot.
    """
    import local  # noqa: PLC0415  # Imported late so that --help stays fast.

    done = local.down(state)
    click.echo("Stopped; nothing is left." if done else "Nothing was running.")
