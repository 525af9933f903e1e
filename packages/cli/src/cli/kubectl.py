"""The user's own kubectl: it knows how to log in, and which control plane is meant."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click

UNREACHABLE = 4
_CHOOSE = "say which one with --kubeconfig and --context, and try `kubectl version` with the same."


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options --kubeconfig and --context, as kubectl has them."""
    which = click.option("--context", default="", help="The context of the control plane; the current one by default.")
    where = click.option("--kubeconfig", default="", help="The kubeconfig; as kubectl finds it by default.")
    return where(which(command))


def run(kubeconfig: str, context: str, *args: str, stdin: str = "") -> str:
    """What kubectl prints; ends the command when it fails, with kubectl's own words and what to do."""
    chosen = [f"--{k}={v}" for k, v in (("kubeconfig", kubeconfig), ("context", context)) if v]
    done = subprocess.run([binary(), *chosen, *args], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGINT:  # Ctrl-C reaches kubectl, too.
        raise KeyboardInterrupt
    if done.returncode:
        click.echo(_why(done.stderr.strip(), args[0]), err=True)
        sys.exit(UNREACHABLE)
    return done.stdout


def _why(told: str, verb: str) -> str:
    """What kubectl says, and what to do where no server answered it."""
    if "Error from server" in told:
        return told
    return f"{told or f'kubectl {verb} failed'}\nkubectl did not reach a control plane: {_CHOOSE}"


def binary() -> str:
    """Where kubectl is; ends the command where there is none."""
    binary = shutil.which("kubectl")
    if binary is None:
        click.echo("kubectl is not on PATH: install it, it is what reaches the control plane.", err=True)
        sys.exit(UNREACHABLE)
    return binary
