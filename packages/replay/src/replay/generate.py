"""A trace that is like a day of many small tools and a few long conversations, made from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from replay.trace import BLOCK, Request


@dataclass(frozen=True)
class Shape:
    """What a made trace is like; lengths are lognormal, as those of real services are."""

    seconds: float = 60.0
    rate: float = 2.5
    """Requests per second, on average without bursts."""
    swing: float = 0.6
    """How far the rate goes up and down over the trace, which plays one day."""
    burst_every: float = 12.0
    burst_seconds: float = 1.5
    burst_factor: float = 2.0
    prompt: float = 900.0
    """The median length of what is not shared of a prompt."""
    spread: float = 0.7
    output: float = 48.0
    longest: int = 6000
    tools: int = 6
    """Applications, each with a system prompt of its own, the first the most used."""
    system: tuple[int, ...] = (1, 2, 2, 3)
    """Their lengths in blocks."""
    again: float = 0.25
    """How often a request goes on with a conversation."""


def generate(seed: int, shape: Shape) -> list[Request]:
    """The trace of a seed: the same for the same seed and shape."""
    return list(_Maker(random.Random(seed), shape).requests())  # noqa: S311  # A trace is no secret.


@dataclass
class _Maker:
    chance: random.Random
    shape: Shape
    blocks: int = 1000
    talks: list[tuple[int, ...]] = field(default_factory=list)

    def requests(self) -> Iterator[Request]:
        for at in self._times():
            prefix = self._prefix()
            tail = min(self._length(self.shape.prompt), self.shape.longest - len(prefix) * BLOCK)
            own = max(tail, 16)
            fresh = -(-own // BLOCK)
            blocks = (*prefix, *range(self.blocks, self.blocks + fresh))
            self.blocks += fresh
            if len(blocks) * BLOCK < self.shape.longest // 2:
                self.talks = [*self.talks[-7:], blocks[: len(prefix) + own // BLOCK]]
            yield Request(at, len(prefix) * BLOCK + own, max(self._length(self.shape.output), 4), blocks)

    def _times(self) -> Iterator[float]:
        """Thinned from a Poisson process of the highest rate there is."""
        shape, at = self.shape, 0.0
        bursts = self._bursts()
        highest = shape.rate * (1 + shape.swing) * shape.burst_factor
        while True:
            at += self.chance.expovariate(highest)
            if at >= shape.seconds:
                return
            day = 1 - shape.swing * math.cos(2 * math.pi * at / shape.seconds)
            now = shape.rate * day * (shape.burst_factor if any(b <= at < e for b, e in bursts) else 1)
            if self.chance.random() < now / highest:
                yield round(at, 3)

    def _bursts(self) -> list[tuple[float, float]]:
        found, at = [], self.chance.expovariate(1 / self.shape.burst_every)
        while at < self.shape.seconds:
            found.append((at, at + self.shape.burst_seconds))
            at += self.chance.expovariate(1 / self.shape.burst_every)
        return found

    def _prefix(self) -> tuple[int, ...]:
        if self.talks and self.chance.random() < self.shape.again:
            return self.chance.choice(self.talks)
        weights = [1 / n for n in range(1, self.shape.tools + 1)]
        (tool,) = self.chance.choices(range(self.shape.tools), weights)
        length = self.shape.system[tool % len(self.shape.system)]
        return tuple(tool * 10 + n for n in range(length))

    def _length(self, median: float) -> int:
        return round(self.chance.lognormvariate(math.log(median), self.shape.spread))
