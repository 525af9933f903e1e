# Generated from apis/clustercaches/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Status(Model):
    """How far the weights are."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    phase: Literal["Pending", "Hydrating", "Ready", "Failed"] | None = None
    """How far the weights are."""
    message: Annotated[str | None, Field(max_length=1024)] = None
    """What happens or what went wrong."""
    revision: Annotated[str | None, Field(max_length=64)] = None
    """Commit that was found for the branch or tag."""
    reclaim: Literal["Retain", "Delete"] | None = None
    """What happens to the volume as it is written now."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Toleration(Model):
    key: Annotated[str, Field(max_length=317)]
    """Key of the taint."""
    value: Annotated[str | None, Field(max_length=63)] = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    """What the taint does."""


class AuthSecret(Model):
    """Secret in this namespace that holds the hub's token."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)]
    """Key in the Secret."""


class HuggingFace(Model):
    """The model on the Hugging Face hub."""

    repo: Annotated[str, Field(max_length=256)]
    """Repository."""
    endpoint: Annotated[str, Field(max_length=512)]
    """Address of the hub."""
    requested: Annotated[str, Field(max_length=256)] = "main"
    """Branch or tag that is to be resolved to a commit."""
    revision: Annotated[str | None, Field(max_length=64)] = None
    """Commit that the volume is filled with; absent until it is known."""
    sizeGiB: Annotated[int, Field(ge=1, le=65536)]
    """Size of the volume."""
    authSecret: AuthSecret | None = None
    """Secret in this namespace that holds the hub's token."""


class Spec(Model):
    """Which weights, and where."""

    cacheName: Annotated[str, Field(max_length=253)]
    """ModelCache in this namespace."""
    clusterName: Annotated[str, Field(max_length=63)]
    """InferenceCluster that holds the volume."""
    providerConfigName: Annotated[str, Field(max_length=253)]
    """ClusterProviderConfig through which the cluster is reached."""
    storageClassName: Annotated[str | None, Field(max_length=253)] = None
    """Storage class of the volume; the cluster's default when absent."""
    image: Annotated[str, Field(max_length=1024)]
    """Image that fills the volume, as it was resolved when this was created."""
    tolerations: Annotated[
        list[Toleration], Field(max_length=128)
    ] = []
    """Taints of the cluster's pools, tolerated by what fills the volume."""
    huggingFace: HuggingFace
    """The model on the Hugging Face hub."""
    reclaim: Literal["Retain", "Delete"] = "Retain"
    """What happens to the volume when this is deleted."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ClusterCache(Model):
    """One ModelCache on one cluster: the volume and what fills it. Created by ModelCache, never by hand."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["ClusterCache"] = "ClusterCache"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
