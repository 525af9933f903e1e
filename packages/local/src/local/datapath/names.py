"""Names inside of a cluster: a DNS server that knows what Services and EndpointSlices say, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import DNSHandler, DNSLogger, DNSServer

from local.api import Api, Kind, Manifest
from local.errors import LocalError
from local.fleet.watches import Watches

DOMAIN = "cluster.local"
SERVICE, SLICE = Kind("v1", "Service"), Kind("discovery.k8s.io/v1", "EndpointSlice")
_SECONDS = 2
_RETRY, _RESYNC = 2.0, 60.0


def addresses(name: str, services: Iterable[Manifest], slices: Iterable[Manifest]) -> list[str] | None:
    """The addresses behind a name; None when the cluster has no such name, empty when nothing behind it is ready.

    SERVICE.NAMESPACE.svc.cluster.local is answered as a headless Service is, also where there is a ClusterIP, which
    leads nowhere here, but that pods that end count while no other is ready; HOSTNAME before it is one pod that has that hostname.
    """
    asked = name.lower().rstrip(".")
    path = asked.removesuffix(f".svc.{DOMAIN}").split(".")
    if not asked.endswith(f".svc.{DOMAIN}") or len(path) not in (2, 3):
        return None
    *host, service, namespace = path
    known = next((m for m in services if _is(m, namespace, service)), None)
    if known is None:
        return None
    found = [e for s in slices if _is_of(s, namespace, service) for e in s.get("endpoints") or []]
    ready = [e for e in found if e.get("conditions", {}).get("ready", True)]
    if not ready and known.get("spec", {}).get("clusterIP") != "None":
        # As a cluster's proxy does: those that end are asked while there is no other.
        ready = [e for e in found if e.get("conditions", {}).get("serving") and e["conditions"].get("terminating")]
    chosen = [e for e in ready if not host or e.get("hostname") == host[0]]
    if host and not chosen:
        return None
    return sorted({address for e in chosen for address in e["addresses"]})


class Names:
    """A cluster's names, as they are now."""

    def __init__(self, api: Api, log: Callable[[str], None]) -> None:
        self._api = api
        self._log = log
        self._changed = threading.Event()
        self._known: tuple[Sequence[Manifest], Sequence[Manifest]] = ((), ())

    def serve(self, address: str) -> None:
        """Answer at port 53 of an address; returns at once. LocalError where another server has that port."""
        watches = Watches(self._api, self._changed)
        for kind in (SERVICE, SLICE):
            watches.start(kind)
        threading.Thread(target=self._follow, daemon=True, name="names").start()
        try:
            for tcp in (False, True):
                DNSServer(self, port=53, address=address, tcp=tcp, logger=DNSLogger("-request,-reply")).start_thread()
        except OSError as e:
            told = f"Port 53 of {address}, where pods ask for names, cannot be had: {e.strerror}"
            raise LocalError(f"{told}: stop the DNS server that listens on every address of this machine") from e

    def resolve(self, request: DNSRecord, _handler: DNSHandler) -> DNSRecord:
        """The answer to one question."""
        reply, asked = request.reply(), request.q
        found = addresses(str(asked.qname), *self._known)
        if found is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif asked.qtype in (QTYPE.A, QTYPE.ANY):
            reply.add_answer(*(RR(asked.qname, QTYPE.A, rdata=A(each), ttl=_SECONDS) for each in found))
        return reply

    def _follow(self) -> None:
        while True:
            self._changed.clear()
            try:
                self._known = (self._api.find(SERVICE), self._api.find(SLICE))
                waits = _RESYNC
            except LocalError as e:
                self._log(f"names: {e}")
                waits = _RETRY
            self._changed.wait(waits)


def _is(manifest: Manifest, namespace: str, name: str) -> bool:
    return bool(manifest["metadata"]["namespace"] == namespace and manifest["metadata"]["name"] == name)


def _is_of(found: Manifest, namespace: str, service: str) -> bool:
    labels = found["metadata"].get("labels") or {}
    return bool(
        found["metadata"]["namespace"] == namespace
        and labels.get("kubernetes.io/service-name") == service
        and found.get("addressType", "IPv4") == "IPv4"
    )
