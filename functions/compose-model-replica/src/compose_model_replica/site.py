"""Where a replica runs: its cluster, its tenant's namespace there, the pools of its engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit import labels, names
from kit.call import Call, NotFetched
from kit.remote import Target
from schemas import ClusterTenant, InferenceCluster, ModelReplica
from schemas.inferencecluster import NodePool

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """A cluster that is ready to take the replica."""

    target: Target
    namespace: str
    gateway: str
    pools: dict[str, NodePool]


@dataclass(frozen=True)
class Refused:
    """Why the replica cannot be composed (anew) where it is placed."""

    reason: str
    message: str


def locate(call: Call[ModelReplica]) -> Site | Refused:
    """The site of the replica. Raises NotFetched before the cluster was looked up."""
    name = call.xr.spec.clusterName
    tenant_name = names.tenant_name(name, call.namespace)
    clusters = call.find("cluster", InferenceCluster, name=name)
    tenants = call.find("tenant", ClusterTenant, name=tenant_name, namespace=names.SYSTEM_NAMESPACE)
    if clusters is None or tenants is None:
        raise NotFetched("cluster")
    if not clusters:
        return Refused(
            "ClusterNotFound",
            f"InferenceCluster {name} does not exist. What already runs there is left as it is; create it again.",
        )
    return _ready_site(call, clusters[0], tenants)


def _ready_site(call: Call[ModelReplica], cluster: InferenceCluster, tenants: list[ClusterTenant]) -> Site | Refused:
    name = cluster.metadata.name
    pools = {p.name: p for p in cluster.spec.nodePools}
    missing = sorted({m.nodePoolName for e in call.xr.spec.engines for m in e.members} - set(pools))
    if missing:
        return Refused(
            "PoolNotFound",
            f"InferenceCluster {name} has no node pool {', '.join(missing)}. What already runs there is left as it is; "
            "add the pool again, or delete this replica to have it placed anew.",
        )
    config = cluster.status.providerConfigName if cluster.status else None
    gateway = cluster.status.gateway.address if cluster.status and cluster.status.gateway else None
    if not config or not gateway:
        return Refused(
            "ClusterNotReady", f"InferenceCluster {name} is not ready; see kubectl describe inferencecluster {name}."
        )
    if not any(_is_ready(t) for t in tenants) and not call.seen("service"):
        return Refused(
            "TenantNotReady",
            f"Waiting for namespace {names.tenant_namespace(call.namespace)} on cluster {name}.",
        )
    mine = {labels.REPLICA: call.name}
    return Site(
        target=Target(name, config, call.namespace, mine),
        namespace=names.tenant_namespace(call.namespace),
        gateway=gateway,
        pools=pools,
    )


def _is_ready(tenant: ClusterTenant) -> bool:
    conditions = tenant.status.conditions if tenant.status and tenant.status.conditions else []
    return any(c.type == "Ready" and c.status == "True" for c in conditions)
