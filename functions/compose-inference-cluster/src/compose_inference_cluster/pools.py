"""The capacity of a cluster by pool, as its status shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.capacityledger import StatusPool
from schemas.inferencecluster import NodePool

Manifest = dict[str, Any]


def gpu_pools(pools: list[NodePool], counted: Mapping[str, StatusPool]) -> list[Manifest]:
    """The pools as `status.gpuPools` shows them; before anything was counted all nodes are free."""
    return [_gpu_pool(p, counted.get(p.name, StatusPool(name=p.name))) for p in pools]


def total(pools: list[Manifest]) -> Manifest:
    """All pools together, as `status.nodes` shows them."""
    nodes = sum(p["nodes"] for p in pools)
    free = sum(p["free"] for p in pools)
    return {"total": nodes, "free": free, "summary": f"{free}/{nodes}"}


def _gpu_pool(pool: NodePool, counted: StatusPool) -> Manifest:
    reserved = counted.reserved or 0
    shown: Manifest = {
        "name": pool.name,
        "className": pool.className,
        "nodes": pool.nodeCount,
        "reserved": reserved,
        "free": max(pool.nodeCount - reserved, 0),
        "waiting": counted.waiting or 0,
    }
    told = {"domain": pool.domain, "waitingSince": counted.waitingSince, "askedAt": counted.askedAt}
    return shown | {key: value for key, value in told.items() if value}
