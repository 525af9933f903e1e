"""What holds for every request through the gateway: what clients may not send, who they are, what is tried again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from kit import names, route
from schemas import InferenceGateway
from schemas.inferencegateway import Callers, Jwt

from compose_inference_gateway.gateway import MADE_HERE

Manifest = dict[str, Any]

CLIENTS, BACKENDS, CALLERS = "client-policy", "backend-policy", "caller-policy"
ISSUER = "issuer"
# Envoy's own limits, 1,024 requests and 3 retries at a time, are for short requests.
_UNLIMITED = 1_000_000
# As long as OpenAI's clients wait for the next byte unless they are told otherwise.
_SILENCE = "10m"


def manifests(xr: InferenceGateway) -> dict[str, Manifest]:
    """The policies, by key."""
    found = {
        CLIENTS: _policy(xr, "ClientTrafficPolicy", _clients()),
        BACKENDS: _policy(xr, "BackendTrafficPolicy", _backends()),
    }
    if xr.spec.callers:
        found[CALLERS] = _policy(xr, "SecurityPolicy", _callers(xr.spec.callers, _issuer(xr)))
    return found


def issuer(xr: InferenceGateway) -> Manifest | None:
    """Where the issuer's keys are fetched from, when its certificate is not checked by the system's authorities."""
    jwt = xr.spec.callers.jwt if xr.spec.callers else None
    if jwt is None or jwt.caSecretRef is None:
        return None
    address = urlsplit(jwt.jwksURI)
    host = address.hostname or ""
    authority = {"group": "", "kind": "Secret", "name": jwt.caSecretRef.name}
    return {
        "apiVersion": route.ENVOY_API,
        "kind": "Backend",
        "metadata": {"name": _issuer(xr), "namespace": names.SYSTEM_NAMESPACE, "labels": MADE_HERE},
        "spec": {
            "endpoints": [{"fqdn": {"hostname": host, "port": address.port or 443}}],
            "tls": {"sni": host, "caCertificateRefs": [authority]},
        },
    }


def names_issuer(seen: Manifest) -> bool:
    """Whether the policy as it stands fetches keys from a Backend."""
    providers = ((seen.get("spec") or {}).get("jwt") or {}).get("providers") or []
    return any("backendRefs" in (each.get("remoteJWKS") or {}) for each in providers)


def _issuer(xr: InferenceGateway) -> str:
    return names.child_name(names.published_gateway(xr.metadata.name), ISSUER)


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
        "timeout": {"tcp": {"connectTimeout": "2s"}, "http": {"streamIdleTimeout": _SILENCE}},
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
            # A cluster's gateway that changes leaves kept connections on filters of pools that are gone.
            "maxRequestsPerConnection": 1,
        },
    }


def _callers(asked: Callers, issuer: str) -> Manifest:
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
    return {"jwt": {"providers": [_provider(asked.jwt, issuer)]}} if asked.jwt else {}


def _provider(jwt: Jwt, issuer: str) -> Manifest:
    keys: Manifest = {"uri": jwt.jwksURI}
    if jwt.caSecretRef:
        keys["backendRefs"] = [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": issuer}]
    audiences = {"audiences": jwt.audiences} if jwt.audiences else {}
    # Not from the query as well, which stands in logs.
    shown = {"headers": [{"name": "Authorization", "valuePrefix": "Bearer "}]}
    return {"name": "callers", "issuer": jwt.issuer, "remoteJWKS": keys, "extractFrom": shown, **audiences}
