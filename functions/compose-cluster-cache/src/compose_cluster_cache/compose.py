"""A volume on one cluster, filled once by a Job that can be interrupted; what is in use is never touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit import labels, names, secrets
from kit.call import Call
from kit.remote import Target, tenant_namespace
from kit.secrets import Copies
from schemas import ClusterCache

from compose_cluster_cache import phases, volume
from compose_cluster_cache.phases import Phase
from compose_cluster_cache.volume import Token

Manifest = dict[str, Any]

NAMESPACE, VOLUME, JOB, RESOLVER = "namespace", "volume", "job-", "resolver-"
# By then somebody may have put another token in place, or the hub is there again.
RETRY_SECONDS = 300.0
# What the condition says while all is well, and `status.message` the steps: each other sentence is six events here, and as
# many of the cache and of each deployment that waits for it.
_GOES_ON = {phases.PENDING: "its volume is being prepared", phases.HYDRATING: "its volume is being filled"}


def compose(call: Call[ClusterCache]) -> None:
    """Compose one cache on one cluster."""
    source = call.xr.spec.huggingFace
    _want(call, NAMESPACE, tenant_namespace(call.namespace), "", for_good=True)
    if not call.is_ready(NAMESPACE) and call.seen(VOLUME) is None:
        _report(call, _waits_for(call, NAMESPACE), "")
        return
    _want_token(call)
    claim = volume.claim(call.xr, call.seen_remote(VOLUME))
    _want(call, VOLUME, claim, volume.BOUND, for_good=call.xr.spec.reclaim == "Retain")
    missing = secrets.missing(call, [source.authSecret.name] if source.authSecret else [])
    revision = source.revision or call.xr.status.revision or _looked_up(call)
    step = _hydrate(call, revision, missing) if revision else _resolve(call, missing)
    _report(call, step, revision)


def _resolve(call: Call[ClusterCache], missing: str) -> Phase:
    """Have the commit looked up."""
    if missing:
        return _waits_for_token(call, missing)
    key = _run(call, RESOLVER, volume.SUCCEEDED, lambda attempt: volume.resolver(call.xr, _token(call), attempt))
    return _reached(call, key) or phases.of_resolver(call.seen_remote(key))


def _hydrate(call: Call[ClusterCache], revision: str, missing: str) -> Phase:
    """Have the volume filled."""
    uid = str(call.seen_remote(VOLUME).get("metadata", {}).get("uid", ""))
    if not uid:
        return _unknown(call) or _waits_for(call, VOLUME)
    key = _run(call, JOB, volume.COMPLETE, lambda attempt: volume.job(call.xr, revision, uid, _token(call), attempt))
    if missing and call.seen(key) is None:
        call.drop(key)
        return _waits_for_token(call, missing)
    _let_go(call, key)
    phase = phases.of_job(call.seen_remote(key))
    if phase.name == phases.HYDRATING and call.seen_remote(VOLUME).get("status", {}).get("phase") != "Bound":
        told = "its volume is not bound yet: its storage class must offer ReadWriteMany"
        phase = Phase(phase.name, f"{told} (spec.cluster.existing.cache of the InferenceCluster){_why(call, VOLUME)}")
    if phase.name == phases.FAILED and call.trouble(VOLUME):
        phase = Phase(phase.name, f"{phase.message}; its claim could not be changed{_why(call, VOLUME)}")
    return phase if phase.name == phases.READY else _reached(call, key) or phase


def _run(call: Call[ClusterCache], prefix: str, ready_when: str, build: Callable[[int], Manifest]) -> str:
    """Want the present attempt, and the next one when that has failed; what exists stays as it was begun. Its key."""
    attempts = {_attempt(call, key): key for key in call.observed() if key.startswith(prefix)}
    attempt = max(attempts, default=0)
    last = attempts.get(attempt, "")
    failed = phases.failed_at(call.seen_remote(last))
    if failed and (call.age(failed) > RETRY_SECONDS or _inputs(build(attempt)) != _inputs(_asked(call, last))):
        attempt += 1
    manifest = build(attempt)
    key = f"{prefix}{manifest['metadata']['name'][-5:]}"
    if call.seen(key):
        call.keep(key)
    else:
        _want(call, key, manifest, ready_when)
    return key


def _let_go(call: Call[ClusterCache], key: str) -> None:
    """Other attempts go; a token that a pod may still ask for stays while there is one."""
    if phases.of_job(call.seen_remote(key)).name == phases.HYDRATING:
        for observed in filter(secrets.is_copy, call.observed()):
            call.keep_unless_wanted(observed)
    secrets.keep_removers(call)
    call.drop_rest()


def _attempt(call: Call[ClusterCache], key: str) -> int:
    found = _asked(call, key).get("metadata", {}).get("labels", {}).get(volume.ATTEMPT, "")
    return int(found) if found.isdigit() else 0


def _asked(call: Call[ClusterCache], key: str) -> Manifest:
    """The manifest that the Object under `key` was given."""
    found: Manifest = (call.seen(key) or {}).get("spec", {}).get("forProvider", {}).get("manifest", {})
    return found


def _inputs(manifest: Manifest) -> list[Any]:
    return [manifest.get("spec"), manifest.get("metadata", {}).get("annotations")]


def _looked_up(call: Call[ClusterCache]) -> str:
    """The commit that was asked for, or that a Pod has found."""
    requested = call.xr.spec.huggingFace.requested
    if phases.is_commit(requested):
        return requested
    found = (phases.commit_of(call.seen_remote(key)) for key in call.observed() if key.startswith(RESOLVER))
    return next(filter(None, found), "")


def _want(call: Call[ClusterCache], key: str, manifest: Manifest, ready_when: str, *, for_good: bool = False) -> None:
    target = _target(call)
    keep = target.apply_for_good if for_good else target.apply
    call.want(key, keep(names.child_name(call.name, key), manifest, ready_when))


def _want_token(call: Call[ClusterCache]) -> None:
    if call.xr.spec.huggingFace.authSecret:
        secrets.want(call, _copies(call), call.xr.spec.huggingFace.authSecret.name)


def _token(call: Call[ClusterCache]) -> Token | None:
    asked = call.xr.spec.huggingFace.authSecret
    return Token(_copies(call).name(asked.name), asked.key) if asked else None


def _copies(call: Call[ClusterCache]) -> Copies:
    target = _target(call)
    return Copies(target, call.name, names.tenant_namespace(call.namespace), target.labels)


def _target(call: Call[ClusterCache]) -> Target:
    spec = call.xr.spec
    mine = {labels.TENANT: call.namespace, labels.CACHE: names.child_name(spec.cacheName)}
    return Target(spec.clusterName, spec.providerConfigName, call.namespace, mine)


def _reached(call: Call[ClusterCache], key: str) -> Phase | None:
    """What keeps the cluster from being written to, if something does."""
    trouble = call.trouble(key)
    return Phase(phases.PENDING, f"could not be written to the cluster: {trouble.rstrip('.')}") if trouble else None


def _waits_for_token(call: Call[ClusterCache], missing: str) -> Phase:
    asked = call.xr.spec.huggingFace.authSecret
    return Phase(phases.PENDING, missing, is_step=not (asked and secrets.trouble(call, asked.name)))


def _waits_for(call: Call[ClusterCache], key: str) -> Phase:
    why = _why(call, key)
    return Phase(phases.PENDING, f"waits for its {key}{why}", is_step=not why)


def _unknown(call: Call[ClusterCache]) -> Phase | None:
    """What was said last, where the volume has been made and says nothing of itself."""
    before = call.xr.status
    silent = call.seen(VOLUME) is not None and not call.has_said(VOLUME) and not call.trouble(VOLUME)
    return Phase(before.phase, before.message or "") if silent and before.phase else None


def _why(call: Call[ClusterCache], key: str) -> str:
    trouble = call.trouble(key)
    return f": {trouble.rstrip('.')}" if trouble else ""


def _written_reclaim(call: Call[ClusterCache]) -> str | None:
    """Whether the volume would go with its Object as that is now; None before it exists."""
    seen = call.seen(VOLUME)
    policies = (seen or {}).get("spec", {}).get("managementPolicies") or ["*"]
    return None if seen is None else "Delete" if {"*", "Delete"} & set(policies) else "Retain"


def _report(call: Call[ClusterCache], phase: Phase, revision: str) -> None:
    message = phase.message.rstrip(".")
    call.status(phase=phase.name, message=message[:1024], revision=revision or call.xr.status.revision)
    call.status(reclaim=_written_reclaim(call))
    told = f"{call.xr.spec.clusterName}: {_GOES_ON[phase.name] if phase.is_step else message}."
    if phase.name == phases.READY:
        call.condition("Hydrated", True, "Hydrated", told)
        return
    call.condition("Hydrated", False, "Failed" if phase.name == phases.FAILED else "Hydrating", told)
