# Generated from apis/servingstacks/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Versions(Model):
    """Versions of the charts to install; each one absent is the version tested with this release."""

    certManager: Annotated[str | None, Field(max_length=63)] = None
    """Version of the cert-manager."""
    envoyGateway: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Envoy Gateway."""
    aiGateway: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Envoy AI Gateway."""
    prometheus: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Prometheus stack."""
    leaderWorkerSet: Annotated[str | None, Field(max_length=63)] = None
    """Version of the LeaderWorkerSet controller."""
    nodeFeatureDiscovery: Annotated[str | None, Field(max_length=63)] = None
    """Version of the Node Feature Discovery."""
    nvidiaDraDriver: Annotated[str | None, Field(max_length=63)] = None
    """Version of the NVIDIA DRA driver."""


class StatusGateway(Model):
    """The cluster's gateway."""

    address: Annotated[str | None, Field(max_length=253)] = None
    """Host name or IP address of the gateway."""
    url: Annotated[str | None, Field(max_length=1024)] = None
    """How it is called, such as https://203.0.113.7."""
    callers: Annotated[list[str], Field(max_length=8)] = []
    """Namespaces of those who call engines, where the gateway is the stack's own."""


class Component(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the component."""
    version: Annotated[str | None, Field(max_length=63)] = None
    """Version that is installed."""
    ready: bool | None = None
    """Whether it works."""
    message: Annotated[str | None, Field(max_length=1024)] = None
    """What is missing."""


class CertManager(Model):
    enabled: bool = True
    """Whether to install it; switch off what the cluster already has."""
    values: dict[str, Any] = {}
    """Helm values, merged over ours."""


class InferenceExtension(Model):
    """The definitions of InferencePool and its kin, at the version that this release carries."""

    enabled: bool = True
    """Whether to install it; switch off what the cluster already has."""


class SecretRef(Model):
    """Secret of type kubernetes.io/tls."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""


class Status(Model):
    """What runs."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    gateway: StatusGateway | None = None
    """The cluster's gateway."""
    components: Annotated[
        list[Component], Field(max_length=32)
    ] = []
    """State of each component."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Components(Model):
    """Which components to install, and with which Helm values."""

    certManager: CertManager | None = None
    """The cert-manager."""
    envoyGateway: CertManager | None = None
    """The Envoy Gateway. Its chart brings the Gateway API definitions and leaves alone those that exist."""
    aiGateway: CertManager | None = None
    """The Envoy AI Gateway."""
    inferenceExtension: InferenceExtension | None = None
    """The definitions of InferencePool and its kin, at the version that this release carries."""
    prometheus: CertManager | None = None
    """The Prometheus stack."""
    leaderWorkerSet: CertManager | None = None
    """The LeaderWorkerSet controller."""
    nodeFeatureDiscovery: CertManager | None = None
    """The Node Feature Discovery."""
    nvidiaDraDriver: CertManager | None = None
    """The NVIDIA DRA driver."""


class Tls(Model):
    """Certificate of an HTTPS listener."""

    secretRef: SecretRef
    """Secret of type kubernetes.io/tls."""


class Listener(Model):
    name: Annotated[str, Field(max_length=63)]
    """Name of the listener."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """Port number."""
    protocol: Literal["HTTP", "HTTPS"] = "HTTP"
    """HTTP, or HTTPS with a certificate."""
    hostname: Annotated[str | None, Field(max_length=253)] = None
    """Host that the listener serves; every host when absent."""
    tls: Tls | None = None
    """Certificate of an HTTPS listener."""


class Gateway(Model):
    """The gateway that replicas are reached through."""

    provider: Literal["EnvoyGateway", "Existing"] = "EnvoyGateway"
    """EnvoyGateway is installed by Modelplane; Existing uses one that the cluster runs."""
    className: Annotated[str | None, Field(max_length=253)] = None
    """GatewayClass to use; needed with Existing."""
    clientAuthority: Annotated[str | None, Field(max_length=16384)] = None
    """Authorities of the certificates that callers must show, so that only the control plane's gateway is let in; several while one is replaced by another."""
    listeners: Annotated[
        list[Listener], Field(max_length=16)
    ] = []
    """What the gateway listens on."""


class Spec(Model):
    """What to install, and where."""

    providerConfigName: Annotated[str, Field(max_length=253)]
    """Provider configuration through which the cluster is reached."""
    registry: Annotated[str | None, Field(max_length=253)] = None
    """Where all charts are taken from instead of their own repositories, such as oci://registry.example/charts; each has its own name and version there."""
    versions: Versions | None = None
    """Versions of the charts to install; each one absent is the version tested with this release."""
    components: Components | None = None
    """Which components to install, and with which Helm values."""
    gateway: Gateway | None = None
    """The gateway that replicas are reached through."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ServingStack(Model):
    """What a workload cluster must run before it can serve: gateways, definitions, drivers and monitoring. Created by InferenceCluster."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["infrastructure.modelplane.ai/v1alpha1"] = (
        "infrastructure.modelplane.ai/v1alpha1"
    )
    kind: Literal["ServingStack"] = "ServingStack"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
