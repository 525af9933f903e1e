"""Objects as models: what kind a model is of, and how a manifest is read."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pydantic import ValidationError
from schemas.base import Metadata, Model

from kit.fields import Unreadable

T = TypeVar("T", bound=Model)
Manifest = dict[str, Any]


def group_version_kind(model: type[Model]) -> tuple[str, str]:
    """The apiVersion and kind that objects of `model` have."""
    fields = model.model_fields
    return str(fields["apiVersion"].default), str(fields["kind"].default)


def read(model: type[T], manifest: Manifest) -> T:
    """`manifest` as a model. Raises Unreadable with a sentence that names the object and the field."""
    try:
        return model.model_validate(manifest)
    except ValidationError as e:
        metadata = manifest.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        raise Unreadable(f"{group_version_kind(model)[1]} {name} cannot be read: {first_problem(e)}") from None


def first_problem(e: ValidationError) -> str:
    """The field that is wrong and why, in a line."""
    first = e.errors(include_url=False)[0]
    return f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}"


def metadata_of(model: Model) -> Metadata:
    """The metadata of an object; every kind's model has it."""
    return cast(Metadata, vars(model)["metadata"])
