# Generated from apis/modelservices/definition.yaml by packages/schemas/generate.py. Do not edit.

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from schemas.base import Condition, Metadata, Model


class Endpoints(Model):
    """How many endpoints there are."""

    ready: Annotated[int | None, Field(ge=0, le=4096)] = None
    """Endpoints that serve."""
    total: Annotated[int | None, Field(ge=0, le=4096)] = None
    """Endpoints that are selected."""
    summary: Annotated[str | None, Field(max_length=32)] = None
    """Ready and selected endpoints, such as 2/3."""


class Selector(Model):
    """Labels of the ModelEndpoints of this group."""

    matchLabels: dict[str, str]
    """Labels that must all be present with these values."""


class Status(Model):
    """What serves."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    address: Annotated[str | None, Field(max_length=2048)] = None
    """URL of the OpenAI API of this service."""
    endpoints: Endpoints | None = None
    """How many endpoints there are."""
    conditions: list[Condition] = []
    """What holds now, and why not."""


class Endpoint(Model):
    selector: Selector
    """Labels of the ModelEndpoints of this group."""
    weight: Annotated[int, Field(ge=0, le=1000000)] = 1
    """Share of the requests for this group, relative to the others; 0 sends none."""


class Spec(Model):
    """Which endpoints serve."""

    endpoints: Annotated[list[Endpoint], Field(max_length=64, min_length=1)]
    """Groups of endpoints in this namespace, by label."""
    crossplane: dict[str, Any] = {}
    """How Crossplane reconciles this composite."""


class ModelService(Model):
    """One address over many ModelEndpoints, picked by label: for spreading, canaries and roll-backs."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    apiVersion: Literal["modelplane.ai/v1alpha1"] = "modelplane.ai/v1alpha1"
    kind: Literal["ModelService"] = "ModelService"
    metadata: Metadata = Metadata()
    spec: Spec
    status: Status = Status()
