"""The namespace that a tenant's replicas share on one cluster, and the account their pods run as."""

from __future__ import annotations

from kit import labels, names
from kit.call import Call
from kit.remote import Manifest, Target, tenant_namespace
from schemas import ClusterTenant

from compose_cluster_tenant import callers, pickers


def compose(call: Call[ClusterTenant]) -> None:
    """Compose the remote Namespace, the engines' account, and what endpoint pickers may read there."""
    spec = call.xr.spec
    namespace = names.tenant_namespace(spec.namespace)
    target = Target(spec.clusterName, spec.providerConfigName, call.namespace, {labels.TENANT: spec.namespace})
    tenant = {labels.TENANT: spec.namespace}
    name = names.child_name(call.name, "namespace")
    call.want("namespace", target.apply_for_good(name, tenant_namespace(spec.namespace)))
    # Tried before its namespace exists, these would wait for the provider's back-off.
    if call.is_ready("namespace") or call.seen("engine-account"):
        account = _account(names.ENGINE_ACCOUNT, namespace, tenant)
        call.want("engine-account", target.apply_for_good(names.child_name(call.name, "engine-account"), account))
        for key, manifest in pickers.access(namespace, tenant).items():
            call.want(key, target.apply_for_good(names.child_name(call.name, key), manifest))
        if spec.callers:
            policy = callers.policy(namespace, tenant, spec.callers)
            call.want(callers.KEY, target.apply(names.child_name(call.name, callers.KEY), policy))
    if not spec.callers:
        call.drop(callers.KEY)
    call.status(namespace=namespace)
    _report(call, namespace)
    _report_pickers(call, namespace)
    _report_callers(call, namespace)


def _account(name: str, namespace: str, tenant: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace, "labels": tenant},
        "automountServiceAccountToken": False,
    }


def _report(call: Call[ClusterTenant], namespace: str) -> None:
    if call.is_ready("namespace") and call.is_ready("engine-account"):
        call.condition("NamespaceReady", True, "Ready", f"Namespace {namespace} exists.")
        return
    trouble = call.trouble("namespace") or call.trouble("engine-account")
    why = f": {trouble.rstrip('.')}" if trouble else ""
    call.condition("NamespaceReady", False, "NotReady", f"Namespace {namespace} is not on the cluster yet{why}.")


def _report_pickers(call: Call[ClusterTenant], namespace: str) -> None:
    if all(map(call.is_ready, pickers.KEYS)):
        call.condition("PickersAllowed", True, "Ready", f"Endpoint pickers may read pods and pools in {namespace}.")
        return
    trouble = next((call.trouble(key) for key in pickers.KEYS if call.trouble(key)), "")
    why = f": {trouble.rstrip('.')}" if trouble else ""
    told = f"Endpoint pickers have no account with rights in {namespace} yet{why}."
    call.condition("PickersAllowed", False, "NotReady", told)


def _report_callers(call: Call[ClusterTenant], namespace: str) -> None:
    allowed = call.xr.spec.callers
    if not allowed:
        told = (
            "The cluster brings its own gateway, of which no namespace is known: write a NetworkPolicy there yourself."
        )
        call.condition("CallersLimited", False, "NotManaged", told)
    elif call.is_ready(callers.KEY):
        told = f"Pods in {namespace} are called by themselves and from {', '.join(sorted(allowed))}, where policies are enforced."
        call.condition("CallersLimited", True, "Ready", told)
    else:
        why = f": {call.trouble(callers.KEY).rstrip('.')}" if call.trouble(callers.KEY) else ""
        call.condition("CallersLimited", False, "NotReady", f"There is no NetworkPolicy in {namespace} yet{why}.")
