"""Clients that ask without a pause."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

CLIENTS = 4


@contextmanager
def load(answer: Callable[[], Hashable], clients: int = CLIENTS) -> Iterator[Counter[Hashable]]:
    """So many clients call `answer` on and on until the end; how often each answer came."""
    found: Counter[Hashable] = Counter()
    counting, over = threading.Lock(), threading.Event()

    def run() -> None:
        while not over.is_set():
            came = answer()
            with counting:
                found[came] += 1

    running = [threading.Thread(target=run) for _ in range(clients)]
    for each in running:
        each.start()
    try:
        yield found
    finally:
        over.set()
        for each in running:
            each.join()
