# Generated from apis/modelendpoints/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Status(Model):
    """What was found."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    hostname: Annotated[str | None, Field(max_length=253)] = None
    """Host that requests are sent to."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class SecretRef(Model):
    """Secret in this namespace that holds the credential."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)] = "apiKey"
    """Key in the Secret."""


class CaSecretRef(Model):
    """Secret in this namespace that holds the certificate authority."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(max_length=253)] = "ca.crt"
    """Key in the Secret."""


class Auth(Model):
    """Credential to send."""

    secretRef: SecretRef
    """Secret in this namespace that holds the credential."""
    header: Annotated[str, Field(max_length=128)] = "Authorization"
    """Header that carries it; Authorization sends it as a bearer token unless it names its own scheme."""


class Tls(Model):
    """How an https address is verified; the system's certificates and the host of url when absent."""

    hostname: Annotated[str | None, Field(max_length=253)] = None
    """Name that the certificate must carry."""
    caSecretRef: CaSecretRef | None = None
    """Secret in this namespace that holds the certificate authority."""


class Spec(Model):
    """Where it answers, and how to talk to it."""

    url: Annotated[str, Field(max_length=2048)]
    """Base URL, starting with http:// or https://."""
    hostname: Annotated[str | None, Field(max_length=253)] = None
    """Host header to send; the host of url when absent."""
    models: Annotated[list[str], Field(max_length=64)] = []
    """Names that requests may give as model, told at GET /v1/models; asked of the address when absent."""
    copies: Annotated[int, Field(ge=1, le=4096)] = 1
    """Copies that answer behind the address. A ModelService sends requests in proportion."""
    rewritePath: Annotated[str | None, Field(max_length=1024)] = None
    """Path of the API there, in place of /v1; the path of url when absent, /v1 when that has none."""
    auth: Auth | None = None
    """Credential to send."""
    tls: Tls | None = None
    """How an https address is verified; the system's certificates and the host of url when absent."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ModelEndpoint(Model):
    """One address of an OpenAI-compatible API: a replica of ours, or an external provider."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["ModelEndpoint"] = "ModelEndpoint"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
