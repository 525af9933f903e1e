"""Requests through a service as long as it is shifted: whoever loses one is told which and when."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from replay.client import Outcome, Target, prepared, replay
from replay.trace import Request

_PIECE = 4.0


@dataclass
class Traffic:
    """What became of the requests so far."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def errors(self) -> Counter[str]:
        return Counter(o.error for o in self.outcomes if o.error)


@contextmanager
def traffic(target: Target, requests: Sequence[Request], patience: float) -> Iterator[Traffic]:
    """Send them over and over; in the end every request that was sent is awaited."""
    found, over = Traffic(), threading.Event()
    sending = threading.Thread(target=_send, args=(target, requests, patience, found, over))
    sending.start()
    try:
        yield found
    finally:
        over.set()
        sending.join()


def _send(target: Target, requests: Sequence[Request], patience: float, found: Traffic, over: threading.Event) -> None:
    pieces = _pieces(requests)
    turn = 0
    while not over.is_set():
        piece = pieces[turn % len(pieces)]
        asyncio.run(replay(target, prepared(piece, f"traffic/{turn}"), patience, found.outcomes.append))
        turn += 1


def _pieces(requests: Sequence[Request]) -> list[list[Request]]:
    """Short traces, so that the end need not be waited for."""
    found: dict[int, list[Request]] = {}
    for each in requests:
        found.setdefault(int(each.at / _PIECE), []).append(
            Request(each.at % _PIECE, each.prompt_tokens, each.output_tokens, each.blocks)
        )
    return list(found.values())
