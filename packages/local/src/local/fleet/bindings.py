"""Which InferenceCluster is which workload cluster: decided from Secrets' labels alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.install import LOCAL_CLUSTER

Manifest = dict[str, Any]
_TAKEN = "Secret {} is another InferenceCluster's: give spec.cluster.existing.secretRef.name a name of its own"
_NONE_FREE = "No free workload cluster plays this InferenceCluster: run `modelplane up --clusters {}`"


@dataclass(frozen=True)
class Binding:
    """An InferenceCluster that is played by workload cluster `index`; `secret` and `key` hold its kubeconfig."""

    cluster: Manifest
    index: int
    secret: str
    key: str

    @property
    def is_base(self) -> bool:
        """Whether the Secret is the one that `up` made for the workload cluster itself."""
        return self.secret == base_secret(self.index)


@dataclass(frozen=True)
class Refusal:
    """An InferenceCluster that no workload cluster plays, and why."""

    cluster: Manifest
    message: str


def base_secret(index: int) -> str:
    """The Secret that `up` makes for a workload cluster."""
    return f"cluster-{index}-kubeconfig"


def bind(
    clusters: Iterable[Manifest], secrets: Mapping[str, Manifest], indices: Iterable[int]
) -> tuple[list[Binding], list[Refusal]]:
    """A workload cluster for every InferenceCluster that is ours: first those that have one, then the rest, oldest first."""
    free = sorted(indices)
    total = len(free)
    ours = [c for c in sorted(clusters, key=_age) if _is_ours(c, secrets)]
    bound: list[Binding] = []
    rest: list[Manifest] = []
    for cluster in ours:
        index = _recorded(cluster, secrets)
        if index in free:
            free.remove(index)
            bound.append(_binding(cluster, index))
        else:
            rest.append(cluster)
    refused = []
    for cluster in rest:
        name, _ = _reference(cluster)
        if name in map(base_secret, range(1, total + 1)):
            refused.append(Refusal(cluster, _TAKEN.format(name)))
        elif free:
            bound.append(_binding(cluster, free.pop(0)))
        else:
            refused.append(Refusal(cluster, _NONE_FREE.format(len(ours))))
    return bound, refused


def _is_ours(cluster: Manifest, secrets: Mapping[str, Manifest]) -> bool:
    """Declared as existing, by a Secret that is ours or does not exist yet."""
    name, _ = _reference(cluster)
    return bool(name) and (name not in secrets or _index(secrets[name]) > 0)


def _binding(cluster: Manifest, index: int) -> Binding:
    name, key = _reference(cluster)
    return Binding(cluster, index, name, key)


def _reference(cluster: Manifest) -> tuple[str, str]:
    spec = cluster.get("spec", {}).get("cluster", {})
    reference = spec.get("existing", {}).get("secretRef", {}) if spec.get("source") == "Existing" else {}
    return reference.get("name", ""), reference.get("key", "kubeconfig")


def _recorded(cluster: Manifest, secrets: Mapping[str, Manifest]) -> int:
    return _index(secrets.get(_reference(cluster)[0], {}))


def _index(secret: Manifest) -> int:
    value = (secret.get("metadata", {}).get("labels") or {}).get(LOCAL_CLUSTER, "")
    return int(value) if value.isdigit() else 0


def _age(cluster: Manifest) -> tuple[str, str]:
    return cluster["metadata"].get("creationTimestamp", ""), cluster["metadata"]["name"]
