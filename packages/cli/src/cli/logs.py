"""`modelplane logs NAME`: what one process of the local control plane has written."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import BinaryIO

import click

from cli.local_errors import sentences, state_option


@click.command("logs", short_help="Print the log of one of its processes.")
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is written.")
@state_option
@sentences
def command(name: str, follow: bool, state: Path | None) -> None:
    """Print the log of one process of the local control plane; `modelplane status` lists the names.

    \b
    Example:
      modelplane logs crossplane -f
    """
    import local  # noqa: PLC0415  # Imported late so that --help stays fast.

    file = local.logs(name, state)
    with file.open("rb") as log:
        try:
            _print(log)
            while follow and file.exists():
                time.sleep(0.2)
                _print(log)
        except BrokenPipeError:
            sys.stderr.close()  # The reader has seen enough.


def _print(log: BinaryIO) -> None:
    shutil.copyfileobj(log, sys.stdout.buffer)
    sys.stdout.buffer.flush()
