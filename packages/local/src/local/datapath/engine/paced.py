"""Answers of the simulator, which come at once, given on as fast as a played engine computes them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from http import HTTPStatus

from local.datapath.engine import messages, pace
from local.datapath.engine.messages import Message
from local.datapath.engine.pace import Prefixes, Speed, Steps

_OURS = re.compile(rb"^(?:# \w+ )?vllm:(?:prefix_cache_\w+|num_requests_(?:running|waiting))[ {].*\n?", re.MULTILINE)
_TOKEN = re.compile(rb'"(?:text|content)":\s*"[^"]')


class Paced:
    """One engine's time and prefixes, and what it says of them."""

    def __init__(self, speed: Speed, block: int) -> None:
        self._speed = speed
        self._steps = Steps(speed)
        self._prefixes = Prefixes(block, int(speed.cached))

    @property
    def told(self) -> str:
        """The latency model, for whoever shows figures of it."""
        return json.dumps(asdict(self._speed))

    async def run(self) -> None:
        """Compute for ever."""
        await self._steps.run()

    async def compute(self, request: Message) -> None:
        """Compute what is not cached of a prompt."""
        asked = pace.words(request.json())
        await self._steps.compute(len(asked) - self._prefixes.take(asked))

    async def take_over(self, request: Message) -> None:
        """Take over the KV cache of what is not cached of a prompt."""
        asked = pace.words(request.json())
        await asyncio.sleep((len(asked) - self._prefixes.take(asked)) * self._speed.transfer_us / 1e6)

    async def relay(
        self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, computed: bool
    ) -> None:
        """Give an answer on, token by token where it is streamed."""
        head = await messages.read_head(reader)
        if head.status != HTTPStatus.OK:
            writer.write(Message(head.start, head.headers, await messages.read_body(reader, head)).encode())
            return
        if not computed:
            await self.compute(request)
        if "text/event-stream" not in head.headers.get("content-type", ""):
            answered = Message(head.start, head.headers, await messages.read_body(reader, head))
            async with self._steps.decode() as step:
                for _ in range(int(answered.json().get("usage", {}).get("completion_tokens", 1)) - (not computed)):
                    await step.acquire()
            writer.write(answered.encode())
            return
        writer.write(messages.opening(head))
        free = not computed
        async with self._steps.decode() as step:
            async for event in _events(head, reader):
                if _TOKEN.search(event) and not free:
                    await step.acquire()
                free = free and not _TOKEN.search(event)
                writer.write(event)
                await writer.drain()

    def metrics(self, text: bytes, model: str) -> bytes:
        """The simulator's, but for what it cannot know."""
        running, waiting = self._steps.load
        label = f'{{engine="0",model_name="{model}"}}'
        lines = [
            f"# TYPE vllm:num_requests_{name} gauge\nvllm:num_requests_{name}{label} {value}\n"
            for name, value in (("running", running), ("waiting", waiting))
        ]
        return b"".join([_OURS.sub(b"", text), *(line.encode() for line in lines), self._prefixes.text(model).encode()])


async def _events(head: Message, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The events of a stream, one after another."""
    text = b""
    async for piece in messages.pieces(head, reader):
        *events, text = (text + piece).split(b"\n\n")
        for event in events:
            yield event + b"\n\n"
    if text:
        yield text
