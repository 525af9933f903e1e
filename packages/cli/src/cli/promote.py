"""`modelplane promote md/NEW --from md/OLD --service ms/NAME`: replica by replica, with a gate before and after each shift."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli import kubectl
from cli.bench import Seconds

HELP = """\
Shift a service from one deployment to another, replica by replica.

A new replica is ready, and passes its gate, before it is called; it is called before one
of the old ones is given up, which is drained first. So one replica's room to spare is
all that it needs. Where the service has a group for each deployment its weights follow;
where one group selects both, replicas alone do.

\b
A gate opens when
  every new replica of a PrefillDecode deployment is proven to disaggregate,
  the busiest part of the trace is answered by a new replica, then by the service,
    without an error, end to end and between tokens not slower for certain than by
    an old replica, and the objective is kept as often,
  and no request was lost that is sent through the service all the while.

When one stays shut all is rolled back, and the reason is told. Interrupted, it goes on
where it was: the new deployment carries a note (annotation modelplane.ai/promotion).

\b
Example:
  modelplane promote md/qwen-pd --from md/qwen --service ms/qwen --trace replay-trace.jsonl

\b
Exit codes: 0 promoted, 1 a gate stayed shut and all is as before, 2 invalid input,
4 something that is needed cannot be reached, or does not come in time.
"""


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both ways, there and back."""
    for option in (
        kubectl.options,
        click.option("-n", "--namespace", default="default", show_default=True),
        click.option("--api-key-env", "key", default="", help="The variable that holds the callers' key."),
        click.option(
            "--patience", type=Seconds(), default="1800s", show_default=True, help="For one replica to come or go."
        ),
        click.option("--timeout", type=Seconds(), default="60s", show_default=True, help="Longer requests fail."),
    ):
        command = option(command)
    return command


@click.command(name="promote", help=HELP)
@click.argument("new", metavar="md/NEW")
@click.option("--from", "old", required=True, metavar="md/OLD", help="The deployment that serves now.")
@click.option("--service", required=True, metavar="ms/NAME", help="The service before both.")
@click.option("--trace", "file", required=True, type=click.Path(path_type=Path), help="Requests to look by.")
@click.option("--gate-seconds", type=Seconds(), default="10s", show_default=True, help="How much of it a gate sends.")
@click.option(
    "--tolerance", type=click.FloatRange(0, 10), default=0.25, show_default=True, help="How much slower is borne."
)
@click.option("--slo-ttft", type=Seconds(), default="1s", show_default=True, help="The objective for the first token.")
@click.option("--slo-itl", type=Seconds(), default="50ms", show_default=True, help="The objective between tokens.")
@click.option("--errors", type=click.IntRange(0), default=0, show_default=True, help="Requests that may fail per gate.")
@shared
def command(**asked: Any) -> None:
    """Promote a deployment."""
    from cli import promoting  # noqa: PLC0415  # Help and completion need none of it.
    from cli.prove import Plane  # noqa: PLC0415  # As above.

    plane = Plane(asked.pop("kubeconfig"), asked.pop("context"), asked.pop("namespace"))
    words = (
        f"modelplane promote {asked['new']} --from {asked['old']} --service {asked['service']} --trace {asked['file']}"
    )
    promoting.sentences(words, lambda: promoting.promote(promoting.Settings(plane, **asked), click.echo))
