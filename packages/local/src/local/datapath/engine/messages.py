"""As much of HTTP/1.1 as an engine's server needs: one request per connection, bodies of both kinds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "accept-encoding"})


@dataclass(frozen=True)
class Message:
    """A request or a response: its first line, its headers by lower-case name, and what came of its body."""

    start: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def method(self) -> str:
        return self.start.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.start.split(" ")[1]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty one when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def encode(self) -> bytes:
        """The whole message, of which nothing follows."""
        kept = {k: v for k, v in self.headers.items() if k not in _HOP}
        lines = [f"{k}: {v}" for k, v in kept.items()]
        ends = [f"content-length: {len(self.body)}", "connection: close", "", ""]
        return "\r\n".join([self.start, *lines, *ends]).encode() + self.body


def opening(head: Message) -> bytes:
    """The head of a message whose body ends with the connection."""
    kept = [f"{k}: {v}" for k, v in head.headers.items() if k not in _HOP]
    return "\r\n".join([head.start, *kept, "connection: close", "", ""]).encode()


def error(status: int, message: str) -> Message:
    """An error as an OpenAI server words it."""
    body = {"error": {"message": message, "type": "InternalServerError", "param": None, "code": status}}
    return Message(f"HTTP/1.1 {status} Error", {"content-type": "application/json"}, json.dumps(body).encode())


async def read_head(reader: asyncio.StreamReader) -> Message:
    """The first line and the headers."""
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = text.rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Message(start, {name.lower().strip(): value.strip() for name, _, value in pairs})


async def read_body(reader: asyncio.StreamReader, head: Message) -> bytes:
    """The whole body of a message, whichever way its length is told."""
    if head.headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join([piece async for piece in pieces(head, reader)])
    length = head.headers.get("content-length")
    if length is not None:
        return await reader.readexactly(int(length))
    return await reader.read() if head.start.startswith("HTTP/") else b""


async def pieces(head: Message, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The body of a message as it comes."""
    if head.headers.get("transfer-encoding", "").lower() != "chunked":
        yield await read_body(reader, head)
        return
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # Trailers.
