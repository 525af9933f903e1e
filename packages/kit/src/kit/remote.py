"""Objects on workload clusters, by way of provider-kubernetes.

The only place that builds its `Object`, so none is without a watch: without one a
change on the cluster is seen at the provider's ten-minute poll.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kit import labels, names

API_VERSION = "kubernetes.m.crossplane.io/v1alpha1"
Manifest = dict[str, Any]

# Of a Deployment, and of a LeaderWorkerSet, whose Available says something else: one copy answers.
A_COPY_IS_READY = "has(object.status) && has(object.status.readyReplicas) && object.status.readyReplicas >= 1"
# A watch says nothing when its cluster is cut off; the provider's own poll comes after ten minutes.
LOOK_EVERY = "30s"
# For containers of ours: a namespace may enforce the restricted Pod Security level.
RESTRICTED: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True)
class Target:
    """A workload cluster, as objects name it. Objects stand in `namespace` of the control plane."""

    cluster: str
    provider_config: str
    namespace: str
    labels: dict[str, str] = field(default_factory=dict)

    def apply(self, name: str, manifest: Manifest, ready_when: str = "") -> Manifest:
        """The Object that keeps `manifest` on the cluster; ready when the CEL on `object` holds, or once created."""
        return self._object(name, manifest, ready_when)

    def apply_for_good(self, name: str, manifest: Manifest, ready_when: str = "") -> Manifest:
        """Like `apply`, but deleting the Object leaves the manifest on the cluster: what others live in."""
        obj = self._object(name, manifest, ready_when)
        obj["spec"]["managementPolicies"] = ["Observe", "Create", "Update", "LateInitialize"]
        return obj

    def create(self, name: str, manifest: Manifest, ready_when: str = "") -> Manifest:
        """Like `apply_for_good`, but what is on the cluster already is left as it is."""
        obj = self._object(name, manifest, ready_when)
        obj["spec"]["managementPolicies"] = ["Observe", "Create", "LateInitialize"]
        return obj

    def observe(self, name: str, manifest: Manifest, ready_when: str) -> Manifest:
        """The Object that watches what somebody else made on the cluster and never changes it."""
        obj = self._object(name, manifest, ready_when)
        obj["spec"]["managementPolicies"] = ["Observe"]
        return looked_at_often(obj)

    def update(self, name: str, manifest: Manifest, references: list[Manifest]) -> Manifest:
        """Like `apply_for_good`, with what its provider takes from `references`; what is missing is made by the update."""
        obj = self._object(name, manifest, "")
        obj["spec"] |= {"managementPolicies": ["Observe", "Update"], "references": references}
        return obj

    def remove(self, name: str, manifest: Manifest) -> Manifest:
        """The Object that changes nothing; with it goes what is on the cluster under the manifest's name."""
        obj = self._object(name, manifest, "")
        obj["spec"]["managementPolicies"] = ["Observe", "Delete"]
        return obj

    def _object(self, name: str, manifest: Manifest, ready_when: str) -> Manifest:
        readiness: Manifest = {"policy": "SuccessfulCreate"}
        if ready_when:
            readiness = {"policy": "DeriveFromCelQuery", "celQuery": ready_when}
        return {
            "apiVersion": API_VERSION,
            "kind": "Object",
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {labels.CLUSTER: self.cluster, **self.labels},
            },
            "spec": {
                "watch": True,
                "readiness": readiness,
                "providerConfigRef": {"kind": "ClusterProviderConfig", "name": self.provider_config},
                "forProvider": {"manifest": manifest},
            },
        }


def looked_at_often(obj: Manifest) -> Manifest:
    """The Object by which a cluster that is cut off is noticed."""
    return {**obj, "metadata": {**obj["metadata"], "annotations": {"crossplane.io/poll-interval": LOOK_EVERY}}}


def tenant_namespace(namespace: str) -> Manifest:
    """The namespace on a cluster of what a tenant has there: the same, whoever needs it first."""
    metadata = {"name": names.tenant_namespace(namespace), "labels": {labels.TENANT: namespace}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def provider_config(api_version: str, name: str, cluster: str, kubeconfig: tuple[str, str]) -> Manifest:
    """The ClusterProviderConfig of the provider of `api_version`; `kubeconfig` is a Secret in modelplane-system, and its key."""
    secret, key = kubeconfig
    return {
        "apiVersion": api_version,
        "kind": "ClusterProviderConfig",
        "metadata": {"name": name, "labels": {labels.CLUSTER: cluster}},
        "spec": {
            "credentials": {
                "source": "Secret",
                "secretRef": {"namespace": names.SYSTEM_NAMESPACE, "name": secret, "key": key},
            }
        },
    }


def nudged(manifest: Manifest) -> Manifest:
    """The Object with a change: its provider looks at what changes, or after ten minutes."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), labels.LOOK_AGAIN: "true"}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def manifest_of(seen: Manifest | None) -> Manifest:
    """What an observed Object last saw on its cluster; empty when it saw nothing."""
    return _manifest(seen, "status", "atProvider", "manifest")


def wanted_of(seen: Manifest | None) -> Manifest:
    """What an observed Object writes to its cluster; empty without an Object."""
    return _manifest(seen, "spec", "forProvider", "manifest")


def _manifest(seen: Manifest | None, *path: str) -> Manifest:
    found: Any = seen
    for field_name in path:
        found = found.get(field_name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
