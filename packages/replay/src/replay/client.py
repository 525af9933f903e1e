"""Send the requests of a trace at their times, whatever is still under way, and note when each token came."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from replay import trace
from replay.trace import Request

# What an earlier run asked is in caches, or in a picker's memory of caches that have lost it.
_RUN = secrets.token_hex(4)


@dataclass(frozen=True)
class Target:
    """An OpenAI API: `url` without /v1; of several the requests take turns."""

    name: str
    urls: tuple[tuple[str, str], ...]
    """Each with the Host that is asked for there; empty where it is the url's own."""
    model: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    """How an https:// address is called, if not as every other; its certificate carries `certificate`."""
    certificate: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of one request; times are seconds after the moment when it was due."""

    at: float
    error: str = ""
    """Empty where all of the answer came."""
    first: float = 0.0
    end: float = 0.0
    tokens: int = 0
    longest_gap: float = 0.0
    behind: float = 0.0
    """How much later than due it was sent: the client's own fault."""

    @property
    def good(self) -> bool:
        return not self.error

    @property
    def between(self) -> float:
        """The mean time between two tokens."""
        return (self.end - self.first) / max(self.tokens - 1, 1)


Told = Callable[[Outcome], None]
Asked = tuple[Request, str]
"""A request with the text of its prompt, which is made before the clock runs."""


def prepared(requests: Sequence[Request], salt: str) -> list[Asked]:
    """The requests with their prompts; under another salt, and in another run of the program, they are others."""
    return [(r, trace.prompt(r, f"{_RUN}/{salt}")) for r in requests]


async def replay(target: Target, asked: Sequence[Asked], patience: float, told: Told = lambda _: None) -> list[Outcome]:
    """One outcome per request, in their order; `told` hears of each as it ends."""
    connections = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=patience, sock_connect=patience)
    async with aiohttp.ClientSession(connector=connections, timeout=timeout, headers=target.headers) as session:
        clock = asyncio.get_running_loop().time
        begun = clock()

        async def send(n: int) -> Outcome:
            due = begun + asked[n][0].at
            await asyncio.sleep(due - clock())
            outcome = await _ask(session, target, n, asked[n], due)
            told(outcome)
            return outcome

        return list(await asyncio.gather(*map(send, range(len(asked)))))


async def _ask(session: aiohttp.ClientSession, target: Target, n: int, asked: Asked, due: float) -> Outcome:
    request, text = asked
    url, host = target.urls[n % len(target.urls)]
    clock = asyncio.get_running_loop().time
    noted = _Noted(due, request, clock() - due)
    try:
        headers = {"Host": host} if host else {}
        body = _body(target.model, text, request.output_tokens)
        tls, name = target.tls or True, target.certificate or None
        async with session.post(
            f"{url}/v1/completions", json=body, headers=headers, ssl=tls, server_hostname=name
        ) as answer:
            if answer.status != HTTPStatus.OK:
                return noted.failed(f"status {answer.status}")
            async for line in answer.content:
                error = noted.heard(line, clock())
                if error:
                    return noted.failed(error)
    except TimeoutError:
        return noted.failed("no answer in time")
    except (aiohttp.ClientError, OSError) as e:
        return noted.failed("answer cut off" if noted.tokens else f"connection: {type(e).__name__}")
    return noted.ended()


def _body(model: str, text: str, tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "prompt": text,
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
        "temperature": 0,
    }


@dataclass
class _Noted:
    """A stream while it is read."""

    due: float
    request: Request
    behind: float
    first: float = 0.0
    last: float = 0.0
    gap: float = 0.0
    tokens: int = 0
    done: bool = False

    def heard(self, line: bytes, now: float) -> str:
        """Note one line; what went wrong, if it says so."""
        data = line.strip().removeprefix(b"data:").strip()
        if data == b"[DONE]":
            self.done = True
        if not line.startswith(b"data:") or data == b"[DONE]":
            return ""
        try:
            event = json.loads(data)
        except ValueError:
            return "stream is no JSON"
        if "error" in event:
            return "error in the stream"
        if any(c.get("text") for c in event.get("choices") or []):
            self.first = self.first or now
            self.gap = max(self.gap, now - self.last) if self.last else 0.0
            self.last, self.tokens = now, self.tokens + 1
        return ""

    def failed(self, error: str) -> Outcome:
        return Outcome(self.request.at, error, tokens=self.tokens, behind=self.behind)

    def ended(self) -> Outcome:
        if not self.done:
            return self.failed("answer cut off")
        if not self.tokens:
            return self.failed("answer without a token")
        first, end = self.first - self.due, self.last - self.due
        return Outcome(self.request.at, "", first, end, self.tokens, self.gap, self.behind)
