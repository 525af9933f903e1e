"""The workload clusters in memory: what provider-kubernetes would apply and see there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from offline import cel, conditions, simulate
from offline.conditions import condition
from offline.store import Key, Object, Store, controller_uid, dig, key_of

CLUSTER_LABEL = "modelplane.ai/cluster"
OBJECT_GROUP = "kubernetes.m.crossplane.io"
_CLUSTERS = uuid.UUID("c1f3b9a0-6f0e-4d5e-9d55-5eed5eed5eed")


@dataclass(frozen=True)
class Remote:
    """One object of a workload cluster and the Object that puts it there."""

    cluster: str
    owner: Key
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> Key:
        return key_of(self.manifest)


class Fleet:
    """What all workload clusters hold, as the Objects of a store say."""

    def __init__(self, store: Store, lost: Iterable[str] = (), left: Iterable[tuple[str, Key]] = ()) -> None:
        self.store = store
        self._left = frozenset(left)
        self.lost = {_folded(name): name for name in lost}
        self.matched: set[str] = set()
        self._remotes: dict[tuple[str, Key], Remote] = {}
        for value in store.of(OBJECT_GROUP, "Object"):
            manifest = manifest_of(value)
            if manifest is not None and not observes(value):
                remote = Remote(cluster_of(value, self.store), key_of(value), manifest)
                self._remotes.setdefault((remote.cluster, remote.key), remote)

    def remotes(self) -> list[Remote]:
        """Every object of every cluster, by cluster and by what it is."""
        return [self._remotes[key] for key in sorted(self._remotes)]

    def observe(self) -> None:
        """Give every Object the status that its provider would write."""
        for value in self.store.of(OBJECT_GROUP, "Object"):
            self.store.put({**value, "status": self._status(value)})

    def _status(self, value: Object) -> dict[str, Any]:
        seen, why = self._seen(value)
        if seen is None:
            return {"conditions": [condition("Synced", False, "ReconcileError", why)]}
        synced = condition("Synced", True, "ReconcileSuccess")
        return {"atProvider": {"manifest": seen}, "conditions": [synced, _readiness(value, seen)]}

    def _seen(self, value: Object) -> tuple[dict[str, Any] | None, str]:
        """The remote object as the provider sees it, or why it sees none."""
        manifest: Mapping[str, Any] | None = manifest_of(value)
        if manifest is None:
            return None, "spec.forProvider.manifest is no manifest"
        if self.store.get(Key(OBJECT_GROUP, "ClusterProviderConfig", "", config_of(value))) is None:
            return None, f"cannot get provider config: ClusterProviderConfig {config_of(value)} not found"
        cluster, key = cluster_of(value, self.store), key_of(manifest)
        found = self._remotes.get((cluster, key))
        if observes(value):
            manifest = self._existing(cluster, key, found)
            if manifest is None:
                return None, f"observe failed: {key} not found on {cluster}"
        elif found is None or not (found.owner == key_of(value) or (outlives(value) and found.manifest == manifest)):
            return None, f"{key} on {cluster} is already written by another Object"
        elif key.namespace and not self._has_namespace(cluster, key.namespace):
            return None, f'create failed: namespaces "{key.namespace}" not found on {cluster}'
        status = simulate.status_of(manifest, cluster, not self._is_lost(value, key, cluster))
        uid = str(uuid.uuid5(_CLUSTERS, f"{cluster}/{key}"))
        seen = {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}
        return ({**seen, "status": status} if status is not None else seen), ""

    def _existing(self, cluster: str, key: Key, found: Remote | None) -> Mapping[str, Any] | None:
        if found:
            return found.manifest
        return simulate.gateway() if key == key_of(simulate.gateway()) else None

    def _has_namespace(self, cluster: str, namespace: str) -> bool:
        key = (cluster, Key("", "Namespace", "", namespace))
        return namespace in simulate.NAMESPACES or key in self._remotes or key in self._left

    def _is_lost(self, value: Object, key: Key, cluster: str) -> bool:
        """Whether the object, its Object, its cluster or a composite above it is simulated as lost."""
        if not self.lost:
            return False
        names = {f"{key.kind}/{key.name}", f"InferenceCluster/{cluster}", *self._above(value)}
        hit = {_folded(name) for name in names} & set(self.lost)
        self.matched |= {self.lost[name] for name in hit}
        return bool(hit)

    def _above(self, value: Object | None) -> Iterable[str]:
        while value is not None:
            yield f"{value['kind']}/{value['metadata']['name']}"
            uid = controller_uid(value)
            value = self.store.by_uid(uid) if uid else None


def manifest_of(value: Object) -> dict[str, Any] | None:
    """The manifest inside an Object, if it is one."""
    manifest = dig(value, "spec", "forProvider", "manifest")
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata"), dict):
        return None
    texts = (manifest.get("apiVersion"), manifest.get("kind"), manifest["metadata"].get("name"))
    return manifest if all(isinstance(text, str) and text for text in texts) else None


def cluster_of(value: Object, objects: Store | Mapping[Key, Object]) -> str:
    """The cluster that an Object belongs to: its label, or whose provider config it uses."""
    if label := dig(value, "metadata", "labels", CLUSTER_LABEL):
        return str(label)
    config = objects.get(Key(OBJECT_GROUP, "ClusterProviderConfig", "", config_of(value)))
    owners = dig(config, "metadata", "ownerReferences") or ()
    return next((str(o.get("name")) for o in owners if o.get("kind") == "InferenceCluster"), config_of(value))


def observes(value: Object) -> bool:
    """Whether an Object only looks, or removes what another one has written."""
    policies = dig(value, "spec", "managementPolicies")
    return isinstance(policies, list) and not {"*", "Create", "Update"} & set(map(str, policies))


def removes(value: Object) -> bool:
    """Whether an Object is there to remove what another one has written."""
    return observes(value) and "Delete" in dig(value, "spec", "managementPolicies")


def outlives(value: Object) -> bool:
    """Whether what an Object made stays on the cluster when the Object goes."""
    policies = dig(value, "spec", "managementPolicies")
    return isinstance(policies, list) and not {"*", "Delete"} & set(map(str, policies))


def config_of(value: Object) -> str:
    """The provider config that an Object goes through."""
    return str(dig(value, "spec", "providerConfigRef", "name") or "")


def _folded(name: str) -> str:
    kind, _, rest = name.partition("/")
    return f"{kind.lower()}/{rest}"


def _readiness(value: Object, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Ready by the Object's own policy, judged on what was seen."""
    readiness = dig(value, "spec", "readiness")
    try:
        ready = _is_ready(readiness, seen)
    except cel.RuleError as error:
        return condition("Ready", False, "Unavailable", str(error))
    return condition("Ready", ready, "Available" if ready else "Unavailable")


def _is_ready(readiness: Any, seen: Mapping[str, Any]) -> bool:
    policy = dig(readiness, "policy")
    if policy == "DeriveFromObject":
        return conditions.is_true(seen, "Ready")
    if policy == "AllTrue":
        all_of = conditions.of(seen)
        return bool(all_of) and all(c.get("status") == "True" for c in all_of)
    if policy == "DeriveFromCelQuery":
        query = str(dig(readiness, "celQuery"))
        if not cel.is_boolean(query, "object"):
            raise cel.RuleError("the CEL query does not answer with a boolean")
        # The provider reads numbers from JSON, so each of them is a double.
        return cel.evaluate(query, object=json.loads(json.dumps(seen), parse_int=float)) is True
    return True
