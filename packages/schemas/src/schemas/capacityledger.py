# Generated from apis/capacityledgers/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Gateway(Model):
    """The gateway that replicas are reached through."""

    address: Annotated[str, Field(max_length=253)]
    """Host name or IP address of the gateway."""
    url: Annotated[str | None, Field(max_length=1024)] = None
    """How it is called, where that is not by plain HTTP at port 80."""


class Entry(Model):
    namespace: Annotated[str, Field(max_length=63)]
    """Namespace of the replica."""
    replica: Annotated[str, Field(max_length=253)]
    """Name of the replica."""
    nodes: dict[str, int]
    """Nodes held, by pool."""


class StatusPool(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the pool."""
    reserved: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Nodes held by replicas."""
    free: Annotated[int | None, Field(ge=0, le=10000)] = None
    """Nodes that no replica holds."""
    waiting: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Nodes that waiting replicas ask for."""
    waitingSince: Annotated[str | None, Field(max_length=32)] = None
    """When the one that waits the longest for it began to."""
    askedAt: Annotated[str | None, Field(max_length=32)] = None
    """When the newest claim on it was made."""


class Replicas(Model):
    """Replicas by verdict."""

    granted: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Replicas that hold nodes."""
    waiting: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Replicas in the queue."""
    refused: Annotated[int | None, Field(ge=0, le=1000000)] = None
    """Replicas that can never fit."""


class Taint(Model):
    key: Annotated[str, Field(max_length=316)]
    """Taint key."""
    value: Annotated[str | None, Field(max_length=63)] = None
    """Taint value."""
    effect: Annotated[str, Field(max_length=63)]
    """What the taint does to pods that do not tolerate it."""


class Status(Model):
    """What is committed. Only the ledger's own function writes it."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    entries: Annotated[dict[str, Entry], Field(validate_default=True)] = {}
    """Replicas that hold nodes, by the uid of the ModelReplica."""
    pools: Annotated[list[StatusPool], Field(max_length=8)] = []
    """Capacity by pool."""
    namespaces: Annotated[list[str], Field(max_length=10000)] = []
    """Namespaces whose replicas hold nodes."""
    replicas: Replicas | None = None
    """Replicas by verdict."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Pool(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the pool."""
    nodes: Annotated[int, Field(ge=0, le=10000)]
    """Nodes of the pool."""
    drain: bool = False
    """Grant no further replica on this pool."""
    nodeSelector: dict[str, str] = {}
    """Labels that the pool's nodes carry."""
    taints: Annotated[list[Taint], Field(max_length=16)] = []
    """Taints of the nodes."""


class Spec(Model):
    """What the cluster offers, and what its replicas must know of it."""

    clusterName: Annotated[str, Field(max_length=63)]
    """InferenceCluster whose nodes are arbitrated."""
    providerConfigName: Annotated[str, Field(max_length=253)]
    """ClusterProviderConfig through which the cluster is reached."""
    gateway: Gateway
    """The gateway that replicas are reached through."""
    offer: Annotated[str | None, Field(max_length=32)] = None
    """Changes with all that placement on the cluster is decided from, its free nodes aside."""
    drain: bool = False
    """Grant no further replica."""
    pools: Annotated[list[Pool], Field(max_length=8)]
    """Groups of equal nodes."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class CapacityLedger(Model):
    """The arbiter of one cluster's nodes: which replicas hold them, which wait. Created by InferenceCluster, never by hand."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["CapacityLedger"] = "CapacityLedger"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
