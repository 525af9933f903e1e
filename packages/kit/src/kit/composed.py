"""What may be composed, and what exists as it would be composed again."""

from __future__ import annotations

from typing import Any, cast

from crossplane.function import resource
from crossplane.function.proto.v1 import run_function_pb2 as fnv1

from kit import remote

Manifest = dict[str, Any]

# Set by Crossplane or the API server: sending them back would claim them.
_SERVER_METADATA = (
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "ownerReferences",
    "finalizers",
    "generateName",
)
_LONGEST_NAME = 63
_COMPOSITES = ("modelplane.ai/", "infrastructure.modelplane.ai/")
_HELM = "helm.m.crossplane.io/"
_COMPOSITE_FINALIZER = "composite.apiextensions.crossplane.io"
_MANAGED_FINALIZER = "finalizer.managedresource.crossplane.io"
_EXTERNAL_NAME = "crossplane.io/external-name"


def plain(r: fnv1.Resource) -> Manifest:
    """A resource of a request as a dictionary."""
    return cast(Manifest, resource.struct_to_dict(r.resource))


def kind(r: fnv1.Resource) -> str:
    """A resource's kind, without making a dictionary of it."""
    return r.resource.fields["kind"].string_value if "kind" in r.resource.fields else ""


def is_object(manifest: Manifest) -> bool:
    """Whether it is provider-kubernetes' Object."""
    return manifest.get("apiVersion") == remote.API_VERSION and manifest.get("kind") == "Object"


def is_managed(manifest: Manifest) -> bool:
    """Whether a provider looks after it: an Object, or provider-helm's Release."""
    is_release = str(manifest.get("apiVersion")).startswith(_HELM) and manifest.get("kind") == "Release"
    return is_release or is_object(manifest)


def created(seen: Manifest) -> str:
    """When it was created; empty when that is not told."""
    return str(_part(seen, "metadata").get("creationTimestamp") or "")


def as_it_is(seen: Manifest) -> Manifest:
    """What composes `seen` once more without a change."""
    kept = {k: v for k, v in seen.items() if k != "status"}
    before = _part(seen, "metadata")
    metadata = {k: v for k, v in before.items() if k not in (*_SERVER_METADATA, "annotations")}
    # An Object's is its own name; a Release's says which release of the cluster it is.
    added = (_EXTERNAL_NAME,) if is_object(seen) else ()
    annotations = {k: v for k, v in _part(before, "annotations").items() if k not in added}
    # Which of two Objects goes first (`kit.secrets.want`).
    owners = [o for o in before.get("ownerReferences") or [] if is_object(o) and not o.get("controller")]
    more = {"annotations": annotations, "ownerReferences": owners if is_object(seen) else []}
    kept["metadata"] = metadata | {k: v for k, v in more.items() if v}
    if isinstance(kept.get("spec"), dict):
        # A composite's own bookkeeping: sending old references back would undo new ones.
        kept["spec"] = {k: v for k, v in kept["spec"].items() if k != "crossplane"}
    return kept


def complete(manifest: Manifest) -> Manifest:
    """`manifest` with what its controller would write first, each a change that wakes all who watch it.

    Two tokens of the circuit breaker for each (`design/local-control-plane.md`).
    """
    metadata = _part(manifest, "metadata")
    if str(manifest.get("apiVersion")).startswith(_COMPOSITES):
        return {**manifest, "metadata": {**metadata, "finalizers": [_COMPOSITE_FINALIZER]}}
    if not is_managed(manifest) or "name" not in metadata:
        return manifest
    annotations = {_EXTERNAL_NAME: metadata["name"], **_part(metadata, "annotations")}
    return {**manifest, "metadata": {**metadata, "annotations": annotations, "finalizers": [_MANAGED_FINALIZER]}}


def check(key: str, manifest: Manifest) -> None:
    """Raise ValueError for what no cluster would take, or what would be seen late."""
    name = manifest["metadata"]["name"]
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"{key}: the name {name} has {len(name)} characters, {_LONGEST_NAME} at most")
    if is_object(manifest) and manifest["spec"].get("watch") is not True:
        raise ValueError(f"{key}: an Object without watch would be seen late; build it with kit.remote")


def _part(manifest: Manifest, field: str) -> Manifest:
    part = manifest.get(field)
    return part if isinstance(part, dict) else {}
