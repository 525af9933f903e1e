"""From what the control plane declares to what each workload cluster has, again whenever something changes."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

from local.api import Api, Kind
from local.datapath.network import Network
from local.errors import LocalError
from local.fleet import bindings, devices, nodes
from local.fleet.bindings import Binding, Refusal
from local.fleet.watches import Watches
from local.fleet.workload import Workload
from local.install import LOCAL_CLUSTER, SYSTEM_NAMESPACE

Manifest = dict[str, Any]
CLUSTER = Kind("modelplane.ai/v1alpha1", "InferenceCluster")
CLASS = Kind("modelplane.ai/v1alpha1", "InferenceClass")
SECRET = Kind("v1", "Secret")
OBJECT = Kind("kubernetes.m.crossplane.io/v1alpha1", "Object")
_CLUSTER_LABEL = "modelplane.ai/cluster"
_REACHABLE_SINCE = "modelplane.ai/local-reachable-since"
_RETRY, _RESYNC = 2.0, 60.0


@dataclass(frozen=True)
class Played:
    """How much of each workload cluster is played: at most `limit` nodes; no gateway on a bare one before it is installed."""

    limit: int | None = None
    bare: bool = False
    network: int = 0
    """N of 10.N.0.0/16, where pods run and Envoy is the gateway; 0 where both are played."""
    gateways: bool = False
    """Whether the gateways' own controllers run, so that there is nothing to play."""

    def nodes(self, cluster: Manifest | None) -> list[nodes.Node]:
        """The nodes that the workload cluster of `cluster` should have."""
        found = nodes.declared(cluster, self.limit) if cluster else nodes.plain(self.limit)
        return [*found, nodes.Node("system-0")] if self.bare or self.gateways else found

    def gateway(self, index: int) -> str:
        """The address of a workload cluster's gateway; empty where nothing answers."""
        return Network(self.network, index).gateway if self.network else ""


def declared(api: Api) -> tuple[list[Manifest], dict[str, Manifest]]:
    """The InferenceClusters, and by name the Secrets that they may refer to.

    In this order: a Secret that somebody made before his InferenceCluster would look missing, and be replaced by ours.
    """
    clusters = api.find(CLUSTER)
    return clusters, {s["metadata"]["name"]: s for s in api.find(SECRET, namespace=SYSTEM_NAMESPACE)}


