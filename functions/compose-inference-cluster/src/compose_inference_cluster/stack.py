"""The ServingStack of a cluster: whether one is installed, with what overrides, and what it says."""

from __future__ import annotations

from typing import Any

from kit import conditions, labels, names, remote
from kit.call import Call, NotFetched
from schemas import InferenceCluster, ServingStack
from schemas.inferencecluster import SecretRef

Manifest = dict[str, Any]

KEY = "stack"
GATEWAY = "gateway"
_HELM_CONFIG = "helm-config"
_RELEASES = "releases.helm.m.crossplane.io"
# What a ServingStack says; anything else was not said by one.
_REASONS = {
    "StackReady": ("Ready", "NotReady", "Failed"),
    "GatewayReady": ("Ready", "NotReady", "NotReachable", "NoAddress"),
}
_STATUS = {"True": True, "False": False}


def is_wanted(call: Call[InferenceCluster]) -> bool:
    """Whether we install a stack: provider-helm is there, and the cluster was not used without one before."""
    if call.seen(KEY) is not None:
        return True
    return _can_install(call) and (call.xr.spec.servingStack is not None or call.seen(GATEWAY) is None)


def want(call: Call[InferenceCluster], config: str, kubeconfig: SecretRef) -> None:
    """The ServingStack, and the access that its Helm releases need. It watches the gateway from now on."""
    manifest = remote.provider_config(
        "helm.m.crossplane.io/v1beta1", config, call.name, (kubeconfig.name, kubeconfig.key)
    )
    call.want(_HELM_CONFIG, manifest)
    call.want(KEY, _manifest(call.xr, config))
    call.drop(GATEWAY)


def address(call: Call[InferenceCluster]) -> str:
    """The gateway's address as the stack says it; empty without one."""
    gateway = ((call.seen(KEY) or {}).get("status") or {}).get("gateway") or {}
    return str(gateway.get("address") or "")


def url(call: Call[InferenceCluster]) -> str:
    """How the gateway is called, as the stack says it; empty without one."""
    gateway = ((call.seen(KEY) or {}).get("status") or {}).get("gateway") or {}
    return str(gateway.get("url") or "")


def callers(call: Call[InferenceCluster]) -> list[str]:
    """Where on the cluster those are who call engines; none known where the gateway is not the stack's."""
    gateway = ((call.seen(KEY) or {}).get("status") or {}).get("gateway") or {}
    return list(gateway.get("callers") or [])


def report(call: Call[InferenceCluster]) -> None:
    """What the stack says, in the cluster's words."""
    _pass_on(call, "ComponentsReady", "StackReady")
    _pass_on(call, "GatewayReady", "GatewayReady")


def report_unmanaged(call: Call[InferenceCluster]) -> None:
    """Why nothing is installed, and how it would be."""
    if _can_install(call):
        message = "The cluster was used before with what it brought itself, so nothing is installed; spec.servingStack: {} does."
    else:
        message = "provider-helm is not installed here, so nothing is installed; the cluster must bring its own stack."
    call.condition("StackReady", None, "NotManaged", message)


def _can_install(call: Call[InferenceCluster]) -> bool:
    found = call.find_manifests("provider-helm", "apiextensions.k8s.io/v1", "CustomResourceDefinition", name=_RELEASES)
    if found is None:
        raise NotFetched("provider-helm")
    return bool(found)


def _manifest(cluster: InferenceCluster, config: str) -> Manifest:
    overrides = cluster.spec.servingStack.manifest() if cluster.spec.servingStack else {}
    name = cluster.metadata.name
    stack = ServingStack.model_validate(
        {
            "apiVersion": "infrastructure.modelplane.ai/v1alpha1",
            "kind": "ServingStack",
            "metadata": {
                "name": name,
                "namespace": names.SYSTEM_NAMESPACE,
                "labels": {labels.CLUSTER: name},
            },
            "spec": {**overrides, "providerConfigName": config},
        }
    )
    return stack.manifest()


def _pass_on(call: Call[InferenceCluster], theirs: str, ours: str) -> None:
    said = conditions.find(call.seen(KEY), theirs)
    if not said or said.get("reason") not in _REASONS[ours]:
        call.condition(ours, None, "Pending", "The serving stack is being composed.")
        return
    call.condition(ours, _STATUS.get(str(said["status"])), str(said["reason"]), str(said.get("message") or ""))
