"""`make bench`: what one reconcile costs on large fleets, measured in processes of their own."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chart import Line, chart
from rich.console import Console
from rich.table import Table
from scenarios import GROWTH, PAIR, RECONCILE, TINY, Group, Scenario

HERE = Path(__file__).resolve().parent
PAGES = HERE.parent / "docs" / "explanation"
COLUMNS = ("", "cold ms", "warm ms", "placed", "rounds", "peak MB", "of it start", "request", "response")


@dataclass(frozen=True)
class Figures:
    """What several fresh processes measured of one scenario."""

    scenario: Scenario
    runs: list[dict[str, Any]]

    @property
    def cold(self) -> list[float]:
        return [run["times"][0] for run in self.runs]

    @property
    def warm(self) -> list[float]:
        return [time for run in self.runs for time in run["times"][1:]]

    def cells(self) -> list[str]:
        """One row of the table: the median, and the least in brackets."""
        first = self.runs[0]
        start, peak = (max(run["megabytes"][which] for run in self.runs) for which in (0, 1))
        sizes = [f"{first[key] / 1e6:.2f} MB" if key in first else "" for key in ("request", "response")]
        told = [_spread(self.cold), _spread(self.warm), str(first["placed"]), str(first.get("rounds", ""))]
        return [*told, f"{peak:.0f}", f"{start:.0f}", *sizes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", nargs="?", const=PAGES, type=Path, help="write speed.md and speed.svg there")
    parser.add_argument("--tiny", action="store_true", help="a few clusters, to see that it runs")
    given = parser.parse_args()
    groups = [TINY] if given.tiny else [RECONCILE, GROWTH, PAIR]
    processes, seconds = (1, 0.0) if given.tiny else (5, 2.0)
    console = Console() if sys.stdout.isatty() else Console(width=140)
    with tempfile.TemporaryDirectory() as folder:
        names = [s.name for group in groups for _, s in group.rows if not s.only_place]
        # Not in this process: a child's peak memory starts with that of its parent.
        _python("fleet.py", folder, *names)
        measured = {g.title: _measure(console, g, Path(folder), processes, seconds) for g in groups}
    if given.write:
        given.write.mkdir(parents=True, exist_ok=True)
        (given.write / "speed.md").write_text(_page(groups, measured), encoding="utf-8")
        lines = _lines(measured) if not given.tiny else [Line("tiny", [(2, 1), (4, 2)])]
        picture = chart("One reconcile of a deployment, 10 replicas wanted", "clusters", "milliseconds (median)", lines)
        (given.write / "speed.svg").write_text(picture, encoding="utf-8")


def _measure(console: Console, group: Group, folder: Path, processes: int, seconds: float) -> list[Figures]:
    found = []
    table = Table(*COLUMNS, title=group.title)
    for label, scenario in group.rows:
        runs = [json.loads(_python("measure.py", str(folder), scenario.name, str(seconds))) for _ in range(processes)]
        found.append(Figures(scenario, runs))
        table.add_row(label, *found[-1].cells())
    console.print(table)
    return found


def _python(script: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, HERE / script, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _spread(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} ({min(times):.1f})"


def _lines(measured: dict[str, list[Figures]]) -> list[Line]:
    kinds = (
        ("function, cold", GROWTH, "cold"),
        ("function, warm", GROWTH, "warm"),
        ("place of a pair, warm", PAIR, "warm"),
    )
    return [
        Line(name, [(f.scenario.clusters, statistics.median(getattr(f, which))) for f in measured[group.title]])
        for name, group, which in kinds
    ]


def _page(groups: list[Group], measured: dict[str, list[Figures]]) -> str:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, protobuf {version('protobuf')}"
    parts = [(HERE / "speed.md.in").read_text(encoding="utf-8").rstrip().replace("MACHINE", machine)]
    for group in groups:
        rows = [
            "| " + " | ".join([label, *figures.cells()]) + " |"
            for (label, _), figures in zip(group.rows, measured[group.title], strict=True)
        ]
        parts.append("\n".join([f"## {group.title}\n", f"|{'|'.join(COLUMNS)}|", "|---" * len(COLUMNS) + "|", *rows]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
