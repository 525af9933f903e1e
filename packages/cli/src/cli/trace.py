"""`modelplane trace FILE`: what a trace is like, and how one is made."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from replay.trace import Statistics

HELP = """\
Show what the trace in FILE is like, or make one first.

With --generate SEED a new trace is written to FILE, the same for the same options:
arrivals go up and down over its length as over a day and come in bursts; prompts share
the system prompts of a few tools, and some go on with an earlier conversation; lengths
are lognormal.

\b
Examples:
  modelplane trace demo/prefill-decode/replay-trace.jsonl
  modelplane trace mine.jsonl --generate 7 --seconds 600 --rate 20

\b
Exit codes: 0 fine, 2 invalid input.
"""


@click.command(name="trace", help=HELP)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--generate", type=int, metavar="SEED", help="Make it, and overwrite what is there.")
@click.option("--seconds", type=click.FloatRange(1, 86400), default=60.0, show_default=True)
@click.option("--rate", type=click.FloatRange(0.1, 1000), default=2.5, show_default=True, help="Requests per second.")
@click.option("--prompt", type=click.IntRange(16, 100_000), default=900, show_default=True, help="Median, not shared.")
@click.option("--output-length", type=click.IntRange(4, 100_000), default=48, show_default=True, help="Median.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(**asked: object) -> None:
    """Show or make a trace."""
    from replay import trace  # noqa: PLC0415  # Help and completion need none of it.

    file, seed = Path(str(asked["file"])), asked["generate"]
    try:
        if isinstance(seed, int):
            _write(file, seed, asked)
        found = trace.statistics(trace.read(file))
    except (trace.TraceError, OSError) as e:
        click.echo(str(e), err=True)
        sys.exit(2)
    click.echo(json.dumps(asdict(found), indent=2) if asked["output"] == "json" else _text(found))


def _write(file: Path, seed: int, asked: dict[str, object]) -> None:
    from replay.generate import Shape, generate  # noqa: PLC0415  # As above.

    seconds, rate, prompt, output = (float(str(asked[k])) for k in ("seconds", "rate", "prompt", "output_length"))
    shape = Shape(seconds=seconds, rate=rate, prompt=prompt, output=output, longest=max(6000, int(prompt) * 6))
    made = generate(seed, shape)
    file.write_text("".join(f"{r.line()}\n" for r in made), encoding="utf-8")


def _text(found: Statistics) -> str:
    rows = (
        ("requests", str(found.requests)),
        ("seconds", str(found.seconds)),
        ("requests per second", f"{found.rate}, {found.busiest} in the busiest"),
        ("prompt tokens", "{} p50, {} p90, {} longest".format(*found.prompt)),
        ("output tokens", "{} p50, {} p90, {} longest".format(*found.output)),
        ("prompt blocks seen before", f"{found.shared:.1%}"),
    )
    return "\n".join(f"{name:<28}{value}" for name, value in rows)
