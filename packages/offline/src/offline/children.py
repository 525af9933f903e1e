"""What Crossplane makes of a desired composed resource before it applies it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from offline import naming
from offline.calling import NotComposedError
from offline.conditions import TIME
from offline.kinds import Kinds
from offline.store import COMPOSITION_KEY, Key, Object, controller_uid, key_of

COMPOSITE_LABEL = "crossplane.io/composite"


def child(kinds: Kinds, xr: Object, name: str, wanted: Mapping[str, Any], seen: Object | None) -> Object:
    """The composed resource `name` with the metadata that ties it to its composite."""
    if not isinstance(wanted.get("apiVersion"), str) or not isinstance(wanted.get("kind"), str):
        raise NotComposedError(f'composed resource "{name}" has no apiVersion or no kind')
    value = copy.deepcopy(dict(wanted))
    value.pop("status", None)
    metadata = value.setdefault("metadata", {})
    if seen is not None:
        metadata["name"] = seen["metadata"]["name"]
    _place(kinds, xr, name, value)
    prefix = str(xr["metadata"]["labels"][COMPOSITE_LABEL])
    metadata.setdefault("annotations", {})[COMPOSITION_KEY] = name
    metadata.setdefault("labels", {})[COMPOSITE_LABEL] = prefix
    metadata["ownerReferences"] = [*metadata.get("ownerReferences", []), _owner(xr)]
    if not metadata.get("name"):
        start = metadata.get("generateName") or f"{prefix}-"
        metadata["generateName"] = start
        metadata["name"] = naming.child_name(start, xr["metadata"]["uid"], name)
    return value


def _place(kinds: Kinds, xr: Object, name: str, value: Object) -> None:
    """The namespace of a composed resource is its composite's, if that has one."""
    metadata, kind = value["metadata"], value["kind"]
    own = xr["metadata"].get("namespace")
    namespaced = kinds.namespaced(value["apiVersion"], kind)
    if own and not namespaced:
        raise NotComposedError(
            f'cannot apply cluster scoped composed resource "{name}" '
            f"(a {kind} named {metadata.get('name', '')}) for a namespaced composite resource."
        )
    if own:
        metadata["namespace"] = own
    if namespaced and not metadata.get("namespace"):
        raise NotComposedError(f'composed resource "{name}", a {kind}, needs a namespace: its composite has none')


def _owner(xr: Object) -> dict[str, Any]:
    return {
        "apiVersion": xr["apiVersion"],
        "kind": xr["kind"],
        "name": xr["metadata"]["name"],
        "uid": xr["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def applied(value: Object, existing: Object | None) -> Object:
    """`value` as it is after a server-side apply onto what exists: fields of others stay."""
    if existing is None:
        return born(value)
    holder = controller_uid(existing)
    if holder not in (None, controller_uid(value)):
        raise NotComposedError(f"{key_of(value)} is composed by another composite resource")
    base = copy.deepcopy(existing) if holder is None else _kept(existing)
    merged: Object = _merge(base, value)
    return merged


def born(value: Object) -> Object:
    """`value` with what the API server gives to a new object."""
    key = key_of(value)
    metadata = {
        "uid": naming.uid(key.group, key.kind, key.namespace, key.name),
        "creationTimestamp": TIME,
        "generation": 1,
        **value["metadata"],
    }
    return {**value, "metadata": metadata}


def _kept(existing: Object) -> Object:
    """What a composed object holds that its composite's function does not own."""
    server = ("uid", "creationTimestamp", "generation", "finalizers")
    metadata = {k: v for k, v in existing["metadata"].items() if k in server}
    kept: Object = {"metadata": metadata}
    if "status" in existing:
        kept["status"] = existing["status"]
    crossplane = (existing.get("spec") or {}).get("crossplane")
    return {**kept, "spec": {"crossplane": crossplane}} if crossplane else kept


def _merge(base: Any, over: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: _merge(base.get(key), item) for key, item in over.items()}}


def reference(value: Object, with_namespace: bool) -> dict[str, str]:
    """How a composite records that it composes `value`."""
    key = key_of(value)
    found = {"apiVersion": value["apiVersion"], "kind": key.kind, "name": key.name}
    return {**found, "namespace": key.namespace} if with_namespace and key.namespace else found


def referenced(xr: Object, ref: Mapping[str, Any]) -> Key:
    """The identity of what a composite composes."""
    group = str(ref.get("apiVersion", "")).rpartition("/")[0]
    namespace = xr["metadata"].get("namespace") or ref.get("namespace") or ""
    return Key(group, str(ref.get("kind", "")), str(namespace), str(ref.get("name", "")))
