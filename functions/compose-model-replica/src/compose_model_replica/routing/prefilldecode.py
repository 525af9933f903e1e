"""PrefillDecode: a picker sends each prompt to a prefill and a decode pod, and KV blocks travel between them."""

from __future__ import annotations

from typing import Any

from contract.flags import parse
from contract.picker import DEFAULT, Dialect, UnknownVersion, dialect_of
from kit import conditions, labels, names
from kit.call import Call
from schemas import ModelReplica, ModelRoute
from schemas.modelreplica import Engine, Member

from compose_model_replica import workload
from compose_model_replica.injected import DECODE_PORT, SERVING_PORT
from compose_model_replica.objects import owned_labels, trouble
from compose_model_replica.pod import Decorate
from compose_model_replica.routing import nixl, proof, sidecar
from compose_model_replica.routing.mode import Mode
from compose_model_replica.site import Site

Manifest = dict[str, Any]

ROUTE_KEY = "model-route"
_STRIP = "The cluster's gateway must drop the headers of docs/how-to/prepare-a-cluster.md that clients send."


def _port(_xr: ModelReplica, engine: Engine) -> int:
    """A decode engine leaves 8000 to its sidecar; where its flags cannot be read, 8001 is the convention."""
    if engine.phase != "Decode":
        return SERVING_PORT
    container = engine.members[0].template.manifest()["spec"]["containers"][0]
    flags = parse(container.get("command"), container.get("args"), container.get("env"), container.get("image", ""))
    return flags.port if flags.port and flags.port != SERVING_PORT else DECODE_PORT


def _decorate(xr: ModelReplica) -> Decorate:
    dialect = _dialect(xr)

    def decorate(engine: Engine, member: Member, template: Manifest) -> Manifest:
        role = (engine.phase or "Decode").lower()
        serves = member.role != "Worker"
        added = {labels.PD_ROLE: role, **({labels.ROLE: role} if serves else {})}
        metadata = template["metadata"]
        labelled = {**template, "metadata": {**metadata, "labels": {**metadata["labels"], **added}}}
        ready = nixl.add(labelled)
        return sidecar.add(ready, xr, dialect, _port(xr, engine)) if serves and role == "decode" else ready

    return decorate


def _dialect(xr: ModelReplica) -> Dialect:
    """The picker's version was resolved when the replica was created; one that is unknown is its ModelRoute's to tell."""
    picker = xr.spec.serving.endpointPicker
    found = dialect_of(picker.image, picker.version) if picker else DEFAULT
    return DEFAULT if isinstance(found, UnknownVersion) else found


def _want(call: Call[ModelReplica], site: Site) -> None:
    route = ModelRoute.model_validate(
        {
            "apiVersion": "modelplane.ai/v1alpha1",
            "kind": "ModelRoute",
            "metadata": {
                "name": call.name,
                "namespace": call.namespace,
                "labels": {**owned_labels(call.xr), labels.CLUSTER: call.xr.spec.clusterName},
            },
            "spec": {
                "replicaName": call.name,
                "clusterName": call.xr.spec.clusterName,
                "providerConfigName": site.target.provider_config,
                "hostname": names.hostname(call.name, call.namespace),
                "serving": call.xr.spec.serving.manifest(),
            },
        }
    )
    call.want(ROUTE_KEY, route.manifest())


def _report(call: Call[ModelReplica]) -> None:
    said = conditions.find(call.seen(ROUTE_KEY), "RoutingReady")
    routed = said.get("status") == "True"
    if said:
        met = {"True": True, "False": False}.get(str(said.get("status")))
        call.condition("RoutingReady", met, "Ready" if met else "NotReady", str(said.get("message") or ""))
    elif call.seen(ROUTE_KEY) is None:
        call.condition(
            "RoutingReady",
            False,
            "NotReady",
            f"The ModelRoute is not there yet.{trouble(call, ROUTE_KEY)}",
        )
    _report_phases(call, routed)


def _report_phases(call: Call[ModelReplica], routed: bool) -> None:
    ready = {e.phase: workload.ready_copies(call, e) for e in call.xr.spec.engines}
    counts = ", ".join(f"{e.name} {ready[e.phase]}/{e.copies}" for e in call.xr.spec.engines)
    if not ready.get("Decode"):
        call.condition("Disaggregating", False, "DecodeUnavailable", f"No decode engine is ready: {counts}.")
    elif not ready.get("Prefill"):
        alone = "decode engines compute prompts themselves" if _dialect(call.xr).falls_back else "requests fail"
        told = f"No prefill engine is ready, so {alone}: {counts}."
        call.condition("Disaggregating", False, "PrefillUnavailable", told)
    elif not routed:
        call.condition("Disaggregating", False, "NotRouted", "Prefill and decode engines are ready; see RoutingReady.")
    elif noted := proof.read(call.xr):
        reason = "Proven" if noted.disaggregates else "Disproven"
        call.condition("Disaggregating", noted.disaggregates, reason, noted.message)
    else:
        call.condition("Disaggregating", True, "Disaggregating", f"Prefill and decode engines are ready. {_STRIP}")


MODE = Mode(
    port=_port,
    decorate=_decorate,
    want=_want,
    report=_report,
    answering=lambda engine: engine.phase != "Prefill",
)
