"""One engine as objects of its cluster: a Deployment or a LeaderWorkerSet, and the device claims of its pods.

Nothing here knows how requests reach the engine; `routing` decorates what this makes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit import labels, names
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine, Member

from compose_model_replica import claims, pod
from compose_model_replica.deployment import deployment
from compose_model_replica.leaderworkerset import LONGEST_NAME, leader_worker_set
from compose_model_replica.site import Site

Manifest = dict[str, Any]

_FROM_THE_GROUP = {
    "MODELPLANE_LEADER_ADDRESS": "$(LWS_LEADER_ADDRESS)",
    "MODELPLANE_RANK": "$(LWS_WORKER_INDEX)",
}


@dataclass(frozen=True)
class Owner:
    """The replica whose engine it is."""

    name: str
    deployment: str
    labels: dict[str, str]
    drain_seconds: int
    port: int
    """Where the engine listens."""
    weights: str = ""
    """The claim of the ModelCache's volume; empty without one."""
    secret_name: Callable[[str], str] = str
    """What a Secret is called on the cluster."""


@dataclass(frozen=True)
class Workload:
    """What runs one engine, and the claim templates that its pods name."""

    manifest: Manifest
    claims: tuple[Manifest, ...]


def is_gang(engine: Engine) -> bool:
    """Whether the engine is a leader and its workers."""
    return len(engine.members) > 1


def key(engine: Engine) -> str:
    """The composed resource of the engine's workload. Another shape is another object: both exist while it changes."""
    return f"group-{engine.name}" if is_gang(engine) else f"workload-{engine.name}"


def build(owner: Owner, site: Site, engine: Engine, decorate: pod.Decorate) -> Workload:
    """The engine's workload, its pod templates decorated."""
    templates = claims.templates(owner.name, engine, site.namespace, owner.labels)
    made = {
        member.role: decorate(
            engine, member, pod.template(member, _setting(owner, site, engine, member, templates.get(member.role)))
        )
        for member in engine.members
    }
    metadata = {"name": _name(owner, engine), "namespace": site.namespace, "labels": owner.labels}
    used = {t["metadata"]["name"]: t for t in templates.values()}
    if not is_gang(engine):
        manifest = deployment(metadata, engine.copies, next(iter(made.values())))
        return Workload(manifest, tuple(used.values()))
    workers = next(m.worker.nodes for m in engine.members if m.worker)
    manifest = leader_worker_set(metadata, engine.copies, made["Leader"], made["Worker"], workers)
    return Workload(manifest, tuple(used.values()))


def _name(owner: Owner, engine: Engine) -> str:
    """Never the replica's: a LeaderWorkerSet makes a headless Service of its own name."""
    limit = LONGEST_NAME if is_gang(engine) else names.DNS_LABEL
    return names.child_name(owner.name, engine.name, limit=limit)


def _setting(owner: Owner, site: Site, engine: Engine, member: Member, claim: Manifest | None) -> pod.Setting:
    pool = site.pools[member.nodePoolName]
    serves = member.role != "Worker"
    env = {
        "MODELPLANE_DEPLOYMENT": owner.deployment,
        "MODELPLANE_REPLICA": owner.name,
        "MODELPLANE_ENGINE": engine.name,
    }
    return pod.Setting(
        env={**_FROM_THE_GROUP, **env} if is_gang(engine) else env,
        labels={
            **owner.labels,
            labels.WORKLOAD: _name(owner, engine),
            **({labels.SERVING: owner.name} if serves else {}),
        },
        node_selector=pool.node_selector,
        taints=pool.taints,
        drain_seconds=owner.drain_seconds,
        claim_template=claim["metadata"]["name"] if claim else "",
        weights=owner.weights,
        secret_name=owner.secret_name,
        serves=serves,
        port=owner.port,
    )


def ready_copies(call: Call[ModelReplica], engine: Engine) -> int:
    """Copies that answer; what was last reported when the object has nothing to say."""
    seen = call.seen_remote(key(engine))
    if seen:
        return int(seen.get("status", {}).get("readyReplicas", 0))
    before = call.xr.status.engines if call.xr.status and call.xr.status.engines else []
    return next((e.ready or 0 for e in before if e.name == engine.name), 0)


def have_rolled(call: Call[ModelReplica]) -> bool:
    """Whether the cluster has every engine as it is wanted now, with no pod of an earlier revision left."""
    wanted = {key(e) for e in call.xr.spec.engines}
    there = {k for k in call.observed() if k.startswith(("group-", "workload-"))}
    written = wanted == there and all(call.is_written(k) for k in wanted)
    return written and all(claims.has_rolled(call.seen_remote(k)) for k in wanted)
