"""The ModelReplicas of a deployment: what exists, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit import conditions, labels, names
from kit.call import Call
from kit.objects import read
from scheduling import Claim, Kept, ResolvedRequest
from schemas import ModelDeployment, ModelReplica
from schemas.base import Condition
from schemas.modeldeployment import Engine
from schemas.modelreplica import Serving

Manifest = dict[str, Any]
Requests = dict[tuple[str, str], list[Manifest]]

_KEY = "replica-"
_ENDPOINT = "endpoint-"
# A cluster answers a claim within a moment; a crowd on a busy control plane may wait for most of a minute.
_ANSWERED_SECONDS = 60.0
_BIRTH_SECONDS = 10.0
# A cluster counts a claim within a moment; until then a replica's own nodes may still look free.
_COUNTED_SECONDS = 15.0
MOST_ORDINALS = 256


@dataclass(frozen=True)
class Place:
    """A replica's cluster, the pool of each engine, and the device requests of each member."""

    cluster: str
    pools: Mapping[str, str]
    requests: Requests
    reserved: bool = False


@dataclass(frozen=True)
class Existing:
    """A replica that exists, as Crossplane last saw it."""

    ordinal: int
    replica: ModelReplica
    age: float
    """Seconds since it was created."""

    @property
    def name(self) -> str:
        return self.replica.metadata.name

    @property
    def cluster(self) -> str:
        return self.replica.spec.clusterName

    @property
    def pools(self) -> dict[str, str]:
        """The pool of each engine."""
        return {e.name: e.members[0].nodePoolName for e in self.replica.spec.engines}

    @property
    def cache(self) -> str:
        """The ModelCache that its pods mount; empty when there is none."""
        return self.replica.spec.modelCacheRef.name if self.replica.spec.modelCacheRef else ""

    @property
    def offer(self) -> str:
        """What its cluster offers now, as its grant says."""
        return self.replica.status.offer or ""

    @property
    def position(self) -> int:
        """Its place in the queue; 0 when that is not told."""
        return self.replica.status.position or 0

    @property
    def serves(self) -> bool | None:
        """Whether it is Ready, all of it made from its spec; None when it does not say, or does not know."""
        said = {c.type: c.status for c in self.replica.status.conditions}
        if said.get("Ready") == "True":
            return self.replica.status.revision == self.replica.spec.revision
        counting = [said[c.type] for c in conditions.of("ModelReplica") if c.counts and c.type in said]
        knows = said.get("Ready") == "False" and (not counting or "False" in counting)
        return False if knows else None

    @property
    def is_granted(self) -> bool:
        """Whether its cluster says that it holds its nodes."""
        return self._granted.status == "True"

    @property
    def holds(self) -> bool:
        """Whether it has ever been granted its nodes: such a replica stays, whatever is said of it now."""
        return self.is_granted or self.replica.spec.reserved or bool(self.replica.status.providerConfigName)

    @property
    def is_waiting(self) -> bool:
        """Whether it stands in its cluster's queue."""
        return not self.holds and self._granted.reason == "Waiting"

    @property
    def is_refused(self) -> bool:
        """Whether its cluster can never take it."""
        return not self.holds and self._granted.reason in ("Refused", "ClusterNotFound")

    @property
    def is_asked(self) -> bool:
        """Whether its cluster is about to answer: it has not said anything, and is expected to."""
        unanswered = self._granted.reason in ("", "Pending", "GrantNotFound", "TenantNotReady")
        return not self.holds and unanswered and self.age < _ANSWERED_SECONDS

    @property
    def is_being_born(self) -> bool:
        """Whether it still wakes its deployment with every step of its own."""
        return not self.holds or (self.age < _BIRTH_SECONDS and not self.serves)

    @property
    def _granted(self) -> Condition:
        unsaid = Condition(type="Granted", status="Unknown")
        return next((c for c in self.replica.status.conditions if c.type == "Granted"), unsaid)


def key(ordinal: int) -> str:
    """The composed resource's key of a replica."""
    return f"{_KEY}{ordinal}"


def endpoint_key(ordinal: int) -> str:
    """The composed resource's key of a replica's endpoint."""
    return f"{_ENDPOINT}{ordinal}"


def name_of(call: Call[ModelDeployment], ordinal: int) -> str:
    """The name of the deployment's replica of that ordinal."""
    return names.replica_name(call.name, ordinal)


def ordinal_of(call: Call[ModelDeployment], name: str) -> int | None:
    """The ordinal of a replica of the deployment."""
    return next((n for n in range(MOST_ORDINALS) if names.replica_name(call.name, n) == name), None)


