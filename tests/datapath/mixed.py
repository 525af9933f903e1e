"""Clients of all kinds at one address: short prompts, long ones, streams, and streams that are aborted."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cli import proving

PATH = "/default/qwen/v1/completions"
PATIENCE, OK = 30.0, 200
WHOLE = "whole"
# Clients of each kind: what 2 cores bear beside two clusters.
CLIENTS = {"short": 2, "long": 1, "streamed": 2, "aborted": 1}
# Tokens of a stream, 2 ms each: some are over before a pod has gone, some are not.
LENGTHS = (200, 3000)


@dataclass(frozen=True)
class Ended:
    """One request: what went on when it was sent, when that was, and what it ended with."""

    going_on: str
    sent: float
    seconds: float
    kind: str
    how: str
    told: str = ""
    """What the gateway said of it."""


@dataclass
class Tally:
    """All requests that have ended."""

    going_on: str = ""
    ended: list[Ended] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def sent(self, going_on: str) -> int:
        """How many requests were sent meanwhile."""
        return sum(e.going_on == going_on for e in list(self.ended))

    def lost(self, going_on: str) -> list[Ended]:
        """Those of them whose answer did not come, or not whole."""
        return [e for e in list(self.ended) if e.going_on == going_on and e.how != WHOLE]


def ask(host: str, kind: str) -> tuple[str, str]:
    """One request, over a connection of its own: "whole" when all of the answer came, otherwise what came instead."""
    streams = kind in ("streamed", "aborted")
    body = {
        "model": "qwen",
        "prompt": proving.prompt(4 if kind == "short" else 200),
        "max_tokens": random.randint(*LENGTHS) if streams else 20,  # noqa: S311  # No secret.
        "stream": streams,
        "ignore_eos": True,
    }
    link = http.client.HTTPConnection(host, timeout=PATIENCE)
    try:
        link.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json"})
        answer = link.getresponse()
        if answer.status != OK:
            return str(answer.status), answer.read().decode(errors="replace")[:300]
        if kind == "aborted":
            return (WHOLE if answer.read(64) else "cut off"), ""
        text = answer.read()
        return (WHOLE if kind != "streamed" or text.rstrip().endswith(b"[DONE]") else "cut off"), ""
    except TimeoutError:
        return f"nothing for {PATIENCE:.0f} s", ""
    except (http.client.IncompleteRead, ConnectionResetError) as e:
        return "cut off", type(e).__name__
    except (OSError, http.client.HTTPException) as e:
        return type(e).__name__, str(e)
    finally:
        link.close()


@contextmanager
def load(host: str) -> Iterator[Tally]:
    """Clients of all kinds that ask on and on, until the end."""
    tally = Tally()

    def ask_on(kind: str) -> None:
        while not tally.over.is_set():
            meanwhile, sent = tally.going_on, time.monotonic()
            how, told = ask(host, kind)
            tally.ended.append(Ended(meanwhile, sent, time.monotonic() - sent, kind, how, told))
            # A client that is refused at once does not ask as fast as it can.
            tally.over.wait(random.uniform(0.0, 0.2))  # noqa: S311  # No secret.

    clients = [threading.Thread(target=ask_on, args=(k,)) for k, count in CLIENTS.items() for _ in range(count)]
    for client in clients:
        client.start()
    try:
        yield tally
    finally:
        tally.over.set()
        for client in clients:
            client.join()
