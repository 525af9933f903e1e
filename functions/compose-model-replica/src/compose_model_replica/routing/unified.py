"""Unified: every pod answers whole requests, behind one Service and one HTTPRoute."""

from __future__ import annotations

from typing import Any

from kit import labels, names, route
from kit.call import Call
from schemas import ModelReplica
from schemas.modelreplica import Engine, Member

from compose_model_replica.injected import SERVING_PORT
from compose_model_replica.objects import owned_labels, trouble, want_object
from compose_model_replica.pod import Decorate
from compose_model_replica.routing.mode import Mode
from compose_model_replica.site import Site

Manifest = dict[str, Any]

SERVICE_PORT = 80


def _want(call: Call[ModelReplica], site: Site) -> None:
    metadata = {"name": call.name, "namespace": site.namespace, "labels": owned_labels(call.xr)}
    host = names.hostname(call.name, call.namespace)
    backend = {"name": call.name, "port": SERVICE_PORT}
    want_object(call, site, "service", _service(metadata))
    want_object(call, site, "route", route.route(metadata, host, backend), route.READY_WHEN)


def _service(metadata: Manifest) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "selector": {labels.SERVING: metadata["name"]},
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": SERVING_PORT, "protocol": "TCP"}],
        },
    }


def _report(call: Call[ModelReplica]) -> None:
    call.condition("Disaggregating", False, "NotRequested", "spec.serving.mode is Unified.")
    if not call.seen("route"):
        call.condition("RoutingReady", False, "NotReady", "The HTTPRoute is not on the cluster yet.")
        return
    if not call.has_said("route"):
        return
    if not call.is_ready("route"):
        why = f"The cluster's gateway has not accepted the HTTPRoute.{trouble(call, 'route')}"
        call.condition("RoutingReady", False, "NotReady", why)
        return
    call.condition("RoutingReady", True, "Ready")


def _undecorated(_xr: ModelReplica) -> Decorate:
    def decorate(_engine: Engine, _member: Member, template: Manifest) -> Manifest:
        return template

    return decorate


MODE = Mode(
    port=lambda _xr, _engine: SERVING_PORT,
    decorate=_undecorated,
    want=_want,
    report=_report,
    answering=lambda _engine: True,
)
