"""Traces in the format of Mooncake's: a line for each request, its prompt as blocks that requests may share."""

from __future__ import annotations

import functools
import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

BLOCK = 512
"""Tokens of a prompt that one hash id stands for."""
_MOST = 10_000_000_000
_LONGEST = 10_000_000
_FIELDS = ("timestamp", "input_length", "output_length", "hash_ids")
# Common words, of which most tokenizers make one token each.
_TEXT = (
    "time year people way day man thing woman life child world school state family student group country "
    "problem hand part place case week company system program question work government number night point "
    "home water room mother area money story fact month lot right study book eye job word business issue "
    "side kind head house service friend "
)
_WORDS = _TEXT.split()


class TraceError(Exception):
    """A trace that cannot be replayed; the sentence names line and field."""


@dataclass(frozen=True)
class Request:
    """One request: when it comes, in seconds after the first, how long it is, and what its prompt is made of."""

    at: float
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...]

    def line(self) -> str:
        """As it stands in a trace."""
        values = (round(self.at * 1000), self.prompt_tokens, self.output_tokens, list(self.blocks))
        return json.dumps(dict(zip(_FIELDS, values, strict=True)))


def read(path: Path) -> list[Request]:
    """All requests of a trace, in the order of their times."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise TraceError(
            f"{path}: cannot be read: {getattr(e, 'strerror', None) or e}; name a file of requests, one JSON object a line"
        ) from e
    found = [_request(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise TraceError(f"{path}: holds no request; each line is one, such as {_EXAMPLE}")
    first = min(r.at for r in found)
    ordered = sorted(found, key=lambda r: r.at)
    return [Request(r.at - first, r.prompt_tokens, r.output_tokens, r.blocks) for r in ordered]


_EXAMPLE = '{"timestamp": 0, "input_length": 700, "output_length": 50, "hash_ids": [1, 2]}'


def _request(line: str, where: str) -> Request:
    try:
        found = json.loads(line)
    except ValueError as e:
        raise TraceError(f"{where}: is no JSON ({e}); want such as {_EXAMPLE}") from e
    if not isinstance(found, dict):
        raise TraceError(f"{where}: is no object; want such as {_EXAMPLE}")
    at = _number(found, "timestamp", where, least=0)
    prompt, output = (int(_number(found, name, where, least=1)) for name in _FIELDS[1:3])
    if max(prompt, output) > _LONGEST:
        raise TraceError(f"{where}: input_length and output_length: no request is longer than {_LONGEST} tokens")
    blocks = found.get("hash_ids", [])
    if not isinstance(blocks, list) or not all(isinstance(b, int) and not isinstance(b, bool) for b in blocks):
        raise TraceError(f"{where}: hash_ids: want a list of whole numbers, one for each {BLOCK} tokens")
    needed = -(-prompt // BLOCK)
    if len(blocks) != needed:
        raise TraceError(f"{where}: hash_ids: {len(blocks)} ids; a prompt of {prompt} tokens has {needed} blocks")
    return Request(at / 1000, prompt, output, tuple(blocks))


def _number(found: dict[str, Any], name: str, where: str, least: int) -> float:
    value: Any = found.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not least <= value <= _MOST:
        told = "milliseconds" if name == "timestamp" else "a number of tokens"
        raise TraceError(f"{where}: {name}: want {told}, {least} to {_MOST}, not {json.dumps(value)}")
    return float(value)


def within(requests: Sequence[Request], seconds: float) -> list[Request]:
    """Those that come in the first so many seconds."""
    return [r for r in requests if r.at < seconds]


def busiest(requests: Sequence[Request], seconds: float) -> list[Request]:
    """Those of the window of so many seconds in which most come, as a trace of its own."""
    windows = ([r for r in requests if first.at <= r.at < first.at + seconds] for first in requests)
    found = max(windows, key=len)
    return [replace(r, at=r.at - found[0].at) for r in found]


def prompt(request: Request, salt: str) -> str:
    """The text of a request's prompt: the same blocks are the same words, under another salt they are others."""
    words: list[str] = []
    for block in request.blocks:
        words += _block(f"{salt}/{block}")
    return " ".join(words[: request.prompt_tokens])


@functools.lru_cache(maxsize=4096)
def _block(seed: str) -> tuple[str, ...]:
    return tuple(random.Random(seed).choices(_WORDS, k=BLOCK))  # noqa: S311  # No secret.


@dataclass(frozen=True)
class Statistics:
    """What a trace is like."""

    requests: int
    seconds: float
    rate: float
    busiest: int
    """Requests in the fullest second."""
    prompt: tuple[int, int, int]
    """The median, the 90th percentile and the longest; of outputs as well."""
    output: tuple[int, int, int]
    shared: float
    """The part of all prompts' blocks that an earlier request had in the same place."""


def statistics(requests: Sequence[Request]) -> Statistics:
    """What a trace is like, as its README says."""
    seconds = max(requests[-1].at, 1.0)
    seen: set[tuple[int, ...]] = set()
    blocks = shared = 0
    for request in requests:
        for end in range(1, len(request.blocks) + 1):
            known = request.blocks[:end] in seen
            blocks, shared = blocks + 1, shared + known
            seen.add(request.blocks[:end])
    return Statistics(
        requests=len(requests),
        seconds=round(seconds, 1),
        rate=round(len(requests) / seconds, 2),
        busiest=max(Counter(int(r.at) for r in requests).values()),
        prompt=_spread(r.prompt_tokens for r in requests),
        output=_spread(r.output_tokens for r in requests),
        shared=round(shared / max(blocks, 1), 3),
    )


def _spread(values: Iterable[int]) -> tuple[int, int, int]:
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.9)], ordered[-1]
