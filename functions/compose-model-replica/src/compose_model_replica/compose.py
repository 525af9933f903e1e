"""Read where the replica runs, want its workloads and its route, report what serves."""

from __future__ import annotations

from typing import Any

from kit import capacity, labels, names
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine

from compose_model_replica import claims, pod
from compose_model_replica.deployment import READY_WHEN, deployment
from compose_model_replica.report import report
from compose_model_replica.routing import unified
from compose_model_replica.site import CLAIM_KEY, Refused, Site, locate

Manifest = dict[str, Any]


def compose(call: Call[ModelReplica]) -> None:
    """Compose one replica. What it can no longer decide about stays as it is."""
    _want_claim(call)
    unsupported = _unsupported(call.xr)
    site = unsupported or locate(call)
    if isinstance(site, Refused):
        report(call, site)
        return
    for engine in call.xr.spec.engines:
        _want_workload(call, site, engine)
    _want_routing(call, site)
    call.drop_rest()
    report(call, site)


def _unsupported(xr: ModelReplica) -> Refused | None:
    if xr.spec.serving.mode != "Unified":
        return Refused("Unsupported", f"spec.serving.mode {xr.spec.serving.mode} cannot be composed by this version.")
    if any(m.role != "Standalone" for e in xr.spec.engines for m in e.members):
        return Refused("Unsupported", "Engines of a Leader and Workers cannot be composed by this version.")
    return None


def _want_claim(call: Call[ModelReplica]) -> None:
    call.want(CLAIM_KEY, capacity.claim(call.xr), ready=True)


def _want_workload(call: Call[ModelReplica], site: Site, engine: Engine) -> None:
    member = engine.members[0]
    claim = claims.template(call.name, engine.name, member, site.namespace)
    if claim:
        claim["metadata"]["labels"] = _labels(call, engine)
        _want(call, site, f"claim-{engine.name}-{claim['metadata']['name'][-5:]}", claim)
    name = names.child_name(call.name, engine.name)
    metadata = {"name": name, "namespace": site.namespace, "labels": _labels(call, engine)}
    template = pod.template(member, _setting(call, site, engine, claim))
    _want(call, site, f"workload-{engine.name}", deployment(metadata, engine.copies, template), READY_WHEN)


def _setting(call: Call[ModelReplica], site: Site, engine: Engine, claim: Manifest | None) -> pod.Setting:
    pool = site.pools[engine.members[0].nodePoolName]
    return pod.Setting(
        env={
            "MODELPLANE_DEPLOYMENT": call.xr.metadata.labels.get(labels.DEPLOYMENT, ""),
            "MODELPLANE_REPLICA": call.name,
            "MODELPLANE_ENGINE": engine.name,
        },
        labels={
            **_labels(call, engine),
            labels.WORKLOAD: names.child_name(call.name, engine.name),
            labels.SERVING: call.name,
        },
        node_selector=pool.node_selector,
        taints=pool.taints,
        drain_seconds=call.xr.spec.drainSeconds,
        claim_template=claim["metadata"]["name"] if claim else "",
    )


def _want_routing(call: Call[ModelReplica], site: Site) -> None:
    metadata = {"name": call.name, "namespace": site.namespace, "labels": _labels(call)}
    host = names.hostname(call.name, call.namespace)
    _want(call, site, "service", unified.service(metadata))
    _want(call, site, "route", unified.route(metadata, host), unified.ROUTE_READY_WHEN)


def _want(call: Call[ModelReplica], site: Site, key: str, manifest: Manifest, ready_when: str = "") -> None:
    call.want(key, site.target.apply(names.child_name(call.name, key), manifest, ready_when))


def _labels(call: Call[ModelReplica], engine: Engine | None = None) -> dict[str, str]:
    owned = {
        labels.DEPLOYMENT: call.xr.metadata.labels.get(labels.DEPLOYMENT, ""),
        labels.REPLICA: call.name,
        labels.TENANT: call.namespace,
    }
    return {**owned, labels.ENGINE: engine.name} if engine else owned
