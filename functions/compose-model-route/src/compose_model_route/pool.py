"""The InferencePool over the pods of a replica that answer."""

from __future__ import annotations

from typing import Any

from kit import labels

Manifest = dict[str, Any]

GROUP = "inference.networking.k8s.io"
TARGET_PORT = 8000
PICKER_PORT = 9002
# A pool without a gateway's entry is known to nobody; what an entry says proves little beyond that.
READY_WHEN = (
    "has(object.status) && has(object.status.parents) && object.status.parents.exists(p, has(p.conditions) && "
    'p.conditions.exists(c, c.type == "Accepted" && c.status == "True"))'
)


def pool(metadata: Manifest, picker: str) -> Manifest:
    """The pool; `picker` is its Service. Open, it could send a prompt to a pod that only prefills."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "InferencePool",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": {labels.SERVING: metadata["name"]}},
            "targetPorts": [{"number": TARGET_PORT}],
            "endpointPickerRef": {"name": picker, "port": {"number": PICKER_PORT}, "failureMode": "FailClose"},
        },
    }


def backend(name: str) -> Manifest:
    """How a route names the pool. One in a rule: a second would freeze the whole gateway."""
    return {"group": GROUP, "kind": "InferencePool", "name": name}
