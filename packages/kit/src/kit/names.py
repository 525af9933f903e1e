"""Names of what we compose: stable, DNS-safe, never too long."""

from __future__ import annotations

import hashlib
import re

DNS_LABEL = 63
SYSTEM_NAMESPACE = "modelplane-system"
DOMAIN = "modelplane.internal"
GATEWAY = "inference-gateway"
# What the certificate of a workload cluster's gateway carries, wherever the gateway is.
GATEWAY_CERTIFICATE = f"{GATEWAY}.{DOMAIN}"
ENGINE_CONTAINER = "engine"
CACHE_MOUNT = "/mnt/models"
ENGINE_ACCOUNT = "modelplane-engine"
PICKER_ACCOUNT = "modelplane-picker"

_HASH = 5


def child_name(*parts: str, limit: int = DNS_LABEL, content: str = "") -> str:
    """A DNS label for a child of `parts`: starts with a letter, at most `limit` characters.

    The hash is of the parts as they are, so ("a-b", "c") and ("a", "b-c") differ; with
    `content` it changes with that too, for what Kubernetes makes immutable.
    """
    digest = _digest(*parts, content) if content else _digest(*parts)
    readable = _label("-".join(parts))[: limit - _HASH - 1].rstrip("-")
    return f"{readable}-{digest}"


def replica_name(deployment: str, ordinal: int) -> str:
    """`qwen` and 0 make `qwen-0`; hashed only where the plain form is no DNS label."""
    return _plain_or_hashed(f"{deployment}-{ordinal}")


def published_gateway(name: str) -> str:
    """The Gateway on the control plane that belongs to the InferenceGateway `name`."""
    return _plain_or_hashed(f"gateway-{name}")


def endpoint_secret(endpoint: str) -> str:
    """The Secret that holds what a gateway needs to call an endpoint, in the form that the gateway reads."""
    return child_name(endpoint, "gateway")


def tenant_namespace(namespace: str) -> str:
    """The namespace on a workload cluster that holds what `namespace` runs there."""
    return _plain_or_hashed(f"mp-{namespace}")


def tenant_name(cluster: str, namespace: str) -> str:
    """The ClusterTenant of one namespace on one cluster."""
    return child_name(cluster, namespace)


def tenant_config(config: str, namespace: str) -> str:
    """The ClusterProviderConfig by which what `namespace` runs is written, on the cluster that has `config`."""
    return child_name(config, namespace)


def cache_volume(cache: str) -> str:
    """The claim of a ModelCache's volume, in its tenant's namespace on each cluster."""
    return child_name(cache, "weights")


def hostname(replica: str, namespace: str) -> str:
    """The host that a workload cluster's gateway knows a replica by."""
    return f"{replica}.{namespace}.{DOMAIN}"


def _plain_or_hashed(name: str) -> str:
    if len(name) <= DNS_LABEL and name == _label(name):
        return name
    return child_name(name)


def _label(text: str) -> str:
    safe = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return safe if safe[:1].isalpha() else f"m-{safe}".rstrip("-")


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:_HASH]
