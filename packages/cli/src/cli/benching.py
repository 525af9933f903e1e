"""Run a benchmark of two targets, and say what it found."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from replay import figures, trace
from replay.client import Outcome, prepared, replay
from replay.figures import Goodput, Objective
from replay.picture import picture
from replay.trace import Request, TraceError

from cli import targets
from cli.prove import Plane
from cli.targets import Cache, Found

_TOO_LATE = 0.2
Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    plane: Plane
    names: tuple[str, str]
    requests: tuple[Request, ...]
    repeats: int
    objective: Objective
    timeout: float
    seed: int
    model: str
    key: str
    unequal: bool
    svg: Path | None

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Settings:
        """From the options; ends the command where the trace cannot be read or the picture not be written."""
        svg = asked["svg"]
        if svg is not None and not svg.resolve().parent.is_dir():
            _invalid(f"--svg {svg}: there is no folder {svg.resolve().parent}")
        return cls(
            plane=Plane(asked["kubeconfig"], asked["context"], asked["namespace"]),
            names=(asked["baseline"], asked["variant"]),
            requests=tuple(requests(asked["file"], asked["seconds"])),
            repeats=asked["repeats"],
            objective=Objective(asked["slo_ttft"], asked["slo_itl"]),
            timeout=asked["timeout"],
            seed=asked["seed"],
            model=asked["model"],
            key=asked["api_key_env"],
            unequal=asked["unequal"],
            svg=svg,
        )


def requests(file: Path, seconds: float | None) -> list[Request]:
    """What is replayed; ends the command where there is nothing."""
    try:
        found = trace.read(file)
    except TraceError as e:
        _invalid(str(e))
    return trace.within(found, seconds) if seconds else found


@dataclass(frozen=True)
class Measured:
    """One target's outcomes, one run per repeat."""

    found: Found
    runs: tuple[tuple[Outcome, ...], ...]
    cache: Cache
    goodput: Goodput

    @property
    def errors(self) -> dict[str, int]:
        return figures.errors(self.runs)


def bench(settings: Settings, say: Say) -> Report:
    """Measure both."""
    both = tuple(targets.find(settings.plane, name, settings.key, settings.model) for name in settings.names)
    gpus = [f.gpus for f in both]
    if None not in gpus and gpus[0] != gpus[1] and not settings.unequal:
        told = " and ".join(f"{name} has {n}" for name, n in zip(settings.names, gpus, strict=True))
        _invalid(
            f"{told} GPUs: compare what costs the same, single replicas (mr/NAME) or other copies, or say --unequal"
        )
    before = [targets.cache(settings.plane, f) for f in both]
    runs: tuple[list[tuple[Outcome, ...]], ...] = ([], [])
    for n in range(settings.repeats):
        say(f"repeat {n + 1} of {settings.repeats}: {len(settings.requests)} requests to each")
        for each, outcomes in zip(runs, asyncio.run(_once(settings, both, n)), strict=True):
            each.append(outcomes)
    seconds = max(settings.requests[-1].at, 1.0)
    measured = [
        Measured(
            f,
            tuple(r),
            targets.cache(settings.plane, f).since(b),
            figures.goodput(r, settings.objective, seconds, settings.seed),
        )
        for f, r, b in zip(both, runs, before, strict=True)
    ]
    return Report(settings, *measured)


async def _once(settings: Settings, both: Sequence[Found], repeat: int) -> list[tuple[Outcome, ...]]:
    asked = prepared(settings.requests, f"{settings.seed}/{repeat}")
    asking = [replay(f.target, asked, settings.timeout) for f in both]
    return [tuple(found) for found in await asyncio.gather(*asking)]


