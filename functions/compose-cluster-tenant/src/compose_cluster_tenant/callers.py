"""Who may call a tenant's pods: the cluster's gateway, who watches them, and the tenant's own pods; no other tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Manifest = dict[str, Any]

KEY = "callers"
_NAME = "modelplane-callers"
# Every namespace has its name in this label, which nobody else can set.
_NAMESPACE = "kubernetes.io/metadata.name"


def policy(namespace: str, labels: dict[str, str], allowed: Sequence[str]) -> Manifest:
    """The NetworkPolicy of all pods in the namespace, which the cluster's network enforces if it enforces any."""
    others = {"key": _NAMESPACE, "operator": "In", "values": sorted(allowed)}
    peers = [{"podSelector": {}}, {"namespaceSelector": {"matchExpressions": [others]}}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": _NAME, "namespace": namespace, "labels": labels},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": peers}]},
    }
