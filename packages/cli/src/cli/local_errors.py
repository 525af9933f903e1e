"""What the commands of the local control plane share: the option --state, and errors as sentences."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")

state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that the control plane lives in; default $MODELPLANE_STATE or ~/.modelplane.",
)


def sentences(run: Callable[P, R]) -> Callable[P, R]:
    """A failure ends the command with its sentence and its exit code, never with a traceback."""

    @functools.wraps(run)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        from local.errors import LocalError  # noqa: PLC0415  # Imported late so that --help stays fast.

        try:
            return run(*args, **kwargs)
        except LocalError as trouble:
            click.echo(str(trouble), err=True)
            sys.exit(trouble.exit_code)
        except OSError as trouble:
            click.echo(f"{trouble.filename or 'The system'}: {trouble.strerror or trouble}", err=True)
            sys.exit(4)

    return guarded
