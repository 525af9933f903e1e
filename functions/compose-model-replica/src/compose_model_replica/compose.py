"""Read where the replica runs, want its workloads and its route, report what serves."""

from __future__ import annotations

from typing import Any

from kit import capacity, labels, names, remote, secrets
from kit.call import Call
from kit.secrets import Copies
from schemas import ModelReplica
from schemas.modelreplica import Engine

from compose_model_replica import claims, secretrefs, workload
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
        copies = Copies(site.target, call.name, site.namespace, owned_labels(call.xr))
        missing = _want_secrets(call, copies)
        for engine in call.xr.spec.engines:
            _want_workload(call, site, engine, copies, missing)
            _keep_used_claims(call, engine)
        _keep_used_secrets(call)
        MODES[call.xr.spec.serving.mode].want(call, site)
        call.drop_rest()
    report(call, site)


def _want_secrets(call: Call[ModelReplica], copies: Copies) -> str:
    """Copies of what the pods refer to; the sentence about those that are not there yet."""
    for secret in sorted(secretrefs.used(call.xr)):
        secrets.want(call, copies, secret)
    return secrets.missing(call, secretrefs.required(call.xr))


def _want_workload(call: Call[ModelReplica], site: Site, engine: Engine, copies: Copies, missing: str) -> None:
    if missing and call.seen(workload.key(engine)) is None:
        return  # Whoever pulls an image without its secret tries again minutes later.
    xr, mode = call.xr, MODES[call.xr.spec.serving.mode]
    owner = workload.Owner(
        name=call.name,
        deployment=xr.metadata.labels.get(labels.DEPLOYMENT, ""),
        labels=owned_labels(xr, engine),
        drain_seconds=xr.spec.drainSeconds,
        port=mode.port(xr, engine),
        weights=names.cache_volume(xr.spec.modelCacheRef.name) if xr.spec.modelCacheRef else "",
        secret_name=copies.name,
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


def _keep_used_secrets(call: Call[ModelReplica]) -> None:
    """A copy that an earlier revision referred to stays until no pod can be made from it."""
    seen = [call.seen_remote(workload.key(e)) for e in call.xr.spec.engines if call.seen(workload.key(e))]
    for key in filter(secrets.is_copy, call.observed()):
        if claims.is_used(secrets.copied_as(call.seen(key)), seen):
            call.keep_unless_wanted(key)
    secrets.keep_removers(call)


def _template(call: Call[ModelReplica], key: str) -> str:
    """The name of the claim template that was wanted under `key`."""
    manifest = (call.seen(key) or {}).get("spec", {}).get("forProvider", {}).get("manifest", {})
    return str(manifest.get("metadata", {}).get("name", ""))