def endpoint_keys(call: Call[ModelDeployment]) -> list[str]:
    """The keys of all endpoints that exist."""
    return [key for key in call.observed() if key.startswith(_ENDPOINT)]


def existing(call: Call[ModelDeployment]) -> list[Existing]:
    """All replicas that exist, by ordinal."""
    found = {int(k.removeprefix(_KEY)): call.seen(k) for k in call.observed() if k.startswith(_KEY)}
    replicas = {ordinal: read(ModelReplica, seen or {}) for ordinal, seen in sorted(found.items())}
    return [Existing(n, r, call.age(r.metadata.creationTimestamp)) for n, r in replicas.items()]


def free_ordinals(taken: set[int]) -> Iterator[int]:
    """Ordinals for new replicas, lowest first."""
    ordinal = 0
    while True:
        if ordinal not in taken:
            yield ordinal
        ordinal += 1


def manifest(
    call: Call[ModelDeployment], ordinal: int, place: Place, serving: Manifest, revision: int | None = None
) -> Manifest:
    """The ModelReplica of that ordinal as the deployment asks for it; `reserved` when it holds its nodes already."""
    spec, cluster = call.xr.spec, place.cluster
    written: Manifest = {
        "clusterName": cluster,
        "drainSeconds": spec.rollout.drainSeconds,
        "serving": serving,
        "engines": [_engine(e, place.pools[e.name], place.requests) for e in spec.engines],
    }
    if place.reserved:
        written["reserved"] = True
    if revision:
        written["revision"] = revision
    if spec.modelCacheRef:
        written["modelCacheRef"] = spec.modelCacheRef.manifest()
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelReplica",
        "metadata": {
            "name": names.replica_name(call.name, ordinal),
            "namespace": call.namespace,
            "labels": {labels.DEPLOYMENT: call.name, labels.CLUSTER: cluster},
        },
        "spec": written,
    }


def _engine(engine: Engine, pool: str, requests: dict[tuple[str, str], list[Manifest]]) -> Manifest:
    members = []
    for member in engine.members:
        resolved = {**member.manifest(), "role": member.role, "nodePoolName": pool}
        claimed = requests.get((engine.name, member.role))
        members.append({**resolved, "deviceRequests": claimed} if claimed else resolved)
    return {**engine.manifest(), "copies": engine.copies, "members": members}


def is_current(call: Call[ModelDeployment], existing: Existing, serving: Manifest) -> bool:
    """Whether the replica's spec is what the deployment asks for now, where it is."""
    resolved, spec, wanted = {"nodePoolName", "deviceRequests"}, existing.replica.spec, call.xr.spec
    deployed = [e.model_dump(exclude={"members": {"__all__": resolved}}) for e in spec.engines]
    asked = wanted.modelCacheRef
    return (
        deployed == [e.model_dump() for e in wanted.engines]
        and spec.serving == Serving.model_validate(serving)
        and spec.drainSeconds == wanted.rollout.drainSeconds
        and existing.cache == (asked.name if asked else "")
    )


def as_is(existing: Existing) -> Place:
    """Where a replica is."""
    claimed: Requests = {
        (engine.name, member.role): [r.manifest() for r in member.deviceRequests]
        for engine in existing.replica.spec.engines
        for member in engine.members
        if member.deviceRequests
    }
    return Place(existing.cluster, existing.pools, claimed, existing.holds)


def kept(existing: Existing, *, out: bool = False, changes: bool = False) -> Kept:
    """A replica as the scheduler knows it; `out` when it is out of service on purpose."""
    return Kept(
        name=existing.name,
        cluster=existing.cluster,
        pools=existing.pools,
        created=existing.replica.metadata.creationTimestamp,
        granted=existing.holds,
        ready=existing.serves is True and not out,
        counted=existing.is_granted and existing.age > _COUNTED_SECONDS,
        cache=existing.cache,
        changes=changes,
    )


def requests(resolved: Mapping[tuple[str, str], tuple[ResolvedRequest, ...]]) -> Requests:
    """What members claim: DRA devices, never Synthetic ones."""
    claimed = {key: [_request(r) for r in found if r.claim is Claim.DRA] for key, found in resolved.items()}
    return {key: requests for key, requests in claimed.items() if requests}


def _request(resolved: ResolvedRequest) -> Manifest:
    return {
        "name": resolved.name,
        "deviceClassName": resolved.device_class_name,
        "count": resolved.count,
        "selectors": [{"cel": text} for text in resolved.selectors],
    }
