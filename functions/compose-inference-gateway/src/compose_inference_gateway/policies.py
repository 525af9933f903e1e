"""What holds for every request through the gateway: what clients may not send, who they are, what is tried again."""

from __future__ import annotations

from typing import Any

from kit import names, route
from schemas import InferenceGateway
from schemas.inferencegateway import Callers

from compose_inference_gateway.gateway import MADE_HERE

Manifest = dict[str, Any]

CLIENTS, BACKENDS, CALLERS = "client-policy", "backend-policy", "caller-policy"
# Envoy's own limits, 1,024 requests and 3 retries at a time, are for short requests.
_UNLIMITED = 1_000_000


def manifests(xr: InferenceGateway) -> dict[str, Manifest]:
    """The policies, by key."""
    found = {
        CLIENTS: _policy(xr, "ClientTrafficPolicy", _clients()),
        BACKENDS: _policy(xr, "BackendTrafficPolicy", _backends()),
    }
    if xr.spec.callers:
        found[CALLERS] = _policy(xr, "SecurityPolicy", _callers(xr.spec.callers))
    return found


def refusal(seen: Manifest) -> str:
    """Why the gateway's controller does not follow a policy, in its words; empty when it does, or has not said."""
    for ancestor in (seen.get("status") or {}).get("ancestors") or []:
        for said in ancestor.get("conditions") or []:
            if said.get("type") == "Accepted" and said.get("status") == "False":
                return str(said.get("message", "")).rstrip(".") or "not accepted"
    return ""


def is_followed(seen: Manifest) -> bool:
    """Whether the gateway's controller says that it follows a policy."""
    ancestors = (seen.get("status") or {}).get("ancestors") or []
    said = [c for a in ancestors for c in a.get("conditions") or [] if c.get("type") == "Accepted"]
    return bool(said) and all(c.get("status") == "True" for c in said)


def _policy(xr: InferenceGateway, kind: str, spec: Manifest) -> Manifest:
    name = names.published_gateway(xr.metadata.name)
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name}
    return {
        "apiVersion": route.ENVOY_API,
        "kind": kind,
        "metadata": {"name": name, "namespace": names.SYSTEM_NAMESPACE, "labels": MADE_HERE},
        "spec": {"targetRefs": [target], **spec},
    }


def _clients() -> Manifest:
    return {"headers": {"earlyRequestHeaders": {"remove": route.ROUTING_HEADERS}}}


def _backends() -> Manifest:
    """A replica that fails is left out within seconds; only what no engine has begun is tried elsewhere."""
    return {
        "timeout": {"tcp": {"connectTimeout": "2s"}},
        # Of connections that are kept, those to a cluster that fell silent are noticed.
        "tcpKeepalive": {"probes": 3, "idleTime": "10s", "interval": "5s"},
        # A name that is not known yet is asked for again as soon.
        "dns": {"dnsRefreshRate": "5s"},
        "retry": {
            "numRetries": 3,
            "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset-before-request"]},
        },
        "healthCheck": {
            # With none left all are tried, rather than none.
            "panicThreshold": 1,
            "passive": {
                "interval": "1s",
                "baseEjectionTime": "10s",
                "maxEjectionPercent": 100,
                "splitExternalLocalOriginErrors": True,
                "consecutiveLocalOriginFailures": 3,
                "consecutiveGatewayErrors": 3,
                # An engine's 500 may be the request's own fault.
                "consecutive5XxErrors": 0,
            },
        },
        "circuitBreaker": {
            "maxConnections": _UNLIMITED,
            "maxPendingRequests": _UNLIMITED,
            "maxParallelRequests": _UNLIMITED,
            "maxParallelRetries": _UNLIMITED,
        },
    }


def _callers(asked: Callers) -> Manifest:
    if asked.apiKeys:
        secrets = [{"name": each.name} for each in asked.apiKeys.secretRefs]
        return {
            "apiKeyAuth": {
                "credentialRefs": secrets,
                "extractFrom": [{"headers": ["Authorization"]}],
                # A caller's key is nothing that an engine, or somebody else's API, should see.
                "sanitize": True,
            }
        }
    jwt = asked.jwt
    if jwt is None:
        return {}
    provider: Manifest = {"name": "callers", "issuer": jwt.issuer, "remoteJWKS": {"uri": jwt.jwksURI}}
    return {"jwt": {"providers": [{**provider, **({"audiences": jwt.audiences} if jwt.audiences else {})}]}}
