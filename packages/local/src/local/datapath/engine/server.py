"""The engine's port: requests go to the simulator, the KV transfer parameters in them are honoured as vLLM does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field, replace
from typing import Any

from local.datapath.engine import contract, messages, sidechannel
from local.datapath.engine.contract import Engine
from local.datapath.engine.messages import Message
from local.datapath.engine.paced import Paced
from local.datapath.engine.sidechannel import Counters, TransferError

# Told by the list of models: figures of such an engine are no hardware's.
SIMULATED = "x-modelplane-simulated"
_PARAMETERS = "kv_transfer_params"
_CHUNK = 65536
# Nobody's real figure: so much of a KV cache is said to be behind a character of a prompt.
_BYTES_OF_A_CHARACTER = 1024


@dataclass
class Server:
    """One engine in front of one simulator, which listens on loopback port `behind`."""

    engine: Engine
    behind: int
    paced: Paced | None = None
    """How long it takes, where that is not the simulator's to say."""
    counters: Counters = field(default_factory=Counters)
    _answering: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        # Whose client has left nobody else remembers, and what asyncio forgets ends anywhere.
        task = asyncio.current_task()
        self._answering.add(task)
        try:
            await self._answer(reader, writer)
        finally:
            self._answering.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await messages.read_head(reader)
            request = replace(head, body=await messages.read_body(reader, head))
            try:
                await self._pass(request, writer)
            except TransferError as e:
                self.counters.failures += 1
                writer.write(messages.error(500, str(e)).encode())
            await writer.drain()
        writer.close()

    async def _pass(self, request: Message, writer: asyncio.StreamWriter) -> None:
        if request.path.partition("?")[0] == "/metrics":  # kubectl asks with its timeout as a query.
            answered = await self._whole(request)
            extra = self.counters.text(self.engine.names[0]) if self.engine.transfers else ""
            body = self.paced.metrics(answered.body, self.engine.names[0]) if self.paced else answered.body
            writer.write(replace(answered, body=body + extra.encode()).encode())
            return
        if request.method == "GET" and request.path == "/v1/models":
            answered = await self._whole(request)
            latencies = self.paced.told if self.paced else contract.LATENCIES
            writer.write(replace(answered, headers={**answered.headers, SIMULATED: latencies}).encode())
            return
        parameters = request.json().get(_PARAMETERS) if request.method == "POST" else None
        if not isinstance(parameters, dict):
            await self._stream(request, writer)
        elif parameters.get("do_remote_decode"):
            await self._prefill(request, writer)
        elif parameters.get("do_remote_prefill"):
            await self._decode(request, parameters, writer)
        else:
            await self._stream(request, writer)

    async def _prefill(self, request: Message, writer: asyncio.StreamWriter) -> None:
        """For another engine: the answer says where the KV cache waits."""
        if not self.engine.hands_over:
            await self._stream(_without(request), writer)
            return
        answered = await self._whole(request)
        if self.paced:
            await self.paced.compute(request)
        found = answered.json()
        if isinstance(found.get(_PARAMETERS), dict):
            host, port = self.engine.side_channel
            found[_PARAMETERS] |= {"remote_host": host, "remote_port": port}
            answered = replace(answered, body=json.dumps(found).encode())
        writer.write(answered.encode())

    async def _decode(self, request: Message, parameters: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """What another engine prefilled, after a handshake with it."""
        if not self.engine.takes_over:
            await self._stream(_without(request), writer)
            return
        begun = time.monotonic()
        await sidechannel.handshake(
            self.engine, str(parameters.get("remote_host")), int(parameters.get("remote_port") or 0)
        )
        self.counters.transfers += 1
        self.counters.bytes += len(request.body) * _BYTES_OF_A_CHARACTER
        if self.paced:
            await self.paced.take_over(request)
        self.counters.seconds += time.monotonic() - begun
        await self._stream(request, writer, computed=True)

    async def _whole(self, request: Message) -> Message:
        reader, link = await self._send(request)
        head = await messages.read_head(reader)
        answered = replace(head, body=await messages.read_body(reader, head))
        link.close()
        return answered

    async def _stream(self, request: Message, writer: asyncio.StreamWriter, *, computed: bool = False) -> None:
        reader, link = await self._send(request)
        try:
            if self.paced and request.method == "POST":
                await self.paced.relay(request, reader, writer, computed=computed)
                return
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
        finally:
            # Of a stream that is broken off the simulator v0.10.2 writes its error into somebody else's answer.
            while await reader.read(_CHUNK):
                pass
            link.close()

    async def _send(self, request: Message) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.behind, limit=1 << 24)
        writer.write(request.encode())
        await writer.drain()
        return reader, writer


def _without(request: Message) -> Message:
    """As an engine reads it that knows nothing of KV transfers."""
    body = {k: v for k, v in request.json().items() if k != _PARAMETERS}
    return replace(request, body=json.dumps(body).encode())
