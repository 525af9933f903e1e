"""The account that endpoint pickers run as: they read pods and pools of the tenant's namespace, and nothing else."""

from __future__ import annotations

from typing import Any

from kit import names

Manifest = dict[str, Any]

KEYS = ("picker-account", "picker-role", "picker-binding")
_READ = ["get", "list", "watch"]
# Both groups: which one a picker reads depends on its version.
_GROUPS = ["inference.networking.k8s.io", "inference.networking.x-k8s.io", "llm-d.ai"]
_KINDS = ["inferencepools", "inferenceobjectives", "inferencemodelrewrites"]
_RBAC = "rbac.authorization.k8s.io"


def access(namespace: str, labels: dict[str, str]) -> dict[str, Manifest]:
    """ServiceAccount, Role and RoleBinding, by key."""
    metadata = {"name": names.PICKER_ACCOUNT, "namespace": namespace, "labels": labels}
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": _READ},
        {"apiGroups": _GROUPS, "resources": _KINDS, "verbs": _READ},
        # With several copies, one leads.
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["get", "list", "watch", "create", "update", "patch"],
        },
    ]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": names.PICKER_ACCOUNT},
        "subjects": [{"kind": "ServiceAccount", "name": names.PICKER_ACCOUNT, "namespace": namespace}],
    }
    return dict(zip(KEYS, (account, role, binding), strict=True))
