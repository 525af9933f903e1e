"""Clients of all kinds at one address: short prompts, long ones, streams, and streams that are aborted."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cli import proving

PATH = "/default/qwen/v1/completions"
PATIENCE, OK = 30.0, 200
# Clients of each kind: what 2 cores bear beside two clusters.
CLIENTS = {"short": 2, "long": 1, "streamed": 2, "aborted": 1}


@dataclass
class Tally:
    """What requests of each kind ended with, by what went on then."""

    going_on: str = ""
    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def lost(self, going_on: str) -> dict[str, int]:
        """How requests ended that were lost, and how many."""
        ended = sorted(dict(self.ended).items())
        return {f"{kind} {how}": n for (when, kind, how), n in ended if when == going_on and how != "whole"}

    def sent(self, going_on: str) -> int:
        """How many requests ended, whole or lost."""
        return sum(times for (when, _, _), times in dict(self.ended).items() if when == going_on)


def ask(host: str, kind: str) -> str:
    """One request; "whole" when all of the answer came, otherwise what came instead."""
    streams = kind in ("streamed", "aborted")
    body = {
        "model": "qwen",
        "prompt": proving.prompt(4 if kind == "short" else 200),
        "max_tokens": 600 if streams else 20,
        "stream": streams,
        "ignore_eos": True,
    }
    link = http.client.HTTPConnection(host, timeout=PATIENCE)
    try:
        link.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json"})
        answer = link.getresponse()
        if answer.status != OK:
            return str(answer.status)
        if kind == "aborted":
            answer.read(64)
            return "whole"
        text = answer.read()
        return "whole" if kind != "streamed" or text.rstrip().endswith(b"[DONE]") else "cut off"
    except (OSError, http.client.HTTPException) as e:
        return "no answer in time" if isinstance(e, TimeoutError) else type(e).__name__
    finally:
        link.close()


@contextmanager
def load(host: str) -> Iterator[Tally]:
    """Clients of all kinds that ask on and on, until the end."""
    tally, counting = Tally(), threading.Lock()

    def ask_on(kind: str) -> None:
        while not tally.over.is_set():
            how = ask(host, kind)
            with counting:
                tally.ended[tally.going_on, kind, how] += 1
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
