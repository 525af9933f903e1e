"""The fleet as the scheduler sees it, and what a deployment needs of it."""

from __future__ import annotations

from dataclasses import dataclass

from kit.call import Call, NotFetched
from kit.remote import Manifest
from scheduling import (
    Cluster,
    DeploymentNeeds,
    DeviceRequest,
    EngineNeed,
    LabelSelector,
    MemberNeed,
    NodeClass,
    Phase,
    Pool,
    read_class,
    read_selector,
)
from schemas import InferenceClass, InferenceCluster, ModelDeployment
from schemas.inferencecluster import NodePool
from schemas.modeldeployment import Engine, Member

# A cluster is reached within seconds of its creation, a minute on a busy machine; longer it holds nobody up.
EXPECTED_SECONDS = 120.0


@dataclass(frozen=True)
class Fleet:
    """All that placement is decided from."""

    clusters: list[Cluster]
    namespace_labels: dict[str, str]
    expected: list[str]
    """Clusters that were created a moment ago and have not been reached yet."""


def look_up(call: Call[ModelDeployment]) -> Fleet:
    """The fleet as it is now. Raises NotFetched before it is known."""
    clusters = call.peek("clusters", InferenceCluster)
    classes = call.peek("classes", InferenceClass)
    if clusters is None or classes is None:
        raise NotFetched("clusters and classes")
    namespace = {"kubernetes.io/metadata.name": call.namespace}
    if any(c.spec.allowedNamespaces for c in clusters):
        found = call.find_manifests("namespace", "v1", "Namespace", name=call.namespace)
        if found is None:
            raise NotFetched("namespace")
        namespace |= found[0]["metadata"].get("labels", {}) if found else {}
    by_name = {c.metadata.name: read_class(c.metadata.name, _devices(c)) for c in classes}
    expected = sorted(c.metadata.name for c in clusters if _is_expected(call, c))
    return Fleet([_cluster(c, by_name) for c in clusters], namespace, expected)


def _is_expected(call: Call[ModelDeployment], cluster: InferenceCluster) -> bool:
    reached = any(c.type == "GatewayReady" and c.status == "True" for c in cluster.status.conditions)
    return not reached and call.age(cluster.metadata.creationTimestamp) < EXPECTED_SECONDS


def needs(xr: ModelDeployment, namespace_labels: dict[str, str]) -> DeploymentNeeds:
    """What one replica of the deployment needs, and where it may go."""
    selector = xr.spec.clusterSelector
    return DeploymentNeeds(
        uid=xr.metadata.uid or f"{xr.metadata.namespace}/{xr.metadata.name}",
        namespace=xr.metadata.namespace,
        engines=tuple(_engine(e) for e in xr.spec.engines),
        replicas=xr.spec.replicas,
        cluster_selector=LabelSelector(match_labels=dict(selector.matchLabels) if selector else {}),
        namespace_labels=namespace_labels,
    )


def _engine(engine: Engine) -> EngineNeed:
    return EngineNeed(
        name=engine.name,
        members=tuple(_member(m) for m in engine.members),
        copies=engine.copies,
        phase=Phase(engine.phase) if engine.phase else None,
    )


def _member(member: Member) -> MemberNeed:
    devices = member.nodeSelector.devices if member.nodeSelector else []
    return MemberNeed(
        role=member.role,
        pods=member.worker.nodes if member.worker else 1,
        requests=tuple(
            DeviceRequest(name=d.name, selectors=tuple(s.cel for s in d.selectors), count=d.count) for d in devices
        ),
    )


def _cluster(cluster: InferenceCluster, classes: dict[str, NodeClass]) -> Cluster:
    status, allowed = cluster.status, cluster.spec.allowedNamespaces
    free = {p.name: p.free or 0 for p in status.gpuPools}
    return Cluster(
        name=cluster.metadata.name,
        pools=tuple(_pool(p, free.get(p.name, p.nodeCount), classes) for p in cluster.spec.nodePools),
        labels=cluster.metadata.labels,
        allowed_namespaces=read_selector(allowed.manifest() if allowed else None),
        drain=cluster.spec.drain,
        gateway_ready=bool(status and status.gateway and status.gateway.address),
    )


def _pool(pool: NodePool, free: int, classes: dict[str, NodeClass]) -> Pool:
    return Pool(
        name=pool.name,
        class_name=pool.className,
        free=free,
        node_class=classes.get(pool.className),
        domain=pool.domain or "",
        drain=pool.drain,
    )


def _devices(node_class: InferenceClass) -> list[Manifest]:
    return [d.manifest() for d in node_class.spec.devices]
