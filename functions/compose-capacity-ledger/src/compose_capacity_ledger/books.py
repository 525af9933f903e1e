"""The arbiter: which claims hold nodes, which wait, which can never fit. Pure values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from kit.capacity import Claim


@dataclass(frozen=True)
class Pool:
    """Equal nodes; `closed` says in words why no further claim is granted there."""

    name: str
    nodes: int
    closed: str = ""


@dataclass(frozen=True)
class Entry:
    """Nodes by pool that one replica holds."""

    namespace: str
    replica: str
    nodes: Mapping[str, int]


@dataclass(frozen=True)
class Books:
    """What is held, by replica uid; who waits, in the order of being served; who is refused, and why."""

    entries: Mapping[str, Entry]
    waiting: tuple[Claim, ...]
    refused: Mapping[str, str]


def settle(
    pools: Iterable[Pool], held: Mapping[str, Entry], claims: Iterable[Claim], released: Set[str] = frozenset()
) -> Books:
    """Grant what fits, in order. What is held stays held until it is released, whatever its pool has become.

    Nobody overtakes: behind a claim that waits for a pool all others wait for that pool as well,
    so that a large one is not starved by small ones.
    """
    by_name = {pool.name: pool for pool in pools}
    entries = {uid: entry for uid, entry in held.items() if uid not in released}
    free = free_nodes(by_name.values(), entries)
    waiting: list[Claim] = []
    refused: dict[str, str] = {}
    awaited: set[str] = set()
    for claim in sorted(claims, key=_order):
        if claim.uid in entries:
            more = {p: n - entries[claim.uid].nodes.get(p, 0) for p, n in claim.nodes.items()}
            # What runs goes on with its old nodes until the new ones are there.
            if all(n <= 0 or (free[p] >= n and p not in awaited) for p, n in more.items()):
                free.update(entries[claim.uid].nodes)
                free.subtract(claim.nodes)
                entries[claim.uid] = Entry(claim.namespace, claim.replica, claim.nodes)
            continue
        if why := _never(claim, by_name):
            refused[claim.uid] = why
        elif awaited & set(claim.nodes) or any(free[pool] < nodes for pool, nodes in claim.nodes.items()):
            waiting.append(claim)
            awaited |= set(claim.nodes)
        else:
            entries[claim.uid] = Entry(claim.namespace, claim.replica, claim.nodes)
            free.subtract(claim.nodes)
    return Books(entries, tuple(waiting), refused)


def free_nodes(pools: Iterable[Pool], entries: Mapping[str, Entry]) -> Counter[str]:
    """Nodes by pool that nobody holds; below zero where a pool has shrunk under what it holds."""
    free = Counter({pool.name: pool.nodes for pool in pools})
    for entry in entries.values():
        free.subtract(entry.nodes)
    return free


def reserved_nodes(entries: Iterable[Entry]) -> Counter[str]:
    """Nodes by pool that replicas hold."""
    held: Counter[str] = Counter()
    for entry in entries:
        held.update(entry.nodes)
    return held


def _order(claim: Claim) -> tuple[bool, str, str]:
    """Those that held nodes before a restore first, then the oldest."""
    return (not claim.reserved, claim.created, claim.uid)


def _never(claim: Claim, pools: Mapping[str, Pool]) -> str:
    """Why the claim cannot be granted as long as the cluster is what it is; empty when it can."""
    for name, nodes in sorted(claim.nodes.items()):
        pool = pools.get(name)
        if pool is None:
            return f"has no pool {name}"
        if pool.closed and not claim.reserved:
            return pool.closed
        if nodes > pool.nodes:
            return f"has {pool.nodes} nodes in pool {name}, {nodes} are asked for"
    return ""
