"""Addresses of Services of type LoadBalancer: one of their ready pods holds it, as with a load balancer in layer 2.

No port is translated, so a Service's port has to be its pods' own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from local.api import Api, Manifest
from local.datapath import network
from local.datapath.names import SERVICE, SLICE
from local.datapath.network import Network
from local.errors import LocalError
from local.fleet.watches import Watches

_RETRY, _RESYNC = 2.0, 30.0


@dataclass(frozen=True)
class Front:
    """A Service, its address, and the pod that holds it; without a pod where none is ready."""

    namespace: str
    name: str
    address: str
    pod: str


def fronts(
    services: Sequence[Manifest], slices: Sequence[Manifest], free: Sequence[str], held: Mapping[str, str]
) -> list[Front]:
    """An address of `free` for every Service of type LoadBalancer, the one that it has if any.

    `held` tells which pod holds which address: it keeps it while it is ready, and while it ends, since requests that it has
    accepted end with it.
    """
    wanted = sorted((s for s in services if s["spec"].get("type") == "LoadBalancer"), key=_place)
    known = {_place(s): address for s in wanted if (address := _address(s)) in free}
    left = [address for address in free if address not in known.values()]
    found = []
    for service in wanted:
        address = known.get(_place(service)) or (left.pop(0) if left else "")
        ready, ending = _pods(_place(service), slices)
        pod = held.get(address, "")
        if address:
            found.append(Front(*_place(service), address, pod if pod in (*ready, *ending) else next(iter(ready), "")))
    return found


def untranslated(service: Manifest, slices: Sequence[Manifest]) -> list[tuple[int, int]]:
    """The ports of a Service that are not those of its pods, with the pods' own."""
    ports = {p.get("name") or "": p["port"] for s in slices if _is_of(s, _place(service)) for p in s.get("ports") or []}
    asked = {p.get("name") or "": p["port"] for p in service["spec"].get("ports") or []}
    return sorted((port, ports[name]) for name, port in asked.items() if name in ports and ports[name] != port)


class LoadBalancers:
    """The addresses of one cluster, held by its pods."""

    def __init__(self, api: Api, where: Network, log: Callable[[str], None]) -> None:
        self._api = api
        self._network = where
        self._log = log
        self._changed = threading.Event()
        self._held: dict[str, str] = {}
        self._told: set[str] = set()

    def run(self) -> None:
        """For ever."""
        watches = Watches(self._api, self._changed)
        for kind in (SERVICE, SLICE):
            watches.start(kind)
        while True:
            self._changed.clear()
            try:
                self._reconcile()
                waits = _RESYNC
            except LocalError as e:
                self._log(f"load balancers: {e}")
                waits = _RETRY
            self._changed.wait(waits)

    def _reconcile(self) -> None:
        services, slices = self._api.find(SERVICE), self._api.find(SLICE)
        found = fronts(services, slices, self._network.fronts, self._held)
        for front in found:
            if self._held.get(front.address, "") != front.pod:
                self._move(front)
        for service in services:
            self._publish(service, next((f.address for f in found if (f.namespace, f.name) == _place(service)), ""))
            for port, own in untranslated(service, slices) if service["spec"].get("type") == "LoadBalancer" else ():
                self._tell(
                    f"service {service['metadata']['name']}: port {port} leads nowhere, its pods listen on {own}"
                )

    def _move(self, front: Front) -> None:
        before = self._held.pop(front.address, "")
        if before:
            network.let_go(self._network, front.address, before)
        if front.pod:
            network.hold(self._network, front.address, front.pod)
            self._held[front.address] = front.pod
        self._log(f"service {front.namespace}/{front.name}: {front.address} is held by {front.pod or 'no pod'}")

    def _publish(self, service: Manifest, address: str) -> None:
        if not address or _address(service) == address:
            return
        meta = {k: service["metadata"][k] for k in ("name", "namespace")}
        status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        self._api.patch({"apiVersion": "v1", "kind": "Service", "metadata": meta, "status": status}, "status")

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._log(sentence)
        self._told.add(sentence)


def _pods(service: tuple[str, str], slices: Sequence[Manifest]) -> tuple[list[str], list[str]]:
    """The addresses of the pods that are ready, and of those that end."""
    endpoints = [e for s in slices if _is_of(s, service) for e in s.get("endpoints") or []]
    conditions = [(e.get("conditions", {}), address) for e in endpoints for address in e["addresses"]]
    ready = sorted(address for c, address in conditions if c.get("ready", True))
    return ready, sorted(address for c, address in conditions if c.get("terminating"))


def _is_of(found: Manifest, service: tuple[str, str]) -> bool:
    name = (found["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
    return (found["metadata"]["namespace"], name) == service


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _address(service: Manifest) -> str:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    return str(ingress[0].get("ip", ""))
