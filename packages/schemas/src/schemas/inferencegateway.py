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
    url: Annotated[str | None, Field(max_length=1024)] = None
    """What the address of every ModelService begins with, such as http://203.0.113.7."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class SecretRef(Model):
    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""


class ApiKeys(Model):
    """Callers show a key as bearer token, as OpenAI clients do. It is not passed on."""

    secretRefs: Annotated[list[SecretRef], Field(max_length=16, min_length=1)]
    """Secrets in modelplane-system; each entry is a caller's name and key."""


class Jwt(Model):
    """Callers show a signed token as bearer token. It is not passed on."""

    issuer: Annotated[str, Field(max_length=253, min_length=1)]
    """Who must have issued the token."""
    audiences: Annotated[list[str], Field(max_length=8)] = []
    """Whom the token must be for; for anybody when absent."""
    jwksURI: Annotated[str, Field(max_length=253)]
    """Where the issuer publishes its keys, starting with https://."""
    caSecretRef: SecretRef | None = None
    """Secret in modelplane-system whose entry ca.crt is the authority of jwksURI's certificate; the system's authorities when absent."""


class ClientCertificate(Model):
    """Certificate that is shown to every backend that asks for one."""

    secretRef: SecretRef
    """Secret of type kubernetes.io/tls in modelplane-system."""


class Tls(Model):
    """Certificate of an HTTPS listener."""

    secretRef: SecretRef
    """Secret of type kubernetes.io/tls."""


class Callers(Model):
    """Who may call; everybody when absent."""

    apiKeys: ApiKeys | None = None
    """Callers show a key as bearer token, as OpenAI clients do. It is not passed on."""
    jwt: Jwt | None = None
    """Callers show a signed token as bearer token. It is not passed on."""


class Clusters(Model):
    """How the gateways of workload clusters are called that listen for HTTPS."""

    authority: Annotated[str, Field(max_length=16384)]
    """Authorities of their certificates, which carry the name inference-gateway.modelplane.internal; several while one is replaced by another."""
    clientCertificate: ClientCertificate | None = None
    """Certificate that is shown to every backend that asks for one."""


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
    """Its version, for the record: the one that is installed on the control plane is used."""
    className: Annotated[str | None, Field(max_length=63)] = None
    """GatewayClass to use; created when there is none of this name."""
    callers: Callers | None = None
    """Who may call; everybody when absent."""
    clusters: Clusters | None = None
    """How the gateways of workload clusters are called that listen for HTTPS."""
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
