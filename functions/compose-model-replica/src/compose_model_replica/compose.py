"""Read where the replica runs, want its workloads and its route, report what serves."""

from __future__ import annotations

from typing import Any

from kit import capacity, labels, remote
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine

from compose_model_replica import claims, workload
from compose_model_replica.objects import owned_labels, want_object
from compose_model_replica.report import report
from compose_model_replica.routing import MODES
from compose_model_replica.site import CLAIM_KEY, Refused, Site, locate

Manifest = dict[str, Any]


def compose(call: Call[ModelReplica]) -> None:
    """Compose one replica. What it can no longer decide about stays as it is."""
    call.want(CLAIM_KEY, capacity.claim(call.xr))
    site = locate(call)
    if not isinstance(site, Refused):
        for engine in call.xr.spec.engines:
            _want_workload(call, site, engine)
            _keep_used_claims(call, engine)
        MODES[call.xr.spec.serving.mode].want(call, site)
        call.drop_rest()
    report(call, site)


def _want_workload(call: Call[ModelReplica], site: Site, engine: Engine) -> None:
    xr, mode = call.xr, MODES[call.xr.spec.serving.mode]
    owner = workload.Owner(
        name=call.name,
        deployment=xr.metadata.labels.get(labels.DEPLOYMENT, ""),
        labels=owned_labels(xr, engine),
        drain_seconds=xr.spec.drainSeconds,
        port=mode.port(xr, engine),
    )
    built = workload.build(owner, site, engine, mode.decorate(xr))
    for claim in built.claims:
        want_object(call, site, claims.key(engine.name, claim), claim)
    want_object(call, site, workload.key(engine), built.manifest, remote.A_COPY_IS_READY)


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
