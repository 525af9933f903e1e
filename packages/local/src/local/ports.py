"""Ports on the loopback address: free ones, below those that the kernel hands out by itself."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Collection, Mapping

from local.errors import LocalError

RANGE = range(20000, 32000)
_MOMENT = 10.0
_calls = itertools.count()


def is_free(port: int) -> bool:
    """Whether a listener could have this port now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier one that still time out are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def assign(names: Collection[str], recorded: Mapping[str, int], held: Collection[str]) -> dict[str, int]:
    """A port for each name: the recorded one while its owner holds it or it becomes free, otherwise a new one."""
    kept = {n: recorded[n] for n in names if n in recorded and (n in held or comes_free(recorded[n]))}
    taken = {*kept.values(), *recorded.values()}
    free = (port for port in _candidates() if port not in taken and is_free(port))
    for name in names:
        if name not in kept:
            kept[name] = next(free, 0)
            if not kept[name]:
                raise LocalError(f"No port between {RANGE.start} and {RANGE.stop} of 127.0.0.1 is free")
    return kept


def comes_free(port: int) -> bool:
    """Wait until a listener could have this port, unless somebody listens: a killed server's connections hold it."""
    end = time.monotonic() + _MOMENT
    while not is_free(port):
        if answers(port) or time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _candidates() -> list[int]:
    """All ports, each process and each call from elsewhere: two that start at once see the same ones free."""
    first = (os.getpid() * 101 + next(_calls) * 6007) % len(RANGE)
    return [*RANGE[first:], *RANGE[:first]]