class Controller:
    """The whole fleet, compared as a whole each time."""

    def __init__(self, api: Api, played: Played, log: Callable[[str], None]) -> None:
        self._api = api
        self._played = played
        self._log = log
        self._told: set[str] = set()
        self._workloads: dict[int, tuple[bytes, Workload]] = {}
        self._changed = threading.Event()
        watches = Watches(api, self._changed)
        for kind in (CLUSTER, CLASS, SECRET):
            watches.start(kind)

    def run(self) -> None:
        """For ever."""
        while True:
            self._changed.clear()
            troubles = self._guarded(self.reconcile)
            for new in troubles - self._told:
                self._log(new)
            self._told = troubles
            self._changed.wait(_RETRY if troubles else _RESYNC)

    def reconcile(self) -> set[str]:
        """Compare and repair once; the sentences about what could not be done."""
        clusters, secrets = declared(self._api)
        bases = self._connect(secrets)
        classes = {c["metadata"]["name"]: c for c in self._api.find(CLASS)}
        bound, refused = bindings.bind(clusters, secrets, bases)
        troubles = {self._refuse(refusal) for refusal in refused}
        by_index = {binding.index: binding for binding in bound}
        for index, base in bases.items():
            binding = by_index.get(index)
            troubles |= self._guarded(partial(self._play_gateway, index, binding))
            if binding:
                # Only now, so that who reaches the cluster finds its gateway with an address.
                troubles |= self._guarded(partial(self._share, binding, base, secrets.get(binding.secret)))
            troubles |= self._guarded(partial(self._keep, index, binding, classes))
        return troubles

    def _connect(self, secrets: Mapping[str, Manifest]) -> dict[int, Manifest]:
        """The Secrets of the workload clusters by number; each is connected, anew when its kubeconfig changed."""
        bases = {}
        for name, secret in secrets.items():
            index = (secret["metadata"].get("labels") or {}).get(LOCAL_CLUSTER, "")
            if not index.isdigit() or name != bindings.base_secret(int(index)):
                continue
            bases[int(index)] = secret
            text = base64.b64decode(secret["data"]["kubeconfig"])
            known = self._workloads.get(int(index))
            if known is None or known[0] != text:
                if known:
                    known[1].stop()
                self._workloads[int(index)] = (text, self._workload(text))
        return dict(sorted(bases.items()))

    def _workload(self, kubeconfig: bytes) -> Workload:
        return Workload(yaml.safe_load(kubeconfig), self._changed, self._played.bare)

    def _share(self, binding: Binding, base: Manifest, found: Manifest | None) -> set[str]:
        """The kubeconfig under the name that the InferenceCluster asks for."""
        data = {binding.key: base["data"]["kubeconfig"]}
        label = {LOCAL_CLUSTER: str(binding.index)}
        if (
            found
            and found.get("data", {}).items() >= data.items()
            and found["metadata"]["labels"].items() >= label.items()
        ):
            return set()
        metadata: Manifest = {"name": binding.secret, "namespace": SYSTEM_NAMESPACE, "labels": label}
        self._api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
        self._log(f"InferenceCluster {_name(binding)} is workload cluster {binding.index}")
        self._look_again(_name(binding))
        return set()

    def _look_again(self, cluster: str) -> None:
        """Whoever missed the Secret tries now, and not after the provider's back-off of half a minute."""
        for found in self._api.find(OBJECT, namespace=SYSTEM_NAMESPACE, labels=f"{_CLUSTER_LABEL}={cluster}"):
            metadata = {k: found["metadata"][k] for k in ("name", "namespace")}
            metadata["annotations"] = {_REACHABLE_SINCE: dt.datetime.now(dt.UTC).isoformat()}
            self._api.patch({"apiVersion": OBJECT.api_version, "kind": OBJECT.kind, "metadata": metadata})

    def _play_gateway(self, index: int, binding: Binding | None) -> set[str]:
        if not self._played.gateways:
            self._workloads[index][1].keep_gateway(_name(binding), self._played.gateway(index))
        return set()

    def _keep(self, index: int, binding: Binding | None, classes: Mapping[str, Manifest]) -> set[str]:
        cluster = binding.cluster if binding else None
        wanted = self._played.nodes(cluster)
        used = {n.class_name for n in wanted if n.class_name}
        manifests = [n.manifest() for n in wanted]
        manifests += devices.device_classes(classes[name] for name in sorted(used) if name in classes)
        manifests += devices.slices(wanted, classes)
        self._workloads[index][1].keep_volumes()
        for told in self._workloads[index][1].keep(manifests):
            self._log(f"cluster-{index}: {told}")
        return {
            f"InferenceCluster {_name(binding)}: there is no InferenceClass {name}; its nodes have no devices yet"
            for name in sorted(used - set(classes))
        }

    def _refuse(self, refusal: Refusal) -> str:
        """An Event on the InferenceCluster, once per sentence."""
        meta = refusal.cluster["metadata"]
        digest = hashlib.sha256(f"{meta['uid']}{refusal.message}".encode()).hexdigest()[:10]
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{digest}", "namespace": "default"},
            "involvedObject": {
                "apiVersion": CLUSTER.api_version,
                "kind": CLUSTER.kind,
                "name": meta["name"],
                "uid": meta["uid"],
            },
            "type": "Warning",
            "reason": "NoWorkloadCluster",
            "message": refusal.message,
            "source": {"component": "modelplane-local-fleet"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self._api.create(event)
        return f"InferenceCluster {meta['name']}: {refusal.message}"

    def _guarded(self, act: Callable[[], set[str]]) -> set[str]:
        try:
            return act()
        except LocalError as e:
            return {str(e)}


def _name(binding: Binding | None) -> str:
    return str(binding.cluster["metadata"]["name"]) if binding else ""
