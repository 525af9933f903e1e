"""How providers reach the cluster: the same kubeconfig for each."""

from __future__ import annotations

from typing import Any

from kit import labels, names
from schemas.inferencecluster import SecretRef

Manifest = dict[str, Any]


def access(api_version: str, config: str, cluster: str, kubeconfig: SecretRef) -> Manifest:
    """The ClusterProviderConfig of the provider whose group and version these are."""
    secret = {"namespace": names.SYSTEM_NAMESPACE, "name": kubeconfig.name, "key": kubeconfig.key}
    return {
        "apiVersion": api_version,
        "kind": "ClusterProviderConfig",
        "metadata": {"name": config, "labels": {labels.CLUSTER: cluster}},
        "spec": {"credentials": {"source": "Secret", "secretRef": secret}},
    }
