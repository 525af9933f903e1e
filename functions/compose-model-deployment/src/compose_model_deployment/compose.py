"""Keep what is placed, place what is missing, publish what serves, say why not."""

from __future__ import annotations

from kit.call import Call
from schemas import ModelDeployment

from compose_model_deployment import fleet, plan, replicas
from compose_model_deployment.endpoints import want_endpoints
from compose_model_deployment.plan import Place, Plan
from compose_model_deployment.replicas import Existing
from compose_model_deployment.report import report, report_unsupported

SETTLED_SECONDS = 600.0
WAITING_SECONDS = 20.0
YOUNG_SECONDS = 2.0
YOUTH_SECONDS = 120.0


def compose(call: Call[ModelDeployment]) -> None:
    """Compose one deployment. A replica that is placed stays placed, whatever becomes of the fleet."""
    existing = replicas.existing(call)
    unsupported = _unsupported(call.xr)
    if unsupported:
        want_endpoints(call, existing, leaving=set())
        report_unsupported(call, existing, unsupported)
        return
    found = fleet.look_up(call)
    outdated = {e.ordinal for e in existing if not replicas.is_current(call, e.replica)}
    made = plan.make(fleet.needs(call.xr, found.namespace_labels), found, existing, outdated)
    _want_replicas(call, made)
    want_endpoints(call, existing, made.remove)
    report(call, existing, made)
    call.look_again(_patience(call, existing, made))


def _patience(call: Call[ModelDeployment], existing: list[Existing], made: Plan) -> float:
    """Seconds until the fleet is looked at again; it is not watched (`design/peeking.md`)."""
    if made.remove:
        return YOUNG_SECONDS
    if len(made.placed(existing)) >= call.xr.spec.replicas:
        return SETTLED_SECONDS
    return YOUNG_SECONDS if call.age(call.xr.metadata.creationTimestamp) < YOUTH_SECONDS else WAITING_SECONDS


def _unsupported(xr: ModelDeployment) -> str:
    """What this version cannot compose; empty when it can."""
    if xr.spec.serving.mode != "Unified":
        return f"spec.serving.mode {xr.spec.serving.mode} cannot be composed by this version; use Unified."
    if any(m.role != "Standalone" for e in xr.spec.engines for m in e.members):
        return "Engines of a Leader and Workers cannot be composed by this version; use a Standalone member."
    if xr.spec.modelCacheRef:
        return "spec.modelCacheRef cannot be used in this version; let the engine load its weights itself."
    return ""


def _want_replicas(call: Call[ModelDeployment], made: Plan) -> None:
    for ordinal, place in made.places.items():
        call.want(replicas.key(ordinal), _replica(call, ordinal, place))
    for ordinal in made.remove:
        # The endpoint goes first; its deletion calls us again.
        if call.seen(replicas.endpoint_key(ordinal)) is None:
            call.drop(replicas.key(ordinal))


def _replica(call: Call[ModelDeployment], ordinal: int, place: Place) -> replicas.Manifest:
    engines = replicas.engines(call.xr.spec.engines, dict(place.pools), place.requests)
    return replicas.manifest(call, ordinal, place.cluster, engines)
