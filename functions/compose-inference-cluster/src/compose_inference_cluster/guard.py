"""What keeps a cluster from being deleted while replicas run on it: Crossplane's webhook reads this ClusterUsage."""

from __future__ import annotations

from typing import Any

from kit import labels, names
from kit.call import Call
from schemas import InferenceCluster

Manifest = dict[str, Any]

KEY = "in-use"


def want(call: Call[InferenceCluster], in_use: bool) -> None:
    """Guard the cluster while replicas run on it; a deletion that was refused meanwhile follows when they are gone."""
    if in_use:
        call.want(KEY, _usage(call.name))
    else:
        call.drop(KEY)


def _usage(cluster: str) -> Manifest:
    used = {"apiVersion": "modelplane.ai/v1alpha1", "kind": "InferenceCluster", "resourceRef": {"name": cluster}}
    return {
        "apiVersion": "protection.crossplane.io/v1beta1",
        "kind": "ClusterUsage",
        "metadata": {"name": names.child_name(cluster, KEY), "labels": {labels.CLUSTER: cluster}},
        "spec": {
            "of": used,
            "reason": (
                f"Replicas run on {cluster}: kubectl get mr -A -l {labels.CLUSTER}={cluster}. "
                "Delete or lower their ModelDeployments; the cluster is deleted when the last one is gone."
            ),
            "replayDeletion": True,
        },
    }
