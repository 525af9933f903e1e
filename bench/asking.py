"""Clients of a data path: how long requests take, how many are answered in a second, and how each one ended."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Body = Callable[[], Mapping[str, Any]]
OK = 200
PATIENCE, LATE = 10.0, 1.0


@dataclass(frozen=True)
class Way:
    """Where requests are sent: an address, a port, the name that is asked for there, and what else is said."""

    name: str
    host: str
    port: int
    hostname: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request: when it was sent, how long it took, and its status; 0 where nothing came in time."""

    sent: float
    seconds: float
    status: int

    @property
    def lost(self) -> bool:
        return self.status != OK

    @property
    def late(self) -> bool:
        return not self.lost and self.seconds > LATE


class Client:
    """One connection, kept as long as the other side keeps it."""

    def __init__(self, way: Way) -> None:
        self._link = http.client.HTTPConnection(way.host, way.port, timeout=PATIENCE)
        self._headers = {"Content-Type": "application/json", "Host": way.hostname or way.host, **way.headers}

    def ask(self, body: Mapping[str, Any]) -> Asked:
        """One completion."""
        text, begun = json.dumps(body), time.monotonic()
        status = 0
        try:
            self._link.request("POST", "/v1/completions", text, self._headers)
            answer = self._link.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            self._link.close()
        return Asked(begun, time.monotonic() - begun, status)

    def close(self) -> None:
        self._link.close()


@dataclass(frozen=True)
class Latency:
    """Of requests one after another, in milliseconds."""

    median: float
    slow: float
    """Nine of ten take no longer."""


def latencies(ways: Sequence[Way], body: Body, rounds: int) -> list[Latency]:
    """What each way takes. They take turns, so that what else the machine does slows down all of them alike."""
    clients = [Client(way) for way in ways]
    taken: list[list[float]] = [[] for _ in ways]
    for turn in range(rounds + _WARM):
        for way, client, times in zip(ways, clients, taken, strict=True):
            asked = client.ask(body())
            if asked.lost:
                raise AssertionError(f"{way.name}: {asked.status} instead of 200")
            if turn >= _WARM:
                times.append(asked.seconds * 1000)
    return [Latency(statistics.median(times), statistics.quantiles(times, n=10)[-1]) for times in taken]


_WARM = 10


def rate(way: Way, body: Body, connections: int, seconds: float) -> tuple[float, int]:
    """Requests answered in a second over so many connections, and how many were not answered 200."""
    asked: list[Asked] = []
    end = time.monotonic() + seconds

    def ask_on() -> None:
        client = Client(way)
        while time.monotonic() < end:
            asked.append(client.ask(body()))
        client.close()

    threads = [threading.Thread(target=ask_on) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    inside = [a for a in asked if a.sent + a.seconds <= end and not a.lost]
    return len(inside) / seconds, sum(a.lost for a in asked)


@contextmanager
def steady(way: Way, body: Body, each: float) -> Iterator[list[Asked]]:
    """A request every `each` seconds, whatever became of those before it: who waits for a dead pod stops nobody else."""
    asked: list[Asked] = []
    ended = threading.Event()

    def one() -> None:
        client = Client(way)
        asked.append(client.ask(body()))
        client.close()

    def go_on(pool: ThreadPoolExecutor) -> None:
        due = time.monotonic()
        while not ended.wait(max(due - time.monotonic(), 0)):
            pool.submit(one)
            due += each

    with ThreadPoolExecutor(max_workers=int(PATIENCE / each) + 10) as pool:
        going = threading.Thread(target=go_on, args=(pool,))
        going.start()
        try:
            yield asked
        finally:
            ended.set()
            going.join()


@dataclass(frozen=True)
class Cost:
    """What an event at `begun` cost those who asked."""

    last: float | None
    """Seconds after which the last request was sent that was lost or late; None where none was."""
    lost: Mapping[int, int]
    """How many were lost, by status."""
    late: int
    count: int


def cost(asked: Sequence[Asked], begun: float) -> Cost:
    """Of all requests that had not ended at `begun`."""
    since = [a for a in asked if a.sent + a.seconds > begun]
    hurt = [a for a in since if a.lost or a.late]
    last = max((max(a.sent - begun, 0.0) for a in hurt), default=None)
    lost = Counter(a.status for a in since if a.lost)
    return Cost(last, dict(sorted(lost.items())), sum(a.late for a in since), len(since))
