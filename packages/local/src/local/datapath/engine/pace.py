"""How long a played engine takes: it works in steps, and a prompt that is computed holds up those who decode.

A step computes at most `batch` tokens of prompts, first come first served, and one token of each sequence that decodes.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from local.datapath.engine.contract import StartError

VARIABLE = "LOCAL_ENGINE_SPEED"


@dataclass(frozen=True)
class Speed:
    """The latency model: nobody's real figures, `design/data-path.md` says what they play."""

    step_ms: float = 0
    """What a step takes by itself."""
    prompt_us: float = 0
    """What it takes longer for each token of a prompt that it computes."""
    sequence_us: float = 0
    """What it takes longer for each sequence that decodes."""
    transfer_us: float = 0
    """What taking over a KV cache takes for each token; it holds up nobody."""
    batch: int = 2048
    cached: int = 65536
    """So many tokens of prompts are kept for those that begin alike."""


def read(text: str) -> Speed:
    """The speed that the environment asks for."""
    known = {f.name for f in fields(Speed)}
    told = f"{VARIABLE} {text}: want a JSON object of numbers, of {', '.join(sorted(known))}"
    try:
        found = json.loads(text)
    except ValueError as e:
        raise StartError(2, told) from e
    if not isinstance(found, dict) or found.keys() - known:
        raise StartError(2, told)
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and v >= 0 for v in found.values()):
        raise StartError(2, told)
    return Speed(**found)


@dataclass
class Prompt:
    """A prompt that waits to be computed."""

    tokens: int
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Steps:
    """One engine's time."""

    def __init__(self, speed: Speed) -> None:
        self._speed = speed
        self._prompts: deque[Prompt] = deque()
        self._sequences: set[asyncio.Semaphore] = set()
        self._work = asyncio.Event()

    async def run(self) -> None:
        """Step after step, as long as there is work."""
        clock = asyncio.get_running_loop().time
        end = 0.0
        while True:
            if not self._prompts and not self._sequences:
                self._work.clear()
                await self._work.wait()
                end = clock()
            finished, tokens = self._batch()
            decoding = tuple(self._sequences)
            end += seconds(self._speed, tokens, len(decoding))
            await asyncio.sleep(end - clock())
            for sequence in decoding:
                sequence.release()
            for prompt in finished:
                prompt.done.set()

    def _batch(self) -> tuple[list[Prompt], int]:
        """The prompts that end with this step, and how many tokens of prompts it computes."""
        finished, left = [], int(self._speed.batch)
        while self._prompts and left:
            first = self._prompts[0]
            now = min(first.tokens, left)
            first.tokens, left = first.tokens - now, left - now
            if not first.tokens:
                finished.append(self._prompts.popleft())
        return finished, int(self._speed.batch) - left

    @property
    def load(self) -> tuple[int, int]:
        """How many requests it works on, and how many wait for it."""
        first = min(len(self._prompts), 1)
        return len(self._sequences) + first, len(self._prompts) - first

    async def compute(self, tokens: int) -> None:
        """Return when a prompt of so many tokens is computed, with the first token of its answer."""
        prompt = Prompt(max(tokens, 1))
        self._prompts.append(prompt)
        self._work.set()
        await prompt.done.wait()

    @asynccontextmanager
    async def decode(self) -> AsyncIterator[asyncio.Semaphore]:
        """Acquire it for each further token."""
        sequence = asyncio.Semaphore(0)
        self._sequences.add(sequence)
        self._work.set()
        try:
            yield sequence
        finally:
            self._sequences.discard(sequence)


def seconds(speed: Speed, tokens: int, sequences: int) -> float:
    """What one step takes."""
    return speed.step_ms / 1e3 + (tokens * speed.prompt_us + sequences * speed.sequence_us) / 1e6


class Prefixes:
    """The blocks of prompts that an engine still has; those that were used last stay."""

    def __init__(self, block: int, tokens: int) -> None:
        self._block, self._most = block, tokens // block
        self._kept: OrderedDict[int, None] = OrderedDict()
        self.asked = self.found = 0

    def take(self, words: Sequence[str]) -> int:
        """How many tokens of a prompt need not be computed; its blocks are kept from now on."""
        held, chain, known = 0, 0, True
        for end in range(self._block, len(words) + 1, self._block):
            chain = hash((chain, *words[end - self._block : end]))
            known = known and chain in self._kept
            held += self._block if known else 0
            self._kept[chain] = None
            self._kept.move_to_end(chain)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        held = min(held, max(len(words) - 1, 0))
        self.asked, self.found = self.asked + len(words), self.found + held
        return held

    def text(self, model: str) -> str:
        """In Prometheus' format, under vLLM's names."""
        rows = (("queries", self.asked), ("hits", self.found))
        lines = []
        for name, value in rows:
            lines.append(f"# TYPE vllm:prefix_cache_{name} counter")
            lines.append(f'vllm:prefix_cache_{name}_total{{engine="0",model_name="{model}"}} {value}')
        return "\n".join(lines) + "\n"


def words(request: dict[str, Any]) -> list[str]:
    """The tokens of a request's prompt: a word is one."""
    prompt = request.get("prompt")
    if isinstance(prompt, str):
        return prompt.split()
    return " ".join(str(m.get("content")) for m in request.get("messages") or [] if isinstance(m, dict)).split()
