"""Read where the replica runs, want its workloads and its route, report what serves."""

from __future__ import annotations

from typing import Any

from kit import capacity, labels, names
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine, Member

from compose_model_replica import claims, workload
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
        _keep_used_claims(call, engine)
    _want_routing(call, site)
    call.drop_rest()
    report(call, site)


def _unsupported(xr: ModelReplica) -> Refused | None:
    if xr.spec.serving.mode != "Unified":
        return Refused("Unsupported", f"spec.serving.mode {xr.spec.serving.mode} cannot be composed by this version.")
    return None


def _want_claim(call: Call[ModelReplica]) -> None:
    call.want(CLAIM_KEY, capacity.claim(call.xr), ready=True)


def _want_workload(call: Call[ModelReplica], site: Site, engine: Engine) -> None:
    deployment = call.xr.metadata.labels.get(labels.DEPLOYMENT, "")
    owner = workload.Owner(call.name, deployment, _labels(call, engine), call.xr.spec.drainSeconds)
    built = workload.build(owner, site, engine, _undecorated)
    for claim in built.claims:
        _want(call, site, claims.key(engine.name, claim), claim)
    _want(call, site, workload.key(engine), built.manifest, workload.READY_WHEN)


def _undecorated(_engine: Engine, _member: Member, template: Manifest) -> Manifest:
    return template


def _keep_used_claims(call: Call[ModelReplica], engine: Engine) -> None:
    """A claim template of an earlier revision stays until no pod can be made from it."""
    key = workload.key(engine)
    seen = [call.seen_remote(key)] if call.seen(key) else []
    for claim in call.observed():
        if claim[:-6] == f"claim-{engine.name}" and claims.is_used(_template(call, claim), seen):
            call.keep_unless_wanted(claim)


def _template(call: Call[ModelReplica], key: str) -> str:
    """The name of the claim template that was wanted under `key`."""
    manifest = (call.seen(key) or {}).get("spec", {}).get("forProvider", {}).get("manifest", {})
    return str(manifest.get("metadata", {}).get("name", ""))


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
