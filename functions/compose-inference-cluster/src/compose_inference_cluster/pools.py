"""How many nodes of each pool the replicas on a cluster take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from kit.capacity import Claim
from schemas.inferencecluster import NodePool

Manifest = dict[str, Any]


def nodes_taken(claims: Iterable[Claim]) -> Counter[str]:
    """Nodes per pool, over all claims."""
    taken: Counter[str] = Counter()
    for claim in claims:
        taken.update(claim.nodes)
    return taken


def gpu_pools(pools: list[NodePool], taken: Counter[str]) -> list[Manifest]:
    """The pools as `status.gpuPools` shows them."""
    return [_gpu_pool(p, taken[p.name]) for p in pools]


def total(pools: list[Manifest]) -> Manifest:
    """All pools together, as `status.nodes` shows them."""
    nodes = sum(p["nodes"] for p in pools)
    free = sum(p["free"] for p in pools)
    return {"total": nodes, "free": free, "summary": f"{free}/{nodes}"}


def _gpu_pool(pool: NodePool, reserved: int) -> Manifest:
    shown: Manifest = {
        "name": pool.name,
        "className": pool.className,
        "nodes": pool.nodeCount,
        "reserved": reserved,
        "free": max(pool.nodeCount - reserved, 0),
    }
    return {**shown, "domain": pool.domain} if pool.domain else shown
