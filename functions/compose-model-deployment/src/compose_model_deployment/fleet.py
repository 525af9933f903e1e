"""The fleet as the scheduler sees it, and what a deployment needs of it."""

from __future__ import annotations

from dataclasses import dataclass

from kit import conditions
from kit.call import Call, NotFetched
from scheduling import (
    Cluster,
    DeploymentNeeds,
    DeviceRequest,
    EngineNeed,
    LabelSelector,
    MemberNeed,
    Phase,
)
from schemas import InferenceClass, InferenceCluster, ModelDeployment, ModelReplica, modelreplica
from schemas.modeldeployment import Engine, Member

from compose_model_deployment import caching, lines
from compose_model_deployment.caching import Cache

# A cluster is reached within seconds of its creation, a minute on a busy machine; longer it holds nobody up.
EXPECTED_SECONDS = 120.0
# Deployments that are created at once see the same cluster as the tightest, and none of them the others' claims.
MOTION_SECONDS, IN_MOTION = 60.0, 3
# By then whoever has waited longer has looked, and asked for the nodes if they are of use to it.
LEFT_SECONDS = 10.0


@dataclass(frozen=True)
class Fleet:
    """All that placement is decided from."""

    clusters: list[Cluster]
    namespace_labels: dict[str, str]
    expected: list[str]
    """Clusters that were created a moment ago and have not been reached yet."""
    cache: Cache | None = None
    """The ModelCache that is asked for."""
    left: str = ""
    """A cluster whose free nodes have been left to others for long enough."""
    place: tuple[str, int] = ("", 0)
    """The queue of the first replica that waited at the last look, and its position."""
    in_motion: bool = False
    """Whether so many ask at this moment that what is seen of free nodes is not true any more."""


def look_up(call: Call[ModelDeployment]) -> Fleet:
    """The fleet as it is now. Raises NotFetched before it is known."""
    clusters = call.peek("clusters", InferenceCluster, lines.of_cluster)
    classes = call.peek("classes", InferenceClass, lines.of_class)
    cache = caching.look_up(call)
    if clusters is None or classes is None:
        raise NotFetched("clusters and classes")
    known = lines.classes(tuple(classes))
    found = [lines.cluster(line, known) for line in clusters]
    namespace = {"kubernetes.io/metadata.name": call.namespace}
    if any(f.admits_some for f in found):
        manifests = call.find_manifests("namespace", "v1", "Namespace", name=call.namespace)
        if manifests is None:
            raise NotFetched("namespace")
        namespace |= manifests[0]["metadata"].get("labels", {}) if manifests else {}
    expected = sorted(f.cluster.name for f in found if f.unreached_since and _is_new(call, f.unreached_since))
    places = [cache.on(f.cluster) if cache else f.cluster for f in found]
    asked = sum(call.age(f.asked_at) < MOTION_SECONDS for f in found if f.asked_at)
    in_motion = asked >= max(min(IN_MOTION, len(found)), 1)
    queue = call.xr.status.scheduling.queue if call.xr.status.scheduling else None
    left = queue.left or "" if queue and conditions.seconds_since(queue.leftAt) > LEFT_SECONDS else ""
    place = (queue.cluster, queue.position or 0) if queue else ("", 0)
    return Fleet(places, namespace, expected, cache, left, place, in_motion)


def _is_new(call: Call[ModelDeployment], created: str) -> bool:
    return call.age(created) < EXPECTED_SECONDS


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
        cache=caching.asked(xr),
    )


def is_enough(replica: ModelReplica, needs: DeploymentNeeds) -> bool:
    """Whether the replica was placed for these very needs."""
    mounted = replica.spec.modelCacheRef.name if replica.spec.modelCacheRef else ""
    same = sorted(map(_engine, replica.spec.engines), key=_by_name) == sorted(needs.engines, key=_by_name)
    return same and needs.cache in ("", mounted)


def _by_name(engine: EngineNeed) -> str:
    return engine.name


def _engine(engine: Engine | modelreplica.Engine) -> EngineNeed:
    return EngineNeed(
        name=engine.name,
        members=tuple(_member(m) for m in engine.members),
        copies=engine.copies,
        phase=Phase(engine.phase) if engine.phase else None,
    )


def _member(member: Member | modelreplica.Member) -> MemberNeed:
    devices = member.nodeSelector.devices if member.nodeSelector else []
    return MemberNeed(
        role=member.role,
        pods=member.worker.nodes if member.worker else 1,
        requests=tuple(
            DeviceRequest(name=d.name, selectors=tuple(s.cel for s in d.selectors), count=d.count) for d in devices
        ),
    )
