"""Read the claims, commit who holds nodes, and only then answer with grants (`design/capacity-ledger.md`)."""

from __future__ import annotations

from typing import Any

from kit import capacity, labels, remote
from kit.call import Call, NotFetched
from kit.capacity import GRANTED, LAST_POSITION, REFUSED, WAITING, Claim, Grant
from kit.fields import Fields
from schemas import CapacityLedger

from compose_capacity_ledger.books import Books, Entry, Pool, free_nodes, reserved_nodes, settle

Manifest = dict[str, Any]

COMMITTED_SECONDS = 1.0
VANISHED_SECONDS = 3.0
# Most replicas are gone some seconds after their deletion; somebody waits for their nodes.
_ENDING_SECONDS, _QUICK_SECONDS = 15.0, 1.0


def compose(call: Call[CapacityLedger]) -> None:
    """A call either commits a decision or projects what is committed, never both.

    Each writes its status only if the ledger is still what was read: a late one must not undo a newer.
    """
    call.only_if_current()
    found = call.find_manifests(
        "claims", capacity.API_VERSION, capacity.KIND, labels=capacity.selector(call.xr.spec.clusterName)
    )
    if found is None:
        raise NotFetched("claims")
    claims = [claim for claim in map(capacity.read_claim, found) if claim]
    held = _held(call)
    vanished = {uid: entry for uid, entry in held.items() if uid not in {c.uid for c in claims}}
    left = {uid: _left(call, uid, entry) for uid, entry in vanished.items()}
    books = settle(_pools(call), held, claims, {uid for uid, ends in left.items() if ends == []})
    status = _status(call, books, claims)
    if held != books.entries or not call.xr.status.replicas:
        call.commit(**status)
        call.look_again(COMMITTED_SECONDS)
        return
    _want_grants(call, claims, books)
    call.status(**status)
    call.condition("Arbitrated", True, "Arbitrated", "Every claim has its answer.")
    call.look_again(_patience(call, left))


def _held(call: Call[CapacityLedger]) -> dict[str, Entry]:
    entries = call.xr.status.entries or {}
    return {uid: Entry(e.namespace, e.replica, dict(e.nodes)) for uid, e in entries.items()}


def _pools(call: Call[CapacityLedger]) -> list[Pool]:
    closed = "is being drained" if call.xr.spec.drain else ""
    return [
        Pool(p.name, p.nodes, closed or (f"drains its pool {p.name}" if p.drain else "")) for p in call.xr.spec.pools
    ]


def _left(call: Call[CapacityLedger], uid: str, entry: Entry) -> list[str] | None:
    """What is left of a replica whose claim has vanished, itself and Objects of its: since when each is being deleted.

    None until it was looked at. Not watched: the Objects of a replica that ends change many times.
    """
    replicas = call.peek_manifests(
        f"replica-{uid}",
        "modelplane.ai/v1alpha1",
        "ModelReplica",
        _of_replica,
        name=entry.replica,
        namespace=entry.namespace,
    )
    objects = call.peek_manifests(
        f"objects-{uid}",
        remote.API_VERSION,
        "Object",
        _of_object,
        labels={labels.REPLICA: entry.replica},
        namespace=entry.namespace,
    )
    if replicas is None or objects is None:
        return None
    told = (line.partition(" ") for line in (*replicas, *objects))
    return [ends for ends, _, uids in told if uid in uids.split()]


def _of_replica(replica: Fields) -> str:
    return f"{_ends(replica)} {replica.text('metadata.uid', '')}"


def _of_object(obj: Fields) -> str:
    owners = (owner.text("uid", "") for owner in obj.parts("metadata.ownerReferences"))
    return f"{_ends(obj)} {' '.join(owners)}"


def _ends(manifest: Fields) -> str:
    return manifest.text("metadata.deletionTimestamp", "")


def _patience(call: Call[CapacityLedger], left: dict[str, list[str] | None]) -> float:
    """Seconds until it is looked again whether something is left of those whose claims have vanished."""
    if not left:
        return 0.0
    young = any(call.age(since) < _ENDING_SECONDS for ends in left.values() for since in ends or [])
    return _QUICK_SECONDS if young else VANISHED_SECONDS


def _status(call: Call[CapacityLedger], books: Books, claims: list[Claim]) -> Manifest:
    pools = _pools(call)
    free, reserved = free_nodes(pools, books.entries), reserved_nodes(books.entries.values())
    asked = reserved_nodes(Entry(c.namespace, c.replica, c.nodes) for c in books.waiting)
    return {
        "entries": {
            uid: {"namespace": e.namespace, "replica": e.replica, "nodes": dict(sorted(e.nodes.items()))}
            for uid, e in sorted(books.entries.items())
        },
        "pools": [
            {
                "name": p.name,
                "reserved": reserved[p.name],
                "free": max(free[p.name], 0),
                "waiting": asked[p.name],
                **_times(p.name, books, claims),
            }
            for p in pools
        ],
        "namespaces": sorted({e.namespace for e in books.entries.values()}),
        "replicas": {"granted": len(books.entries), "waiting": len(books.waiting), "refused": len(books.refused)},
    }


def _times(pool: str, books: Books, claims: list[Claim]) -> Manifest:
    """Since when the first one waits for a pool, and when it was last asked for."""
    waiting = (claim.created for claim in books.waiting if pool in claim.nodes)
    asked = (claim.created for claim in claims if pool in claim.nodes)
    told = {"waitingSince": min(waiting, default=""), "askedAt": max(asked, default="")}
    return {key: value for key, value in told.items() if value}


def _want_grants(call: Call[CapacityLedger], claims: list[Claim], books: Books) -> None:
    cluster = call.xr.spec.clusterName
    position = {claim.uid: place for place, claim in enumerate(books.waiting, 1)}
    keys = set()
    for claim in claims:
        key = f"grant-{claim.uid}"
        keys.add(key)
        answer = _answer(call, claim, books, position.get(claim.uid, 0))
        call.want(key, capacity.grant(claim, cluster, answer))
    kept = {f"grant-{uid}" for uid in books.entries}
    for key in call.observed():
        if key not in keys | kept:
            call.drop(key)


def _answer(call: Call[CapacityLedger], claim: Claim, books: Books, position: int) -> Grant:
    if claim.uid in books.entries:
        return Grant(claim.uid, GRANTED, site={**_site(call), "nodes": books.entries[claim.uid].nodes})
    if claim.uid in books.refused:
        return Grant(claim.uid, REFUSED, books.refused[claim.uid])
    return Grant(claim.uid, WAITING, position=position if position <= LAST_POSITION else 0)


def _site(call: Call[CapacityLedger]) -> Manifest:
    """What a replica must know of its cluster."""
    spec = call.xr.spec
    pools = {
        p.name: {
            "nodeSelector": p.nodeSelector or {labels.POOL: p.name},
            "taints": [t.manifest() for t in p.taints or []],
        }
        for p in spec.pools
    }
    return {
        "providerConfig": spec.providerConfigName,
        "gateway": spec.gateway.url or spec.gateway.address,
        "offer": spec.offer,
        "pools": pools,
    }
