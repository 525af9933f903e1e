"""What a replica says of itself, read from the objects that Crossplane saw."""

from __future__ import annotations

from typing import Any

from kit import names, secrets
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine

from compose_model_replica import secretrefs, workload
from compose_model_replica.objects import trouble
from compose_model_replica.routing import MODES
from compose_model_replica.site import Refused, Site, has_started

Manifest = dict[str, Any]


def report(call: Call[ModelReplica], site: Site | Refused) -> None:
    """Set every condition and the status. What cannot be known is left as it was."""
    call.condition("ContractValid", None, "NotChecked", "Engine flags are checked at the ModelDeployment.")
    if isinstance(site, Refused):
        call.condition("Granted", False, site.reason, site.message)
        call.report.keep()
        call.report.forget("position")
        call.status(position=site.position or None)
    else:
        call.condition("Granted", True, "Granted", f"Runs on {call.xr.spec.clusterName}.")
        call.status(
            endpoint=_endpoint(call, site.gateway),
            providerConfigName=site.target.provider_config,
            namespace=site.namespace,
            offer=site.offer,
        )
    _report_engines(call)
    _report_revision(call, site)
    MODES[call.xr.spec.serving.mode].report(call)


def _endpoint(call: Call[ModelReplica], gateway: str) -> Manifest:
    """`gateway` is an address, or a URL where it is not called by plain HTTP."""
    url = gateway if "://" in gateway else f"http://{gateway}"
    tls = {"tls": {"hostname": names.GATEWAY_CERTIFICATE}} if url.startswith("https://") else {}
    return {"url": url, "hostname": names.hostname(call.name, call.namespace), **tls}


def _report_engines(call: Call[ModelReplica]) -> None:
    engines = call.xr.spec.engines
    ready = {e.name: workload.ready_copies(call, e) for e in engines}
    if has_started(call):
        call.status(engines=[{"name": e.name, "ready": ready[e.name], "desired": e.copies} for e in engines])
    counts = ", ".join(f"{e.name} {ready[e.name]}/{e.copies}" for e in engines)
    if not any(ready[e.name] for e in engines if _answers(call, e)):
        missing = _missing_secrets(call)
        why = missing or "".join(trouble(call, workload.key(e)) for e in engines) + _postponed(call)
        reason = "SecretsMissing" if missing else "NotReady"
        call.condition("EnginesReady", False, reason, f"No copy answers yet: {counts}.{why}")
        return
    if any(ready[e.name] < e.copies for e in engines):
        call.condition("EnginesReady", True, "PartlyReady", f"Serves with the copies that answer: {counts}.")
        return
    call.condition("EnginesReady", True, "Ready", f"All copies answer: {counts}.")


def _missing_secrets(call: Call[ModelReplica]) -> str:
    """The Secrets that keep pods from starting, as a sentence after another."""
    if not any(map(secrets.is_copy, call.observed())):
        return ""
    told = secrets.missing(call, secretrefs.required(call.xr))
    return f" {told}" if told else ""


def _answers(call: Call[ModelReplica], engine: Engine) -> bool:
    return MODES[call.xr.spec.serving.mode].answering(engine)


def _report_revision(call: Call[ModelReplica], site: Site | Refused) -> None:
    """Say which revision answers. Its deployment publishes a changed replica when this is the one asked for."""
    asked, before = call.xr.spec.revision, call.xr.status.revision
    if asked is None or isinstance(site, Refused):
        return
    answers = any(workload.ready_copies(call, e) for e in call.xr.spec.engines if _answers(call, e))
    call.status(revision=asked if answers and workload.have_rolled(call) else before)


def _postponed(call: Call[ModelReplica]) -> str:
    count = len(call.postponed)
    follow = "1 more object follows" if count == 1 else f"{count} more objects follow"
    return f" {follow} when the first are on the cluster." if count else ""
