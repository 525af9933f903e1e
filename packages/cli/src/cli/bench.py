"""`modelplane bench BASELINE VARIANT`: the same requests to both, at the same times, and what can be said of the difference."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from cli import kubectl

HELP = """\
Replay a trace against BASELINE and VARIANT side by side.

Open-loop: each request is sent when its time has come, whatever is still under way,
and its latency counts from then. In each repeat both get the same prompts at the same
moments, prompts that neither has seen in another repeat. A request that fails counts
as infinitely slow, and every kind of failure is named.

\b
A target is
  md/NAME    all replicas of a ModelDeployment in turn, by their own routes
  mr/NAME    one replica
  ms/NAME    a ModelService, through its gateway
  http://…   any OpenAI API

A trace has a line for each request, as Mooncake's have: timestamp (milliseconds),
input_length, output_length (tokens) and hash_ids, one for each 512 tokens of the prompt;
equal ids are equal text. `modelplane trace` shows and makes them.

\b
Examples:
  modelplane bench mr/qwen-0 mr/qwen-pd-0 --trace replay-trace.jsonl --svg bench.svg
  modelplane bench md/qwen https://api.example/v1 --trace t.jsonl --api-key-env KEY --unequal

\b
Exit codes: 0 measured, and the variant keeps the objective as often as the baseline,
1 requests failed, or it keeps it less often for certain, 2 invalid input,
4 something that is needed cannot be reached.
"""


class Seconds(click.ParamType[float]):
    """A time such as 500ms or 2s, as seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that a text means."""
        if isinstance(value, float):
            return value
        text = str(value)
        number, unit = (text[:-2], 1e-3) if text.endswith("ms") else (text.removesuffix("s"), 1.0)
        try:
            found = float(number) * unit
        except ValueError:
            self.fail(f"{text} is no time: write it as 500ms or 2s", param, ctx)
        if not 0 < found < float("inf"):
            self.fail(f"{text} is no time: it must be more than nothing", param, ctx)
        return found


@click.command(name="bench", help=HELP)
@click.argument("baseline")
@click.argument("variant")
@click.option("--trace", "file", required=True, type=click.Path(path_type=Path), help="The requests to replay.")
@click.option("--seconds", type=Seconds(), help="Only what comes in the first so many seconds of the trace.")
@click.option("--repeats", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--slo-ttft", type=Seconds(), default="1s", show_default=True, help="The objective for the first token.")
@click.option("--slo-itl", type=Seconds(), default="50ms", show_default=True, help="The objective between tokens.")
@click.option("--timeout", type=Seconds(), default="60s", show_default=True, help="Longer requests fail.")
@click.option("--seed", type=int, default=1, show_default=True, help="Prompts of another seed are other prompts.")
@click.option("--model", default="", help="The model's name in requests; the first that the target lists by default.")
@click.option("--api-key-env", default="", help="The variable that holds the callers' key.")
@click.option("--unequal", is_flag=True, help="Compare also where the targets have not the same number of GPUs.")
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw the latencies into this file.")
@kubectl.options
def command(**asked: object) -> None:
    """Replay a trace against two targets."""
    from cli import benching  # noqa: PLC0415  # Help and completion need none of it.

    settings = benching.Settings.of(asked)
    report = benching.bench(settings, lambda told: click.echo(told, err=True))
    if settings.svg:
        settings.svg.write_text(report.picture(), encoding="utf-8")
    click.echo(json.dumps(report.values(), indent=2) if asked["output"] == "json" else report.text())
    sys.exit(0 if report.good else 1)
