# Generated from apis/clustertenants/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Status(Model):
    """What was made."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    namespace: Annotated[str | None, Field(max_length=63)] = None
    """Name of the tenant's namespace on the cluster."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Kubeconfig(Model):
    """Secret in modelplane-system by which what the tenant runs is written to the cluster."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)]
    """Key in the Secret."""


class Spec(Model):
    """Which tenant, and where."""

    clusterName: Annotated[str, Field(max_length=63)]
    """InferenceCluster that serves the tenant."""
    providerConfigName: Annotated[str, Field(max_length=253)]
    """ClusterProviderConfig through which the cluster is reached."""
    kubeconfig: Kubeconfig
    """Secret in modelplane-system by which what the tenant runs is written to the cluster."""
    namespace: Annotated[str, Field(max_length=63)]
    """The tenant's namespace on the control plane."""
    callers: Annotated[list[str], Field(max_length=8)] = []
    """Namespaces on the cluster that may call the tenant's pods, beside themselves; everybody may when absent."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ClusterTenant(Model):
    """One tenant namespace on one cluster: its remote namespace and what all its replicas share there. Created by InferenceCluster, never by hand."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["ClusterTenant"] = "ClusterTenant"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
