"""One measurement in a process of its own: `measure.py FOLDER SCENARIO [SECONDS]` prints it as JSON.

The first call is the cold one. For warm calls, the reconcile is repeated for so many seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

LEAST_CALLS = 4


def peak_megabytes() -> float:
    """What this process needed at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def repeated(once: Callable[[], None], seconds: float) -> list[float]:
    """Milliseconds of each call: at least three after the first."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_CALLS or time.perf_counter() < end:
        start = time.perf_counter()
        once()
        times.append((time.perf_counter() - start) * 1000)
    return times


def of_function(folder: Path, seconds: float) -> dict[str, Any]:
    """All rounds of a reconcile, bytes to bytes, as behind gRPC."""
    from compose_model_deployment import function  # noqa: PLC0415  # Importing is no part of a call, but takes memory.
    from crossplane.function.proto.v1 import run_function_pb2 as fnv1  # noqa: PLC0415  # As above.

    revisions: dict[str, list[bytes]] = {}
    for path in sorted(folder.iterdir()):
        revisions.setdefault(path.name.split("-")[0], []).append(path.read_bytes())
    turns: Iterator[list[bytes]] = cycle(revisions.values())
    before, answers = peak_megabytes(), [b""]

    def once() -> None:
        answers[:] = [function(fnv1.RunFunctionRequest.FromString(sent)).SerializeToString() for sent in next(turns)]

    times = repeated(once, seconds)
    last = fnv1.RunFunctionResponse.FromString(answers[-1])
    sent = next(iter(revisions.values()))
    return {
        "times": times,
        "rounds": len(sent),
        "placed": sum(key.startswith("replica-") for key in last.desired.resources),
        "request": max(map(len, sent)),
        "response": max(map(len, answers)),
        "megabytes": [before, peak_megabytes()],
    }


def of_place(name: str, seconds: float) -> dict[str, Any]:
    """`scheduling.place` for a PrefillDecode pair, its fleet made before."""
    from fleet import clusters, prefill_decode  # noqa: PLC0415  # As above.
    from scenarios import named  # noqa: PLC0415  # As above.
    from scheduling import place  # noqa: PLC0415  # As above.

    scenario = named(name)
    fleet, needs, decided = clusters(scenario), prefill_decode(scenario.wanted), []
    before = peak_megabytes()
    times = repeated(lambda: decided.append(len(place(needs, fleet).placements)), seconds)
    return {"times": times, "placed": decided[-1], "megabytes": [before, peak_megabytes()]}


if __name__ == "__main__":
    _, root, name, seconds = sys.argv
    folder = Path(root) / name
    measured = of_function(folder, float(seconds)) if folder.exists() else of_place(name, float(seconds))
    sys.stdout.write(json.dumps(measured))
