# Generated from apis/modelcaches/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class ClusterSelector(Model):
    """Clusters that hold the weights; all of them when absent."""

    matchLabels: dict[str, str]
    """Labels that must all be present with these values."""


class Summary(Model):
    """How many clusters hold the weights."""

    ready: Annotated[str | None, Field(max_length=32)] = None
    """Ready and selected clusters, such as 2/3."""


class Cluster(Model):
    name: Annotated[str, Field(max_length=253)]
    """Name of the InferenceCluster."""
    phase: Literal["Pending", "Hydrating", "Ready", "Failed"]
    """How far the weights are."""
    message: Annotated[str | None, Field(max_length=1024)] = None
    """What happens or what went wrong."""


class AuthSecret(Model):
    """Secret in this namespace that holds the hub's token."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)] = "HF_TOKEN"
    """Key in the Secret."""


class Status(Model):
    """What is where."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    revision: Annotated[str | None, Field(max_length=256)] = None
    """Commit that revision was resolved to."""
    summary: Summary | None = None
    """How many clusters hold the weights."""
    clusters: Annotated[
        list[Cluster], Field(max_length=256)
    ] = []
    """State by cluster."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class HuggingFace(Model):
    """A model on the Hugging Face hub."""

    repo: Annotated[str, Field(max_length=256)]
    """Repository, such as Qwen/Qwen3-32B."""
    revision: Annotated[str | None, Field(max_length=256, min_length=1)] = None
    """Branch, tag or commit, main when absent; resolved once to a commit."""
    endpoint: Annotated[str, Field(max_length=512)] = "https://huggingface.co"
    """Address of the hub, or of a mirror that speaks its API."""
    authSecret: AuthSecret | None = None
    """Secret in this namespace that holds the hub's token."""
    sizeGiB: Annotated[int, Field(ge=1, le=65536)]
    """Size of the volume on each cluster; may grow where the storage class can."""


class Spec(Model):
    """Which weights, and where."""

    source: Literal["HuggingFace"] = "HuggingFace"
    """Where the weights come from; the object of the same name says which."""
    huggingFace: HuggingFace | None = None
    """A model on the Hugging Face hub."""
    clusterSelector: ClusterSelector | None = None
    """Clusters that hold the weights; all of them when absent."""
    reclaim: Literal["Retain", "Delete"] = "Retain"
    """What happens to volumes that are no longer asked for, of a cluster that is no longer selected or when the cache is deleted."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ModelCache(Model):
    """Model weights, kept on every cluster that needs them."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["ModelCache"] = "ModelCache"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
