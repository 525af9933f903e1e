"""A control plane in memory: manifests in, fixpoint of the functions, every composed object out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from offline import children, conditions
from offline.findings import Finding, InvalidInputError, Path, spell
from offline.kinds import Kinds
from offline.reconcile import Reconciler
from offline.remote import OBJECT_GROUP, Fleet, Remote, cluster_of, config_of, manifest_of, outlives
from offline.store import Key, Object, Store, controller_uid, key_of

PASSES = 50


class UnsettledError(Exception):
    """The functions never stop changing something."""


@dataclass(frozen=True)
class Result:
    """Everything that exists once nothing changes any more."""

    kinds: Kinds
    objects: Mapping[Key, Object]
    remotes: Sequence[Remote]
    warnings: Mapping[Key, Sequence[str]] = field(default_factory=dict)
    reasons: Mapping[Key, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    """Why clusters take no (further) replica of a deployment: name, gate, message and fix of each, closest first."""

    def composites(self) -> list[Key]:
        """The composites, by what they are."""
        return [key for key, value in self.objects.items() if self.kinds.find(value["apiVersion"], value["kind"])]

    def composed_by(self, key: Key) -> list[Key]:
        """What a composite composes."""
        return self._children.get(str(self.objects[key]["metadata"].get("uid")), [])

    @cached_property
    def _children(self) -> dict[str, list[Key]]:
        found: dict[str, list[Key]] = {}
        for key, value in self.objects.items():
            if uid := controller_uid(value):
                found.setdefault(uid, []).append(key)
        return found

    def unsynced(self) -> list[Key]:
        """Composites that could not be composed as their functions wanted."""
        return [key for key in self.composites() if not conditions.is_true(self.objects[key], "Synced")]

    def unplaced(self) -> list[Key]:
        """Deployments with replicas that no cluster can take, or that are not decided for good."""
        deployments = [key for key in self.composites() if key.kind == "ModelDeployment"]
        return [key for key in deployments if not conditions.is_true(self.objects[key], "ReplicasScheduled")]


def compose(
    kinds: Kinds,
    inputs: Mapping[Key, Object],
    earlier: Mapping[Key, Object] | None = None,
    lost: Iterable[str] = (),
) -> Result:
    """Run every function until nothing changes; `inputs` are admitted objects."""
    store = Store()
    _start(store, inputs, earlier or {})
    reconciler = Reconciler(store, kinds, explain=True)
    fleet = _settle(store, reconciler, list(lost), _left(earlier or {}))
    missed = sorted(set(fleet.lost.values()) - fleet.matched)
    if missed:
        raise InvalidInputError(
            [Finding("--not-ready", 0, f"nothing on a cluster is, or is below, {m}") for m in missed]
        )
    return Result(kinds, store.objects(), fleet.remotes(), reconciler.warnings, reconciler.reasons)


def _start(store: Store, inputs: Mapping[Key, Object], earlier: Mapping[Key, Object]) -> None:
    """What exists before the first pass: the earlier result, with what its authors want now."""
    for key, value in earlier.items():
        if key not in inputs and controller_uid(value) is None:
            continue
        store.put(children.born(value))
    for key, value in inputs.items():
        store.put(_rewritten(value, store.get(key)))
    for value in list(store.objects().values()):
        _found_namespace(store, value)
    uids = {value["metadata"]["uid"] for value in store.objects().values()}
    for key, value in store.objects().items():
        if controller_uid(value) not in (None, *uids):
            store.delete(key)
    for config in _in_use(store, earlier):
        store.put(children.born(config))


def _in_use(store: Store, earlier: Mapping[Key, Object]) -> Iterable[Object]:
    """Provider configs outlive their cluster as long as an Object goes through them."""
    for value in store.of(OBJECT_GROUP, "Object"):
        key = Key(OBJECT_GROUP, "ClusterProviderConfig", "", config_of(value))
        if key in earlier and store.get(key) is None:
            yield earlier[key]


def _found_namespace(store: Store, value: Object) -> None:
    """A namespace that is used exists, with the label that the API server gives to each."""
    name = value["metadata"]["name"] if value["kind"] == "Namespace" else value["metadata"].get("namespace")
    if not name:
        return
    existing = store.get(Key("", "Namespace", "", name)) or {"apiVersion": "v1", "kind": "Namespace", "metadata": {}}
    labels = {**(existing["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": name}
    store.put(children.born({**existing, "metadata": {**existing["metadata"], "name": name, "labels": labels}}))


def _rewritten(value: Object, existing: Object | None) -> Object:
    """An author's manifest with what the control plane has written on the object before."""
    if existing is None:
        return children.born(value)
    server = ("uid", "creationTimestamp", "generation", "ownerReferences", "finalizers")
    metadata = {**{k: v for k, v in existing["metadata"].items() if k in server}, **value["metadata"]}
    made: dict[str, Any] = {**value, "metadata": metadata}
    machinery = (existing.get("spec") or {}).get("crossplane")
    if machinery and isinstance(made.get("spec"), dict):
        made["spec"] = {**made["spec"], "crossplane": {**machinery, **(made["spec"].get("crossplane") or {})}}
    return {**made, "status": existing["status"]} if "status" in existing else made


def _left(earlier: Mapping[Key, Object]) -> set[tuple[str, Key]]:
    """What stays on clusters although its Object may be gone by now."""
    stays = (v for v in earlier.values() if v["kind"] == "Object" and outlives(v))
    manifests = ((cluster_of(v, earlier), manifest_of(v)) for v in stays)
    return {(cluster, key_of(manifest)) for cluster, manifest in manifests if manifest}


def _settle(store: Store, reconciler: Reconciler, lost: Sequence[str], left: set[tuple[str, Key]]) -> Fleet:
    for _ in range(PASSES):
        store.changed.clear()
        reconciler.caller.moved.clear()
        for key in list(store):
            value = store.get(key)
            kind = reconciler.kinds.find(value["apiVersion"], value["kind"]) if value else None
            if kind:
                reconciler.reconcile(key, kind)
        fleet = Fleet(store, lost, left)
        fleet.observe()
        if not store.changed and not reconciler.caller.moved:
            return fleet
    raise UnsettledError(_flapping(store, reconciler.caller.moved))


def _flapping(store: Store, moved: Iterable[Key]) -> str:
    lines = [f"{key}: what its function requires" for key in sorted(moved)]
    for key, (old, new) in sorted(store.changed.items()):
        fields = ", ".join(sorted({spell(path) for path in differences(old or {}, new or {})})[:5])
        lines.append(f"{key}: {fields}")
    return f"nothing settles after {PASSES} passes; these fields keep changing:\n" + "\n".join(lines)


def differences(old: Any, new: Any, path: Path = ()) -> Iterable[Path]:
    """The paths at which two values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield from differences(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, (*path, index))
    elif old != new:
        yield path
