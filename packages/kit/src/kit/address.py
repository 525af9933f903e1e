"""Where a ModelEndpoint answers, and why no gateway of ours may send requests there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from schemas import ModelEndpoint

from kit import names, route

DEFAULT_PATH = "/v1"
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# Resolvers read names that end in a number as addresses, such as 127.1.
_NUMBER_LAST = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")
_PATH = re.compile(r"/[-._~!$&'()*+,;=:@%A-Za-z0-9/]*")
# Envoy's administration and probes, on the loopback interface that any name can be made to resolve to.
_ENVOYS_OWN_PORTS = range(19000, 19004)
_HEADER = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_]*")
_HEADERS_OF_A_CONNECTION = ("host", "connection", "content-length", "te", "trailer", "transfer-encoding", "upgrade")


class Refused(Exception):  # noqa: N818  # It becomes a condition; nothing has failed.
    """Why requests are not sent to an endpoint: the condition's reason, and a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Address:
    """Where an OpenAI-compatible API answers."""

    host: str
    """A DNS name or an IP address."""
    port: int
    is_tls: bool
    path: str
    """What stands there in place of /v1; no slash at its end."""
    hostname: str
    """The Host header; an IP address where no name is known."""

    @property
    def is_ip(self) -> bool:
        """Whether `host` is an IP address."""
        return _ip(self.host) is not None


def read(endpoint: ModelEndpoint) -> Address:
    """The address of `endpoint`. Raises Refused."""
    spec = endpoint.spec
    url = _split(spec.url)
    host = _host(url, spec.url)
    port = url.port or _PORTS[url.scheme]
    if url.scheme == "http" and port in _ENVOYS_OWN_PORTS:
        raise Refused("NotAllowed", f"Port {port} of spec.url is the gateway's own: let the API listen on another one.")
    address = Address(
        host=host,
        port=port,
        is_tls=url.scheme == "https",
        path=_path(spec.rewritePath if spec.rewritePath is not None else url.path.rstrip("/")),
        hostname=_hostname(endpoint, host),
    )
    if address.is_tls and address.is_ip and not (spec.tls and spec.tls.hostname):
        raise Refused("InvalidURL", f"{spec.url} names no host: set spec.tls.hostname to the name in its certificate.")
    if spec.auth:
        _check_header(spec.auth.header)
    return address


def _split(url: str) -> SplitResult:
    try:
        found = urlsplit(url)
        found.port  # noqa: B018  # It is read here so that one that is no number is told here.
    except ValueError as e:
        if "port" in str(e).lower():
            raise Refused("InvalidURL", "The port of spec.url must be a number from 1 to 65535.") from None
        raise Refused("InvalidURL", f"spec.url cannot be read: {e}.") from None
    # The url may hold a password, so it is not repeated.
    if found.username is not None or found.query or found.fragment:
        raise Refused("InvalidURL", "spec.url must be a scheme, a host and a path; put a credential into spec.auth.")
    if found.scheme not in _PORTS or not found.hostname:
        raise Refused("InvalidURL", f"spec.url {url} must start with http:// or https:// and name a host.")
    return found


def _host(url: SplitResult, written: str) -> str:
    host = (url.hostname or "").rstrip(".")
    ip = _ip(host)
    if ip is not None:
        if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
            raise Refused("NotAllowed", f"spec.url {written} leads to the gateway's own machine: use another address.")
        return str(ip)
    if not _NAME.fullmatch(host) or _NUMBER_LAST.fullmatch(host):
        raise Refused("InvalidURL", f"spec.url {written} names no host: {host} is neither a DNS name nor an address.")
    if "." not in host or host.endswith(".localhost"):
        raise Refused("NotAllowed", f"spec.url {written} names a host without its domain: write the whole name.")
    return host


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _path(written: str) -> str:
    path = written.rstrip("/") if written not in ("", "/") else written
    if written and not _PATH.fullmatch(written):
        raise Refused("InvalidURL", f"The path {written} has characters that no path may have: encode them.")
    if {".", ".."} & set(path.split("/")):
        raise Refused("InvalidURL", f"The path {written} must not have . or .. as a part.")
    return path or DEFAULT_PATH


def _hostname(endpoint: ModelEndpoint, host: str) -> str:
    """Replicas of a cluster share its gateway: who may choose the Host of another namespace reaches its models."""
    hostname = (endpoint.spec.hostname or host).lower().rstrip(".")
    if endpoint.spec.hostname and (
        not _NAME.fullmatch(hostname) or "." not in hostname or _NUMBER_LAST.fullmatch(hostname)
    ):
        raise Refused("InvalidURL", f"spec.hostname {endpoint.spec.hostname} is no DNS name with its domain.")
    own = names.hostname("", endpoint.metadata.namespace)
    if f".{hostname}".endswith(f".{names.DOMAIN}") and not hostname.endswith(own):
        message = f"Host {hostname} is a replica's of another namespace: an endpoint here may name *{own} only."
        raise Refused("NotAllowed", message)
    return hostname


def _check_header(header: str) -> None:
    name = header.lower()
    reserved = name in (*_HEADERS_OF_A_CONNECTION, *route.ROUTING_HEADERS)
    if reserved or name.startswith(("x-envoy-", "x-forwarded-")) or not _HEADER.fullmatch(header):
        raise Refused("NotAllowed", f"spec.auth.header must not be {header}: name the header of the API's credential.")
