"""The command line: `modelplane COMMAND`. Each command is a module of its own."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

BUG = 70
COMMANDS = {
    "render": "Show offline, in a second, all that manifests become.",
    "graph": "Draw what manifests become, for the terminal or as SVG.",
    "check": "Check whether deployments can work, before anything runs.",
    "lock": "List every package, image and model that a fleet fetches.",
    "prove": "Prove, by requests and counters, that a deployment disaggregates.",
    "trace": "Show what a trace of requests is like, or make one.",
    "bench": "Replay a trace against two targets side by side, and compare.",
    "promote": "Shift a service from one deployment to another, with gates.",
    "rollback": "Take a promotion back, from wherever it stands.",
    "export": "Print what a control plane must not lose, as manifests.",
    "restore": "Create it again in an empty control plane; what runs goes on running.",
    "up": "Start a real control plane and workload clusters on this machine.",
    "status": "Show the processes of the local control plane.",
    "logs": "Print the log of one of its processes.",
    "down": "Stop the local control plane and leave nothing behind.",
    "functions": "Serve all composition functions in one process.",
}


class _Commands(click.Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='\b\nCompletion, for bash (or zsh, fish):\n  eval "$(_MODELPLANE_COMPLETE=bash_source modelplane)"',
)
@click.version_option(package_name="modelplane-cli", prog_name="modelplane", message="%(prog)s %(version)s")
def cli() -> None:
    """A fleet control plane for LLM inference.

    \b
    Try it:
      modelplane render examples/01-standalone
      modelplane up && kubectl apply -f examples/01-standalone
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line. Exit codes: 0 fine, 1 findings, 2 invalid input, 3 not placed, 4 cannot reach what it needs."""
    try:
        cli(args, prog_name="modelplane")
    except Exception as e:  # A traceback helps nobody who did not write this.
        if os.environ.get("MODELPLANE_DEBUG"):
            raise
        click.echo(f"This is a bug in Modelplane: {type(e).__name__}: {e}. MODELPLANE_DEBUG=1 shows where.", err=True)
        sys.exit(BUG)


if __name__ == "__main__":
    main()