@dataclass(frozen=True)
class Report:
    """What was found."""

    settings: Settings
    baseline: Measured
    variant: Measured

    @property
    def good(self) -> bool:
        """Nothing failed, and the variant is not worse for certain."""
        failed = self.baseline.errors or self.variant.errors
        return not failed and self.variant.goodput.high >= self.baseline.goodput.low

    @property
    def behind(self) -> float:
        return max(figures.behind(m.runs) for m in (self.baseline, self.variant))

    @property
    def late(self) -> bool:
        """Whether what is measured is the client's own delay in good part."""
        first = [figures.quantile([o.first for run in m.runs for o in run], 0.5) for m in (self.baseline, self.variant)]
        return self.behind > _TOO_LATE * min(first)

    @property
    def simulated(self) -> str:
        told = dict.fromkeys(m.found.simulated for m in (self.baseline, self.variant) if m.found.simulated)
        return " and ".join(told)

    def compared(self) -> list[figures.Compared]:
        return figures.compare(self.baseline.runs, self.variant.runs, self.settings.seed)

    def picture(self) -> str:
        note = f"Engines are simulated: {self.simulated}" if self.simulated else ""
        return picture(self.settings.names, (self.baseline.runs, self.variant.runs), note)

    def values(self) -> dict[str, Any]:
        """All of it, for programs; what is infinite or unknown is null."""
        both = {"baseline": self.baseline, "variant": self.variant}
        return {
            "requests": len(self.settings.requests),
            "repeats": self.settings.repeats,
            "simulated": self.simulated,
            "objective": asdict(self.settings.objective),
            "clientBehindP99": self.behind,
            "clientLate": self.late,
            **{side: self._side(m) for side, m in both.items()},
            "compared": [
                {**{k: _finite(v) for k, v in asdict(c).items()}, "verdict": c.verdict} for c in self.compared()
            ],
            "good": self.good,
        }

    def _side(self, measured: Measured) -> dict[str, Any]:
        return {
            "target": measured.found.target.name,
            "gpus": measured.found.gpus,
            "goodput": asdict(measured.goodput),
            "cacheHits": measured.cache.share,
            "errors": measured.errors,
        }

    def text(self) -> str:
        """For people."""
        sides = (self.baseline, self.variant)
        lines = [*self._head(), "", f"{'':<34}{'baseline':>12}{'variant':>12}   variant to baseline"]
        for c in self.compared():
            title = f"{figures.TITLES[c.name]} p{c.percentile}"
            lines.append(f"{title:<34}{_time(c.baseline):>12}{_time(c.variant):>12}   {_ratio(c)}")
        kept = [f"{m.goodput.share:.1%}" for m in sides]
        between = [f"{m.goodput.low:.1%} to {m.goodput.high:.1%}" for m in sides]
        lines.append(f"{'objective kept':<34}{kept[0]:>12}{kept[1]:>12}   {between[0]}, {between[1]}")
        rates = [f"{m.goodput.per_second:.2f}/s" for m in sides]
        lines.append(f"{'goodput':<34}{rates[0]:>12}{rates[1]:>12}")
        hits = [f"{m.cache.share:.1%}" if m.cache.share is not None else "unknown" for m in sides]
        lines.append(f"{'prompt tokens found in caches':<34}{hits[0]:>12}{hits[1]:>12}")
        failed = [str(sum(m.errors.values())) for m in sides]
        lines.append(f"{'requests failed':<34}{failed[0]:>12}{failed[1]:>12}")
        for side, m in zip(("baseline", "variant"), sides, strict=True):
            lines += [f"  {side}: {times} times {error}" for error, times in m.errors.items()]
        return "\n".join(lines)

    def _head(self) -> list[str]:
        settings, seconds = self.settings, self.settings.requests[-1].at
        gpus = [f"{m.found.gpus or '?'} GPUs" for m in (self.baseline, self.variant)]
        goal = f"first token within {_time(settings.objective.ttft)}, then {_time(settings.objective.itl)} per token"
        lines = [
            f"baseline {settings.names[0]} ({gpus[0]}), variant {settings.names[1]} ({gpus[1]})",
            f"{len(settings.requests)} requests in {seconds:.0f} s to each, {settings.repeats} times; objective: {goal}",
            f"ranges hold {figures.LEVEL:.0%} of {figures.RESAMPLES} bootstrap resamples; this client was {_time(self.behind)} late at p99",
        ]
        if self.late:
            lines.append(
                "THIS CLIENT WAS LATE: the figures are its own as well. Replay less, or from a machine with more to spare"
            )
        if self.simulated:
            lines.append(
                f"ENGINES ARE SIMULATED: the figures show the method, no hardware. Latency model: {self.simulated}"
            )
        return lines


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if math.isfinite(seconds) else "failed"


def _ratio(c: figures.Compared) -> str:
    if c.verdict == "unknown":
        return "both failed"
    return f"{c.ratio:.2f} ({c.low:.2f} to {c.high:.2f})  {c.verdict}"


def _invalid(told: str) -> Any:
    click.echo(told, err=True)
    sys.exit(targets.INVALID)
