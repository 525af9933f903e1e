# Generated from apis/inferencegateways/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Status(Model):
    """What runs."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    address: Annotated[str | None, Field(max_length=253)] = None
    """Host name or IP address that clients connect to."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class SecretRef(Model):
    """Secret of type kubernetes.io/tls."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""


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


class Spec(Model):
    """Which gateway to run."""

    backend: Literal["EnvoyGateway"] = "EnvoyGateway"
    """The implementation."""
    version: Annotated[str | None, Field(max_length=63)] = None
    """Its version; the one tested with this release when absent."""
    className: Annotated[str | None, Field(max_length=253)] = None
    """GatewayClass to create and use."""
    listeners: Annotated[
        list[Listener], Field(max_length=16)
    ] = []
    """What the gateway listens on."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class InferenceGateway(Model):
    """The gateway on the control plane that ModelServices publish through."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["InferenceGateway"] = "InferenceGateway"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
