"""The pod of one member: what its owner wrote, and what `injected` adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kit import names
from schemas.modelreplica import Engine, Member

from compose_model_replica import claims, injected, secretrefs

Manifest = dict[str, Any]
Decorate = Callable[[Engine, Member, Manifest], Manifest]
"""What routing adds to a finished pod template; it removes nothing."""
_TIME_TO_STOP = 10


@dataclass(frozen=True)
class Setting:
    """Where a pod runs and whose it is."""

    env: dict[str, str]
    labels: dict[str, str]
    node_selector: dict[str, str]
    taints: tuple[Manifest, ...]
    drain_seconds: int
    claim_template: str = ""
    weights: str = ""
    """The claim of the ModelCache's volume."""
    secret_name: Callable[[str], str] = str
    """What a Secret is called on the cluster."""
    annotations: dict[str, str] = field(default_factory=dict)
    serves: bool = True
    """Whether requests go to the pod itself, not only to the leader of its group."""
    port: int = injected.SERVING_PORT
    """Where the engine listens, and is probed."""


def template(member: Member, setting: Setting) -> Manifest:
    """The pod template of `member`."""
    written = member.template.manifest()
    written["spec"] = secretrefs.renamed(written["spec"], setting.secret_name)
    metadata = written.get("metadata", {})
    result: Manifest = {
        "metadata": {"labels": {**metadata.get("labels", {}), **setting.labels}},
        "spec": _spec(written["spec"], setting),
    }
    annotations = {**metadata.get("annotations", {}), **setting.annotations}
    if annotations:
        result["metadata"]["annotations"] = annotations
    return result


def _spec(written: Manifest, setting: Setting) -> Manifest:
    grace = written.get("terminationGracePeriodSeconds", setting.drain_seconds + 30)
    spec = {
        **written,
        **{i.field: i.value for i in injected.POD},
        "terminationGracePeriodSeconds": grace,
        "nodeSelector": setting.node_selector,
        "containers": [_container(c, setting, grace) for c in written["containers"]],
    }
    tolerations = _tolerations(written.get("tolerations", []), setting.taints)
    if tolerations:
        spec["tolerations"] = tolerations
    if _mounts_weights(spec):
        spec["volumes"] = [*spec.get("volumes", []), _weights(setting.weights)]
    if setting.claim_template:
        spec["resourceClaims"] = [{"name": claims.CLAIM, "resourceClaimTemplateName": setting.claim_template}]
    return spec


def _container(written: Manifest, setting: Setting, grace: int) -> Manifest:
    if written["name"] != names.ENGINE_CONTAINER:
        return written
    container = {**written, "env": _env(written.get("env", []), setting.env)}
    if setting.serves:
        probes = {name: _probe(probe.value, setting.port) for name, probe in injected.PROBES.items()}
        container = {**probes, **container, "ports": _ports(written.get("ports", []), setting.port)}
    lifecycle = _lifecycle(written.get("lifecycle", {}), _drain(setting.drain_seconds, grace))
    if lifecycle:
        container["lifecycle"] = lifecycle
    if setting.weights and not _is_mounted(written):
        container["volumeMounts"] = [*written.get("volumeMounts", []), injected.WEIGHTS.value]
    if setting.claim_template:
        resources = written.get("resources", {})
        container["resources"] = {**resources, "claims": [*resources.get("claims", []), {"name": claims.CLAIM}]}
    return container


def _is_mounted(container: Manifest) -> bool:
    path = injected.WEIGHTS.value["mountPath"]
    return any(mount["mountPath"].rstrip("/") == path for mount in container.get("volumeMounts", []))


def _mounts_weights(spec: Manifest) -> bool:
    return any(injected.WEIGHTS.value in container.get("volumeMounts", []) for container in spec["containers"])


def _weights(claim: str) -> Manifest:
    return {"name": injected.WEIGHTS.value["name"], "persistentVolumeClaim": {"claimName": claim}}


def _env(written: list[Manifest], ours: dict[str, str]) -> list[Manifest]:
    # Ours come first, so that the owner's entries and flags can refer to them.
    theirs = {e["name"] for e in written}
    return [{"name": k, "value": v} for k, v in ours.items() if k not in theirs] + written


def _probe(probe: Manifest, port: int) -> Manifest:
    return {**probe, "httpGet": {**probe["httpGet"], "port": port}}


def _ports(written: list[Manifest], port: int) -> list[Manifest]:
    if any(p.get("containerPort") == port for p in written):
        return written
    ours = {**injected.PORT.value, "containerPort": port}
    if port != injected.SERVING_PORT:
        ours["name"] = "engine"
    if any(p.get("name") == ours["name"] for p in written):
        del ours["name"]
    return [ours, *written]


def _lifecycle(written: Manifest, drain: int) -> Manifest:
    if "preStop" in written or drain <= 0:
        return written
    return {**written, "preStop": {"sleep": {"seconds": drain}}}


def _drain(seconds: int, grace: int) -> int:
    """The drain, or half of a shorter grace period of the owner's, so that the engine has time to stop."""
    return seconds if grace >= seconds + _TIME_TO_STOP else min(seconds, grace // 2)


def _tolerations(written: list[Manifest], taints: tuple[Manifest, ...]) -> list[Manifest]:
    ours = [_toleration(t) for t in taints]
    return written + [t for t in ours if t not in written]


def _toleration(taint: Manifest) -> Manifest:
    tolerated = {"key": taint["key"], "effect": taint["effect"]}
    if "value" in taint:
        return {**tolerated, "operator": "Equal", "value": taint["value"]}
    return {**tolerated, "operator": "Exists"}
