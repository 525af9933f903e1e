"""What the gateway answers by itself, as clients of the OpenAI API know it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kit import names, route

Manifest = dict[str, Any]

UNAVAILABLE, MODELS, HIDDEN = "unavailable", "models", "hidden"
# Envoy refuses an answer of its own that is longer.
_LONGEST = 4000


def unavailable(service: str, namespace: str) -> Manifest:
    """503 while no endpoint is ready."""
    message = f"No endpoint of ModelService {namespace}/{service} is ready: try again later."
    return _answer(service, namespace, UNAVAILABLE, 503, _error(message, "server_error", "no_ready_endpoint"))


def hidden(service: str, namespace: str) -> Manifest:
    """404 for what an engine has under /v1 that is its owner's business."""
    message = "This is not part of the API that is published here."
    return _answer(service, namespace, HIDDEN, 404, _error(message, "invalid_request_error", "not_found"))


def models(service: str, namespace: str, models: Sequence[str]) -> Manifest | None:
    """The list of models; None where it is too long for the gateway to answer with."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": namespace} for name in models]
    body = {"object": "list", "data": data}
    return _answer(service, namespace, MODELS, 200, body) if len(json.dumps(body)) <= _LONGEST else None


def _error(message: str, type: str, code: str) -> Manifest:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


def _answer(service: str, namespace: str, key: str, status: int, body: Manifest) -> Manifest:
    # Envoy reads what stands between percent signs as a command.
    text = json.dumps(body, separators=(",", ":")).replace("%", "%%")
    response = {"statusCode": status, "contentType": "application/json", "body": {"type": "Inline", "inline": text}}
    return {
        "apiVersion": route.ENVOY_API,
        "kind": "HTTPRouteFilter",
        "metadata": {"name": names.child_name(service, key), "namespace": namespace},
        "spec": {"directResponse": response},
    }
