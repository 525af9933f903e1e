"""The addresses of a deployment: one ModelEndpoint for each replica that serves."""

from __future__ import annotations

from typing import Any

from kit import labels
from kit.call import Call
from schemas import ModelDeployment

from compose_model_deployment.replicas import Existing, endpoint_key, endpoint_keys

Manifest = dict[str, Any]


def want_endpoints(call: Call[ModelDeployment], replicas: list[Existing], withdrawn: frozenset[int]) -> None:
    """Publish what serves, withdraw what does not or is gone; what has not said either stays as it is."""
    kept = {endpoint_key(existing.ordinal) for existing in replicas}
    for key in endpoint_keys(call):
        if key not in kept:
            call.drop(key)
    for existing in replicas:
        endpoint = existing.replica.status.endpoint if existing.replica.status else None
        if existing.ordinal in withdrawn or existing.serves is False:
            call.drop(endpoint_key(existing.ordinal))
        elif existing.serves and endpoint:
            manifest = _endpoint(call, existing, endpoint.manifest())
            call.want(endpoint_key(existing.ordinal), manifest)


def _endpoint(call: Call[ModelDeployment], existing: Existing, spec: Manifest) -> Manifest:
    theirs = {k: v for k, v in call.xr.metadata.labels.items() if not k.startswith("crossplane.io/")}
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelEndpoint",
        "metadata": {
            "name": existing.name,
            "namespace": call.namespace,
            "labels": {
                **theirs,
                labels.DEPLOYMENT: call.name,
                labels.REPLICA: existing.name,
                labels.CLUSTER: existing.cluster,
            },
        },
        "spec": spec,
    }
