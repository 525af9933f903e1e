"""One workload cluster made equal to what is declared for it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from local.api import Api, Kind
from local.fleet import gateway, volumes
from local.fleet.watches import Watches
from local.install import SYSTEM_NAMESPACE

Manifest = dict[str, Any]
_OURS = "modelplane.ai/local-fleet"
_HASH = "modelplane.ai/local-fleet-hash"
_SERVICE = Kind("v1", "Service")
_DEPLOYMENT = Kind("apps/v1", "Deployment")
_KEPT = (Kind("v1", "Node"), Kind("resource.k8s.io/v1", "ResourceSlice"), Kind("resource.k8s.io/v1", "DeviceClass"))


class Workload:
    """A workload cluster, reached by the kubeconfig of its Secret and nothing else."""

    def __init__(self, kubeconfig: Mapping[str, Any], changed: threading.Event, bare: bool = False) -> None:
        self._bare = bare
        self.api = Api(kubeconfig, "modelplane-fleet")
        self._watches = Watches(self.api, changed)
        for kind in _KEPT:
            self._watches.start(kind, only=("DELETED",))
        for kind in (
            gateway.GATEWAY,
            gateway.ROUTE,
            gateway.POOL,
            _SERVICE,
            volumes.CLAIM,
            *((_DEPLOYMENT,) if bare else ()),
        ):
            self._watches.start(kind)

    def stop(self) -> None:
        """Watch it no longer."""
        self._watches.stop()

    def keep(self, wanted: Iterable[Manifest]) -> list[str]:
        """Make what is missing or differs, remove what is ours and no longer wanted; what was changed."""
        by_kind: dict[Kind, dict[str, Manifest]] = {kind: {} for kind in _KEPT}
        for manifest in wanted:
            by_kind[Kind(manifest["apiVersion"], manifest["kind"])][manifest["metadata"]["name"]] = manifest
        return [told for kind in _KEPT for told in self._keep_kind(kind, by_kind[kind])]

    def keep_volumes(self) -> None:
        """Play the storage: each claim gets a volume."""
        claims = self.api.find(volumes.CLAIM)
        for volume in volumes.missing(claims, self.api.find(volumes.VOLUME) if claims else []):
            self.api.apply(volume)

    def _keep_kind(self, kind: Kind, wanted: Mapping[str, Manifest]) -> list[str]:
        found = {m["metadata"]["name"]: m for m in self.api.find(kind)}
        done = []
        for name, manifest in wanted.items():
            if self._apply(manifest, found.get(name)):
                done.append(f"{kind.kind} {name} applied")
        for name, manifest in found.items():
            if name not in wanted and _is_ours(manifest):
                self.api.delete(manifest)
                done.append(f"{kind.kind} {name} removed")
        return done

    def _apply(self, manifest: Manifest, found: Manifest | None) -> bool:
        """Someone else's object of that name is left alone."""
        digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
        if found and (not _is_ours(found) or found["metadata"]["annotations"].get(_HASH) == digest):
            return False
        metadata = manifest["metadata"]
        labels = {**metadata.get("labels", {}), _OURS: "true"}
        annotations = {**metadata.get("annotations", {}), _HASH: digest}
        self.api.apply({**manifest, "metadata": {**metadata, "labels": labels, "annotations": annotations}})
        return True

    def keep_gateway(self, owner: str, address: str = "") -> None:
        """Play the gateway of InferenceCluster `owner`, and accept the routes on it; `address` is where Envoy listens."""
        if not self.api.serves(gateway.GATEWAY) or not self._is_gateway_controller_there():
            return
        for manifest in () if self._bare else gateway.manifests():
            name, namespace = manifest["metadata"]["name"], manifest["metadata"].get("namespace", "")
            if self.api.get(Kind(manifest["apiVersion"], manifest["kind"]), name, namespace) is None:
                self.api.apply(manifest)
        services = self.api.find(_SERVICE)
        pools = self.api.find(gateway.POOL) if self.api.serves(gateway.POOL) else []
        backends = [
            (kind, *_place(m)) for kind, found in (("Service", services), ("InferencePool", pools)) for m in found
        ]
        routes = self.api.find(gateway.ROUTE)
        statuses = [gateway.class_status(c) for c in self.api.find(gateway.GATEWAY_CLASS) if gateway.is_ours(c)]
        found = self.api.get(gateway.GATEWAY, gateway.GATEWAY_NAME, SYSTEM_NAMESPACE)
        statuses.append(gateway.gateway_status(found, owner, address) if found else None)
        statuses += [gateway.route_status(route, backends) for route in routes]
        statuses += [gateway.pool_status(pool, routes, map(_place, services)) for pool in pools]
        for status in statuses:
            if status:
                self.api.patch(status, "status")

    def _is_gateway_controller_there(self) -> bool:
        """On a bare cluster: whether Envoy Gateway, which is played from then on, has been installed."""
        found = self.api.get(_DEPLOYMENT, "envoy-gateway", "envoy-gateway-system") if self._bare else None
        return not self._bare or bool(found and found.get("status", {}).get("readyReplicas"))


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _is_ours(manifest: Manifest) -> bool:
    return _OURS in (manifest["metadata"].get("labels") or {})
