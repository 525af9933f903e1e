"""What `make bench` measures. It imports nothing, so that what runs it stays small."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """What is measured: `free` False leaves no node free, `changed` is the share that differs from call to call."""

    name: str
    clusters: int
    wanted: int
    settled: bool = False
    free: bool = True
    changed: float = 0.0
    only_place: bool = False


@dataclass(frozen=True)
class Group:
    """Rows of one table."""

    title: str
    rows: list[tuple[str, Scenario]]


SIZES = (100, 300, 1000, 3000, 10000)

PAIR = Group(
    "scheduling.place, a PrefillDecode pair",
    [(f"{n:,} clusters, 10 wanted", Scenario(f"pair-{n}", n, 10, only_place=True)) for n in SIZES],
)
GROWTH = Group(
    "The function, from 100 to 10,000 clusters",
    [(f"{n:,} clusters, 10 wanted", Scenario(f"growth-{n}", n, 10)) for n in SIZES],
)
RECONCILE = Group(
    "The function, from request bytes to response bytes",
    [
        ("1,000 clusters, 5,000 replicas run, 10 wanted", Scenario("place-1000", 1000, 10)),
        ("… and a tenth of the clusters changed since", Scenario("changed-1000", 1000, 10, changed=0.1)),
        ("… and no node is free anywhere", Scenario("full-1000", 1000, 10, free=False)),
        ("… and all 10 are placed and serve", Scenario("settled-1000", 1000, 10, settled=True)),
        ("100 clusters, 500 replicas run, 5 wanted", Scenario("place-100", 100, 5)),
        ("… and all 5 are placed and serve", Scenario("settled-100", 100, 5, settled=True)),
    ],
)
TINY = Group(
    "A tiny fleet",
    [
        ("placing", Scenario("tiny-2", 2, 1)),
        ("changed", Scenario("tiny-4", 4, 2, changed=0.5)),
        ("settled", Scenario("tiny-settled", 2, 1, settled=True)),
        ("a pair", Scenario("tiny-pair", 4, 2, only_place=True)),
    ],
)


def named(name: str) -> Scenario:
    return next(s for group in (RECONCILE, GROWTH, PAIR, TINY) for _, s in group.rows if s.name == name)
