"""Where a replica runs, as its cluster's grant tells: how to reach it, the pools of its engines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kit import capacity, labels, names
from kit.call import Call, NotFetched
from kit.capacity import GRANTED, WAITING, Grant
from kit.fields import Fields
from kit.objects import group_version_kind
from kit.remote import Target
from schemas import ClusterTenant, InferenceCluster, ModelReplica

Manifest = dict[str, Any]

CLAIM_KEY = "capacity"
TENANT_SECONDS = 1.0
# Until then one sentence covers all that a new replica waits for: each change of it is two writes.
YOUTH_SECONDS = 10.0


@dataclass(frozen=True)
class Pool:
    """What a pod must have to run on the nodes of a pool."""

    node_selector: dict[str, str]
    taints: tuple[Manifest, ...] = ()


@dataclass(frozen=True)
class Site:
    """A cluster that has given the replica its nodes."""

    target: Target
    namespace: str
    gateway: str
    offer: str
    pools: dict[str, Pool] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """Why the replica cannot be composed (anew) where it is placed."""

    reason: str
    message: str
    position: int = 0


def locate(call: Call[ModelReplica]) -> Site | Refused:
    """The site of the replica. Raises NotFetched before its grant was looked up."""
    name = capacity.grant_name(call.namespace, call.name)
    found = call.find_manifests(
        "grant", capacity.API_VERSION, capacity.KIND, name=name, namespace=names.SYSTEM_NAMESPACE
    )
    if found is None:
        raise NotFetched("grant")
    grants = [grant for grant in map(capacity.read_grant, found) if grant]
    # A grant of a replica that had this name before says nothing about this one.
    mine = next((g for g in grants if g.uid == call.xr.metadata.uid), None)
    if mine is None:
        return _unanswered(call)
    if mine.verdict == GRANTED:
        return _granted(call, mine)
    if mine.verdict == WAITING:
        return _waiting(call, mine.position)
    return Refused("Refused", f"{call.xr.spec.clusterName} {mine.message}.")


def has_started(call: Call[ModelReplica]) -> bool:
    """Whether anything of the replica was written to its cluster."""
    return any(key != CLAIM_KEY for key in call.observed())


def _unanswered(call: Call[ModelReplica]) -> Refused:
    name = call.xr.spec.clusterName
    clusters = call.find("cluster", InferenceCluster, name=name)
    if clusters is None:
        raise NotFetched("cluster")
    stays = " What already runs there is left as it is" if has_started(call) else ""
    if not clusters:
        again = f"{stays}; create it again." if stays else ""
        return Refused("ClusterNotFound", f"InferenceCluster {name} does not exist.{again}")
    return _not_given(name, f"{stays}." if stays else "")


def _not_given(cluster: str, stays: str = "") -> Refused:
    return Refused("GrantNotFound", f"InferenceCluster {cluster} has not given it nodes and a namespace yet.{stays}")


def _waiting(call: Call[ModelReplica], position: int) -> Refused:
    name = call.xr.spec.clusterName
    if not position:
        last = capacity.LAST_POSITION
        return Refused("Waiting", f"Waits for nodes in the queue of {name}, behind {last} others or more.")
    return Refused("Waiting", f"Waits for nodes in the queue of {name}, at position {position}.", position)


def _granted(call: Call[ModelReplica], grant: Grant) -> Site | Refused:
    name, site = call.xr.spec.clusterName, grant.site
    pools = {p: Pool(each["nodeSelector"], tuple(each["taints"])) for p, each in site["pools"].items()}
    missing = sorted({m.nodePoolName for e in call.xr.spec.engines for m in e.members} - set(pools))
    if missing:
        return Refused(
            "PoolNotFound",
            f"InferenceCluster {name} has no node pool {', '.join(missing)}. What already runs there is left as it is; "
            "add the pool again, or delete this replica to have it placed anew.",
        )
    if dict(capacity.nodes_of(call.xr)) != site["nodes"]:
        return Refused("Waiting", f"{name} has not given the nodes yet that it asks for now; it runs on those it has.")
    namespace = names.tenant_namespace(call.namespace)
    if not has_started(call) and not _tenant_is_ready(call, name):
        if call.age(call.xr.metadata.creationTimestamp) < YOUTH_SECONDS:
            return _not_given(name)
        return Refused("TenantNotReady", f"Waiting for namespace {namespace} on cluster {name}.")
    mine = {labels.REPLICA: call.name}
    target = Target(name, names.tenant_config(site["providerConfig"], call.namespace), call.namespace, mine)
    return Site(target, namespace, site["gateway"], site["offer"], pools)


def _tenant_is_ready(call: Call[ModelReplica], cluster: str) -> bool:
    """Looked at, not watched: the birth of a tenant would open the circuit of the first replica in it."""
    name = names.tenant_name(cluster, call.namespace)
    kind = group_version_kind(ClusterTenant)
    found = call.peek_manifests("tenant", *kind, _readiness, name=name)
    if found is None:
        raise NotFetched("tenant")
    if "True" in found:
        return True
    call.look_again(TENANT_SECONDS)
    return False


def _readiness(tenant: Fields) -> str:
    ready = (c.text("status", "") for c in tenant.parts("status.conditions") if c.text("type", "") == "Ready")
    return next(ready, "Unknown")
