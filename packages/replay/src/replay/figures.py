"""What outcomes of two targets tell: pure functions. A request that failed is infinitely slow, never fast."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from replay.client import Outcome

Runs = Sequence[Sequence[Outcome]]
"""One sequence of outcomes per repeat, all of the same requests in the same order."""
Measure = Callable[[Outcome], float]
RESAMPLES = 400
LEVEL = 0.95

MEASURES: Mapping[str, Measure] = {
    "ttft": lambda o: o.first if o.good else math.inf,
    "itl": lambda o: o.between if o.good else math.inf,
    "stall": lambda o: o.longest_gap if o.good else math.inf,
    "e2e": lambda o: o.end if o.good else math.inf,
}
TITLES = {
    "ttft": "time to first token",
    "itl": "inter-token latency",
    "stall": "longest gap between tokens",
    "e2e": "end-to-end latency",
}
PERCENTILES = (50, 90, 99)


@dataclass(frozen=True)
class Objective:
    """What a request must keep to be of use, in seconds."""

    ttft: float
    itl: float

    def met(self, outcome: Outcome) -> bool:
        """Whether it came, soon enough and fast enough."""
        return outcome.good and outcome.first <= self.ttft and outcome.between <= self.itl


@dataclass(frozen=True)
class Compared:
    """One figure of both targets; `ratio` is the variant's to the baseline's, with the range that it is in by LEVEL."""

    name: str
    percentile: int
    baseline: float
    variant: float
    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What can be said by LEVEL."""
        if math.isnan(self.ratio):
            return "unknown"
        return "faster" if self.high < 1 else "slower" if self.low > 1 else "no difference seen"


def compare(baseline: Runs, variant: Runs, seed: int = 0) -> list[Compared]:
    """Every measure at every percentile. Requests are drawn anew in pairs, the same one of both targets."""
    pairs = list(zip(_all(baseline), _all(variant), strict=True))
    chance = random.Random(seed)  # noqa: S311  # No secret.
    drawn = [[chance.randrange(len(pairs)) for _ in pairs] for _ in range(RESAMPLES)]
    return [
        _compared(name, p, ([measure(b) for b, _ in pairs], [measure(v) for _, v in pairs]), drawn)
        for name, measure in MEASURES.items()
        for p in PERCENTILES
    ]


def _compared(
    name: str, percentile: int, values: tuple[list[float], list[float]], drawn: Sequence[Sequence[int]]
) -> Compared:
    part = percentile / 100
    baseline, variant = (quantile(each, part) for each in values)
    again = [[quantile([each[n] for n in picked], part) for each in values] for picked in drawn]
    ratios = [ratio(before, after) for before, after in again]
    certain = [r for r in ratios if not math.isnan(r)]
    if not certain:
        return Compared(name, percentile, baseline, variant, math.nan, math.nan, math.nan)
    low, high = (quantile(certain, q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Compared(name, percentile, baseline, variant, ratio(baseline, variant), low, high)


def ratio(baseline: float, variant: float) -> float:
    """NaN where both failed, so that nothing is said."""
    if math.isinf(baseline):
        return math.nan if math.isinf(variant) else 0.0
    return variant / baseline if baseline else (1.0 if not variant else math.inf)


def quantile(values: Sequence[float], part: float) -> float:
    """The nearest rank, which is a value that was seen."""
    ordered = sorted(values)
    return ordered[min(math.ceil(part * len(ordered)), len(ordered)) - 1] if ordered else math.nan


@dataclass(frozen=True)
class Goodput:
    """How many requests kept the objective."""

    share: float
    low: float
    high: float
    per_second: float


def goodput(runs: Runs, objective: Objective, seconds: float, seed: int = 0) -> Goodput:
    """Over all requests that were sent, also those that failed."""
    met = [objective.met(o) for o in _all(runs)]
    chance = random.Random(seed)  # noqa: S311  # No secret.
    shares = [sum(chance.choices(met, k=len(met))) / len(met) for _ in range(RESAMPLES)]
    low, high = (quantile(shares, q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Goodput(sum(met) / len(met), low, high, sum(met) / (seconds * len(runs)))


def errors(runs: Runs) -> dict[str, int]:
    """How often each went wrong, the most frequent first."""
    return dict(Counter(o.error for o in _all(runs) if o.error).most_common())


def behind(runs: Runs) -> float:
    """How late the client itself was, at the 99th percentile: what is smaller than that is not measured."""
    return quantile([o.behind for o in _all(runs)], 0.99)


def _all(runs: Runs) -> list[Outcome]:
    return [o for run in runs for o in run]
