"""Reach the cluster, watch its gateway, have its nodes arbitrated, prepare its tenants' namespaces."""

from __future__ import annotations

from typing import Any

from kit import labels, names, remote, route
from kit.call import Call, Stop
from kit.remote import Target
from schemas import ClusterTenant, InferenceCluster
from schemas.inferencecluster import SecretRef

from compose_inference_cluster import classes, guard, ledger, nodes, stack
from compose_inference_cluster.pools import gpu_pools, total

Manifest = dict[str, Any]

_GATEWAY_READY_WHEN = "has(object.status) && has(object.status.addresses) && object.status.addresses.size() > 0"


def compose(call: Call[InferenceCluster]) -> None:
    """Compose one workload cluster's records on the control plane."""
    source, existing = call.xr.spec.cluster.source, call.xr.spec.cluster.existing
    if source != "Existing" or existing is None:
        call.look_again(0)
        raise Stop(
            "GatewayReady",
            "NotAvailable",
            f"spec.cluster.source {source} cannot be provisioned by this version; "
            "use Existing, with a kubeconfig in spec.cluster.existing.secretRef.",
        )
    # A cluster that is deleted and created again gets a config of its own; the old one is still in use.
    config = names.child_name(call.name, content=call.xr.metadata.uid)
    found = nodes.peek(call)
    managed = stack.is_wanted(call)
    _want_access(call, config, existing.secretRef)
    if managed:
        stack.want(call, config, existing.secretRef)
    else:
        _watch_gateway(call, config)
    address = stack.address(call) or _gateway_address(call)
    gateway = {"address": address, "url": stack.url(call) or _gateway_url(call, address)}
    if address:
        # Not before: all that is born at once with a cluster opens its circuit (`design/capacity-ledger.md`).
        call.want(ledger.KEY, ledger.manifest(call.xr, config, gateway, classes.watch(call)))
        nodes.want(call, config)
    else:
        classes.look(call)
    _report_capacity(call, config, existing.secretRef)
    call.status(providerConfigName=config, gateway=gateway if address else None)
    if managed:
        stack.report(call)
    else:
        _report_gateway(call, existing.secretRef)
        stack.report_unmanaged(call)
    nodes.report(call, found)


def _report_capacity(call: Call[InferenceCluster], config: str, kubeconfig: SecretRef) -> None:
    """What the ledger has committed; what it said last while it says nothing."""
    books = ledger.read(call)
    if books is None:
        if call.seen(ledger.KEY) is None:
            pools = gpu_pools(call.xr.spec.nodePools, {})
            call.status(gpuPools=pools, nodes=total(pools), replicas={"granted": 0, "waiting": 0, "refused": 0})
            return
        call.report.keep()
        return
    access = {"providerConfigName": config, "kubeconfig": {"name": kubeconfig.name, "key": kubeconfig.key}}
    _want_tenants(call, access, set(books.namespaces))
    pools = gpu_pools(call.xr.spec.nodePools, {p.name: p for p in books.pools})
    call.status(gpuPools=pools, nodes=total(pools))
    if books.replicas:
        call.status(replicas=books.replicas.manifest())


def _want_access(call: Call[InferenceCluster], config: str, kubeconfig: SecretRef) -> None:
    secret = (kubeconfig.name, kubeconfig.key)
    call.want("provider-config", remote.provider_config(remote.API_VERSION, config, call.name, secret))


def _watch_gateway(call: Call[InferenceCluster], config: str) -> None:
    target = Target(call.name, config, names.SYSTEM_NAMESPACE)
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": names.GATEWAY, "namespace": names.SYSTEM_NAMESPACE},
    }
    name = names.child_name(call.name, stack.GATEWAY)
    call.want(stack.GATEWAY, target.observe(name, gateway, _GATEWAY_READY_WHEN))


def _want_tenants(call: Call[InferenceCluster], access: Manifest, namespaces: set[str]) -> None:
    for namespace in sorted(namespaces):
        call.want(f"tenant-{namespace}", _tenant(call.name, access, namespace, stack.callers(call)))
    for key in call.observed():
        if key.startswith("tenant-") and key.removeprefix("tenant-") not in namespaces:
            call.drop(key)
    guard.want(call, in_use=bool(namespaces))


def _tenant(cluster: str, access: Manifest, namespace: str, callers: list[str]) -> Manifest:
    spec = {"clusterName": cluster, **access, "namespace": namespace}
    tenant = ClusterTenant.model_validate(
        {
            "apiVersion": "modelplane.ai/v1alpha1",
            "kind": "ClusterTenant",
            "metadata": {
                "name": names.tenant_name(cluster, namespace),
                "labels": {labels.CLUSTER: cluster, labels.TENANT: namespace},
            },
            "spec": {**spec, "callers": callers} if callers else spec,
        }
    )
    return tenant.manifest()


def _gateway_address(call: Call[InferenceCluster]) -> str:
    """The gateway's address; the last one known when the cluster cannot be read."""
    addresses = call.seen_remote("gateway").get("status", {}).get("addresses") or []
    if addresses:
        return str(addresses[0]["value"])
    before = call.xr.status.gateway if call.xr.status else None
    return before.address or "" if before else ""


def _gateway_url(call: Call[InferenceCluster], address: str) -> str:
    """How the gateway is called; as it was last known when the cluster cannot be read."""
    found = call.seen_remote("gateway")
    before = call.xr.status.gateway.url if call.xr.status and call.xr.status.gateway else None
    return before if before and not found else route.url(found, address)


def _report_gateway(call: Call[InferenceCluster], kubeconfig: SecretRef) -> None:
    trouble = call.trouble("gateway")  # First: an Object that cannot look any more stays Ready.
    if trouble:
        call.condition(
            "GatewayReady",
            False,
            "NotReachable",
            f"Gateway {names.SYSTEM_NAMESPACE}/{names.GATEWAY} could not be read with the kubeconfig in Secret "
            f"{names.SYSTEM_NAMESPACE}/{kubeconfig.name}: {trouble.rstrip('.')}.",
        )
        return
    if call.is_ready("gateway"):
        call.condition("GatewayReady", True, "Ready", f"{names.GATEWAY} is at {_gateway_address(call)}.")
        return
    if not call.has_said("gateway"):
        if _gateway_address(call):
            return  # Known already: what it said last stands.
        call.condition("GatewayReady", None, "Pending", "The cluster is being looked at.")
        return
    call.condition(
        "GatewayReady",
        False,
        "NoAddress",
        f"Gateway {names.SYSTEM_NAMESPACE}/{names.GATEWAY} on the cluster has no address yet.",
    )
