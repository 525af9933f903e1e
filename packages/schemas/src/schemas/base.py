"""What every model shares: how it is read, how it is written, and the fields that Kubernetes and Crossplane own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A part of a manifest, frozen: a change to a default would be lost. Unknown fields are dropped, a newer API may have written them."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, frozen=True)

    def manifest(self) -> dict[str, Any]:
        """The fields that were set, as the API server wants them; what is unset or null is left out."""
        fields = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
        return _identity(self) | fields


class OwnerReference(Model):
    """The object that this one is deleted with."""

    apiVersion: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    blockOwnerDeletion: bool = False


class Metadata(Model):
    """What Kubernetes keeps about every object."""

    name: str = ""
    generateName: str = ""
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    uid: str = ""
    resourceVersion: str = ""
    generation: int = 0
    creationTimestamp: str = ""
    deletionTimestamp: str = ""
    finalizers: list[str] = []
    ownerReferences: list[OwnerReference] = []


class Condition(Model):
    """One condition, as Crossplane keeps it in status."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    observedGeneration: Annotated[int | None, Field(description="Generation of the spec that was judged.")] = None
    lastTransitionTime: str = ""


def _identity(model: Model) -> dict[str, Any]:
    """The API version and kind of a top-level object: defaults, yet a manifest needs them."""
    return {name: getattr(model, name) for name in ("apiVersion", "kind") if _is_top_level(model)}


def _is_top_level(model: Model) -> bool:
    return "metadata" in type(model).model_fields and "kind" in type(model).model_fields
