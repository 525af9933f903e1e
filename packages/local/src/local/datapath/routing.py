"""A workload cluster's routes, pools and endpoints, read as a gateway reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.fleet.gateway import GATEWAY_NAME
from local.install import SYSTEM_NAMESPACE

Manifest = dict[str, Any]
TYPE = "type.googleapis.com/envoy."


@dataclass(frozen=True)
class Cluster:
    """What a workload cluster's API server holds of routing."""

    routes: Sequence[Manifest]
    pools: Sequence[Manifest]
    services: Sequence[Manifest]
    slices: Sequence[Manifest]

    def pool(self, namespace: str, name: str) -> Manifest | None:
        return _named(self.pools, namespace, name)

    def endpoints(self, namespace: str, service: str, port: int) -> list[tuple[str, int]]:
        """The ready addresses behind a port of a Service."""
        found = _named(self.services, namespace, service)
        ports = [p for p in (found or {}).get("spec", {}).get("ports", []) if p["port"] == port]
        names = {p.get("name") or "" for p in ports}
        return sorted(
            (address, p["port"])
            for s in self.slices
            if s["metadata"]["namespace"] == namespace
            and s["metadata"].get("labels", {}).get("kubernetes.io/service-name") == service
            for p in s.get("ports") or []
            if (p.get("name") or "") in names
            for e in s.get("endpoints") or []
            if e.get("conditions", {}).get("ready", True)
            for address in e["addresses"]
        )


def is_ours(route: Manifest) -> bool:
    namespace = route["metadata"]["namespace"]
    parents = route["spec"].get("parentRefs") or []
    return any(p["name"] == GATEWAY_NAME and p.get("namespace", namespace) == SYSTEM_NAMESPACE for p in parents)


def backends(route: Manifest) -> Iterable[tuple[str, str, str, int]]:
    for rule in route["spec"].get("rules") or []:
        for reference in rule.get("backendRefs") or []:
            yield backend(reference, route["metadata"]["namespace"])


def backend(reference: Manifest, namespace: str) -> tuple[str, str, str, int]:
    kind = reference.get("kind") or "Service"
    return kind, reference.get("namespace") or namespace, reference["name"], reference.get("port") or 0


def pools(route: Manifest) -> set[tuple[str, str]]:
    return {b[1:3] for b in backends(route) if b[0] == "InferencePool"}


def services(route: Manifest) -> set[tuple[str, str, str, int]]:
    return {b for b in backends(route) if b[0] == "Service"}


def cluster_name(backend: Sequence[Any]) -> str:
    return "/".join(map(str, backend[:3]))


def picker_name(pool: tuple[str, str]) -> str:
    return f"picker/{pool[0]}/{pool[1]}"


def socket(address: str, port: int) -> Manifest:
    return {"socket_address": {"address": address, "port_value": port}}


def _named(found: Sequence[Manifest], namespace: str, name: str) -> Manifest | None:
    wanted: Mapping[str, str] = {"namespace": namespace, "name": name}
    return next((m for m in found if wanted.items() <= m["metadata"].items()), None)
