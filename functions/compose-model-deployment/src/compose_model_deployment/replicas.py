"""The ModelReplicas of a deployment: what exists, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit import labels, names
from kit.call import Call
from kit.objects import read
from schemas import ModelDeployment, ModelReplica
from schemas.base import Condition
from schemas.modeldeployment import Engine

Manifest = dict[str, Any]
Requests = dict[tuple[str, str], list[Manifest]]

_KEY = "replica-"
_ENDPOINT = "endpoint-"
# A cluster answers a claim within a moment; a crowd on a busy control plane may wait for most of a minute.
_ANSWERED_SECONDS = 60.0


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
    def offer(self) -> str:
        """What its cluster offers now, as its grant says."""
        return self.replica.status.offer or ""

    @property
    def position(self) -> int:
        """Its place in the queue; 0 when that is not told."""
        return self.replica.status.position or 0

    @property
    def serves(self) -> bool | None:
        """Whether it is Ready; None when it has said nothing of itself."""
        conditions = self.replica.status.conditions if self.replica.status else []
        return next((c.status == "True" for c in conditions if c.type == "Ready"), None)

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
    def _granted(self) -> Condition:
        unsaid = Condition(type="Granted", status="Unknown")
        return next((c for c in self.replica.status.conditions if c.type == "Granted"), unsaid)


def key(ordinal: int) -> str:
    """The composed resource's key of a replica."""
    return f"{_KEY}{ordinal}"


def endpoint_key(ordinal: int) -> str:
    """The composed resource's key of a replica's endpoint."""
    return f"{_ENDPOINT}{ordinal}"


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
    call: Call[ModelDeployment], ordinal: int, place: Place, engines: list[Manifest], serving: Manifest
) -> Manifest:
    """The ModelReplica of that ordinal; `reserved` when it holds its nodes already."""
    spec, cluster = call.xr.spec, place.cluster
    written: Manifest = {
        "clusterName": cluster,
        "drainSeconds": spec.rollout.drainSeconds,
        "serving": serving,
        "engines": engines,
    }
    if place.reserved:
        written["reserved"] = True
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


def engines(
    wanted: list[Engine], pools: dict[str, str], requests: dict[tuple[str, str], list[Manifest]]
) -> list[Manifest]:
    """The deployment's engines with pools and device requests filled in."""
    return [_engine(e, pools[e.name], requests) for e in wanted]


def _engine(engine: Engine, pool: str, requests: dict[tuple[str, str], list[Manifest]]) -> Manifest:
    members = []
    for member in engine.members:
        resolved = {**member.manifest(), "role": member.role, "nodePoolName": pool}
        claimed = requests.get((engine.name, member.role))
        members.append({**resolved, "deviceRequests": claimed} if claimed else resolved)
    return {**engine.manifest(), "copies": engine.copies, "members": members}


def is_current(call: Call[ModelDeployment], replica: ModelReplica) -> bool:
    """Whether the replica's engines are those that the deployment asks for now."""
    resolved = {"nodePoolName", "deviceRequests"}
    deployed = [e.model_dump(exclude={"members": {"__all__": resolved}}) for e in replica.spec.engines]
    return deployed == [e.model_dump() for e in call.xr.spec.engines]
