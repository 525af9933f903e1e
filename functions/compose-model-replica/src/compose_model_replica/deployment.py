"""The workload of a Standalone engine."""

from __future__ import annotations

from typing import Any

from kit import labels

Manifest = dict[str, Any]

_MANY = 4


def deployment(metadata: Manifest, copies: int, template: Manifest) -> Manifest:
    """A Deployment that can roll where no spare node exists."""
    workload = template["metadata"]["labels"][labels.WORKLOAD]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": copies,
            "selector": {"matchLabels": {labels.WORKLOAD: workload}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%" if copies > _MANY else 1},
            },
            "template": template,
        },
    }
