"""Helm releases on the workload cluster, by way of provider-helm: how they are asked for, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit import conditions, labels, names
from kit.remote import Target

from compose_serving_stack.parts import Part

Manifest = dict[str, Any]

API_VERSION = "helm.m.crossplane.io/v1beta1"
# Nothing is uninstalled by us: with definitions all their objects would go, models that serve among them.
_POLICIES = ["Observe", "Create", "Update"]
# Without a limit the provider never retries what failed or what it was killed in the middle of.
_RETRIES = 1000


@dataclass(frozen=True)
class State:
    """How a part is doing. `failed` is more than not being there yet."""

    ready: bool
    message: str = ""
    failed: bool = False
    version: str = ""


def key(part: Part) -> str:
    """What the Release is composed under."""
    return f"release-{part.chart}"


def manifest(part: Part, target: Target, values: Manifest, registry: str | None) -> Manifest:
    """The Release that keeps the chart of `part` on the cluster; it stands beside the ServingStack."""
    chart = {"repository": registry or part.repository, "name": part.chart, "version": part.version}
    return {
        "apiVersion": API_VERSION,
        "kind": "Release",
        "metadata": {
            "name": names.child_name(target.cluster, part.chart),
            "namespace": target.namespace,
            "labels": {labels.CLUSTER: target.cluster},
            "annotations": {"crossplane.io/external-name": part.release},
        },
        "spec": {
            "managementPolicies": _POLICIES,
            "rollbackLimit": _RETRIES,
            "providerConfigRef": {"kind": "ClusterProviderConfig", "name": target.provider_config},
            "forProvider": {
                "chart": chart,
                "namespace": part.namespace,
                "values": values,
                "wait": True,
                # Written in another form, provider and Crossplane would correct each other for ever.
                "waitTimeout": "5m0s",
            },
        },
    }


def state(seen: Mapping[str, Any] | None, trouble: str) -> State:
    """What a Release has said. Its own Ready is False for ten minutes after an upgrade, and True while pods are pending."""
    if seen is None:
        return State(False, "not installed yet")
    at = (seen.get("status") or {}).get("atProvider") or {}
    version = str(at.get("version") or "")
    if trouble:
        return State(False, trouble, failed=True, version=version)
    if at.get("state") == "failed":
        return State(False, str(at.get("releaseDescription") or "it failed"), failed=True, version=version)
    synced = conditions.find(seen, "Synced")
    is_current = synced.get("observedGeneration") == seen.get("metadata", {}).get("generation")
    if at.get("state") == "deployed" and synced.get("status") == "True" and is_current:
        return State(True, version=version)
    return State(False, "being upgraded" if at.get("state") == "deployed" else "being installed", version=version)
