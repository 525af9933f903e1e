# Generated from apis/modelroutes/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Status(Model):
    """What was made."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    namespace: Annotated[str | None, Field(max_length=63)] = None
    """Namespace on the cluster that holds the objects."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Disaggregation(Model):
    """When and how prefill is done remotely; only under PrefillDecode."""

    decider: Literal["PrefixBased", "Always"] = "PrefixBased"
    """PrefixBased prefills remotely when enough of the prompt is not cached; Always does so for each request."""
    nonCachedTokens: Annotated[int | None, Field(ge=1, le=1048576)] = None
    """PrefixBased: prompt tokens not cached on the decode pod from which prefill is remote. The picker's block size when absent."""
    blockSizeTokens: Annotated[int | None, Field(ge=1, le=65536)] = None
    """Tokens per KV block; read from the decode engine's flags when absent."""
    connector: Literal["NixlV2", "SGLang", "Mooncake"] = "NixlV2"
    """How KV blocks travel between the engines. Your engine flags must name the same."""


class Resources(Model):
    requests: dict[str, int | str] = {}
    """What the scheduler sets aside, by resource name."""
    limits: dict[str, int | str] = {}
    """What the container may use at most, by resource name."""


class Sidecar(Model):
    """The proxy beside each decode engine; only under PrefillDecode."""

    image: Annotated[str | None, Field(max_length=1024)] = None
    """Image of the sidecar; the version tested with this release when absent."""
    resources: Resources | None = None
    """CPU and memory of the sidecar."""


class EndpointPicker(Model):
    """The endpoint picker that chooses the pods; only under PrefillDecode."""

    image: Annotated[str | None, Field(max_length=1024)] = None
    """Image of the picker; the version tested with this release when absent."""
    version: Annotated[str | None, Field(max_length=63)] = None
    """Version whose configuration dialect the image speaks, such as v0.10.0; only when its tag cannot tell."""
    replicas: Annotated[int, Field(ge=1, le=8)] = 1
    """Copies of the picker."""
    resources: Resources | None = None
    """CPU and memory of the picker."""
    config: dict[str, Any] = {}
    """A whole EndpointPickerConfig, used as it is and still checked."""


class Serving(Model):
    """How requests reach the engines."""

    mode: Literal["Unified", "PrefillDecode"] = "Unified"
    """Unified sends every request to one engine; PrefillDecode splits it over a prefill and a decode engine."""
    disaggregation: Disaggregation | None = None
    """When and how prefill is done remotely; only under PrefillDecode."""
    sidecar: Sidecar | None = None
    """The proxy beside each decode engine; only under PrefillDecode."""
    endpointPicker: EndpointPicker | None = None
    """The endpoint picker that chooses the pods; only under PrefillDecode."""


class Spec(Model):
    """What to route, and where."""

    replicaName: Annotated[str, Field(max_length=63)]
    """ModelReplica that is served."""
    clusterName: Annotated[str, Field(max_length=63)]
    """InferenceCluster that holds it."""
    providerConfigName: Annotated[str, Field(max_length=253)]
    """ClusterProviderConfig through which the cluster is reached."""
    hostname: Annotated[str, Field(max_length=253)]
    """Host header by which the gateway finds the replica."""
    serving: Serving = Serving()
    """How requests reach the engines."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ModelRoute(Model):
    """The serving surface of one replica on its cluster: pool, picker and route. Created by ModelReplica, never by hand."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["ModelRoute"] = "ModelRoute"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
