"""The namespace that a tenant's replicas share on one cluster, and the account their pods run as."""

from __future__ import annotations

from kit import labels, names
from kit.call import Call
from kit.remote import Manifest, Target
from schemas import ClusterTenant

ENGINE_ACCOUNT = "modelplane-engine"


def compose(call: Call[ClusterTenant]) -> None:
    """Compose the remote Namespace and ServiceAccount."""
    spec = call.xr.spec
    namespace = names.tenant_namespace(spec.namespace)
    target = Target(spec.clusterName, spec.providerConfigName, call.namespace, {labels.TENANT: spec.namespace})
    tenant = {labels.TENANT: spec.namespace}
    call.want(
        "namespace",
        target.apply_for_good(
            names.child_name(call.name, "namespace"),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": tenant}},
        ),
    )
    # Tried before its namespace exists, the account would wait for the provider's back-off.
    if call.is_ready("namespace") or call.seen("engine-account"):
        call.want("engine-account", _account(target, names.child_name(call.name, "engine-account"), namespace, tenant))
    call.status(namespace=namespace)
    _report(call, namespace)


def _account(target: Target, name: str, namespace: str, tenant: dict[str, str]) -> Manifest:
    return target.apply_for_good(
        name,
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": ENGINE_ACCOUNT, "namespace": namespace, "labels": tenant},
            "automountServiceAccountToken": False,
        },
    )


def _report(call: Call[ClusterTenant], namespace: str) -> None:
    if call.is_ready("namespace") and call.is_ready("engine-account"):
        call.condition("NamespaceReady", True, "Ready", f"Namespace {namespace} exists.")
        return
    trouble = call.trouble("namespace") or call.trouble("engine-account")
    why = f": {trouble.rstrip('.')}" if trouble else ""
    call.condition("NamespaceReady", False, "NotReady", f"Namespace {namespace} is not on the cluster yet{why}.")
