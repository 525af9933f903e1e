"""Requests through a replica's route, and what its cluster counts meanwhile."""

from __future__ import annotations

import http.client
import json
import random
import re
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from kit import names

from cli.verdict import Counters, Sent

Manifest = dict[str, Any]
_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_WORDS = (
    "amber",
    "basalt",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "garnet",
    "harbor",
    "indigo",
    "juniper",
    "krill",
    "lagoon",
)
# Blocks of the picker are at most some hundred tokens, and its default asks for one that is not cached.
_LONG = 1500
_SETTLED, _LOOKS = 3.0, 0.05
# Envoy follows a route some seconds after its controller has accepted it.
_FOLLOWS, _ASKS = 10.0, 0.5
_NOT_YET, _ENVOYS = (404, 500, 503), ("", "no healthy upstream")


class Remote(Protocol):
    """A workload cluster's API server."""

    def get(self, kind: str, namespace: str, labels: str = "") -> list[Manifest]:
        """The objects of a kind."""

    def raw(self, path: str) -> str | None:
        """What the API server answers at a path; None when it is refused."""

    def allowed(self, account: str, namespace: str) -> bool:
        """Whether a ServiceAccount may list pods and pools."""


@dataclass(frozen=True)
class Target:
    """A replica's route, and where its pods are."""

    replica: str
    namespace: str
    url: str
    hostname: str
    patience: float = 20.0
    tls: ssl.SSLContext | None = None
    """What a cluster's gateway is shown and checked by, where it is called by HTTPS."""


@dataclass(frozen=True)
class Pods:
    """The pods of a replica."""

    prefill: Sequence[Manifest]
    decode: Sequence[Manifest]
    picker: Sequence[Manifest]


def pods(remote: Remote, target: Target) -> Pods:
    """The pods of a replica by what they do; only those that answer requests, so of a gang its leader."""
    found = remote.get("pods", target.namespace, f"modelplane.ai/replica={target.replica}")
    living = [p for p in found if not p["metadata"].get("deletionTimestamp")]
    serving = [p for p in living if "modelplane.ai/serving" in p["metadata"]["labels"]]
    by_role = {r: [p for p in serving if p["metadata"]["labels"].get("modelplane.ai/pd-role") == r] for r in _ROLES}
    pickers = [p for p in living if any(c["name"] == "picker" for c in p["spec"]["containers"])]
    return Pods(by_role["prefill"], by_role["decode"], pickers)


_ROLES = ("prefill", "decode")


@dataclass(frozen=True)
class Count:
    """The counters at one moment, and which of them these engines have."""

    counters: Counters
    tells: bool
    nixl: bool


def count(remote: Remote, of: Pods) -> Count:
    """What all of them have counted so far."""
    prefill = [m for p in of.prefill for m in metrics(remote, p, engine_port(p))]
    decode = [m for p in of.decode for m in metrics(remote, p, engine_port(p))]
    picker = [m for p in of.picker for m in metrics(remote, p, 9090)]
    finished = _total(prefill, "vllm:request_success_total")
    counters = Counters(
        handed=_total(prefill, "vllm:request_success_total", "remote_decode"),
        on_prefill=finished,
        on_decode=_total(decode, "vllm:request_success_total"),
        transfers=_total(decode, _TRANSFERS),
        failures=_total(decode, "vllm:nixl_num_failed_transfers_total"),
        # v0.10 counts under its new name and under the old one.
        decided=max(_total(picker, f"{p}_disagg_decision_total", "prefill-decode") for p in _PICKERS),
    )
    tells = any("remote_decode" in labels.values() for _, labels, _ in prefill)
    return Count(counters, tells, any(name == _TRANSFERS for name, _, _ in (*prefill, *decode)))


_TRANSFERS = "vllm:nixl_bytes_transferred_count"
_PICKERS = ("llm_d_inference_scheduler", "llm_d_epp")


def metrics(remote: Remote, pod: Manifest, port: int) -> list[tuple[str, dict[str, str], float]]:
    """The metrics of a pod, through its API server; none where it does not answer."""
    meta = pod["metadata"]
    text = remote.raw(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{port}/proxy/metrics")
    return [(m[1], dict(_LABEL.findall(m[2] or "")), float(m[3])) for m in _LINE.finditer(text or "")]


def engine_port(pod: Manifest) -> int:
    """The port of the engine itself, behind the sidecar where there is one."""
    engine = next(c for c in pod["spec"]["containers"] if c["name"] == "engine")
    ports = engine.get("ports") or []
    return int(next((p["containerPort"] for p in ports), 8000))


def model(remote: Remote, of: Pods) -> str:
    """The name by which the engines serve their model; empty when none answers."""
    for pod in (*of.decode, *of.prefill):
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{engine_port(pod)}/proxy/v1/models"
        text = remote.raw(path)
        if text:
            return str(json.loads(text)["data"][0]["id"])
    return ""


def send(remote: Remote, target: Target, of: Pods) -> list[Sent]:
    """A long prompt, the same again, a short one and a streamed one; counters before and after each."""
    name = model(remote, of) or "unknown"
    long, other = prompt(_LONG), prompt(_LONG)
    requests = (
        ("long", {"prompt": long}, True),
        ("repeated", {"prompt": long}, False),
        ("short", {"prompt": prompt(4)}, False),
        ("streamed", {"prompt": other, "stream": True}, True),
    )
    sent: list[Sent] = []
    before = count(remote, of)
    for title, body, expects in requests:
        asked = {"model": name, "max_tokens": 8, **body}
        status, text = ask(target, asked) if sent else _followed(target, asked)
        after = _settled(remote, of, before, status)
        counted = after.counters.since(before.counters)
        sent.append(Sent(title, status, text, counted, expects, after.tells, after.nixl))
        before = after
        if status == 0:
            break
    return sent


def _followed(target: Target, body: Mapping[str, Any]) -> tuple[int, str]:
    """The first answer; what Envoy itself says of a route that it may not follow yet is none."""
    end = time.monotonic() + _FOLLOWS
    while True:
        status, text = ask(target, body)
        if status not in _NOT_YET or text not in _ENVOYS or time.monotonic() > end:
            return status, text
        time.sleep(_ASKS)


def _settled(remote: Remote, of: Pods, before: Count, status: int) -> Count:
    """Engines count a little after they have answered."""
    end = time.monotonic() + (_SETTLED if status == http.HTTPStatus.OK else 0.5)
    last = count(remote, of)
    while time.monotonic() < end:
        since = last.counters.since(before.counters)
        handed_over = since.on_prefill and since.transfers
        if since.failures or (since.on_decode and (handed_over or not since.decided)):
            break
        time.sleep(_LOOKS)
        last = count(remote, of)
    return last


def prompt(words: int) -> str:
    """A prompt that nobody has asked before."""
    return " ".join(random.choice(_WORDS) + str(random.randrange(10**6)) for _ in range(words))  # noqa: S311  # No secret.


def ask(target: Target, body: Mapping[str, Any]) -> tuple[int, str]:
    """One completion through the route: its status and its body; 0 where there is no answer."""
    where = urlsplit(target.url)
    link = connection(where, target)
    headers = {"Content-Type": "application/json", "Host": target.hostname or where.netloc}
    try:
        link.request("POST", f"{where.path.rstrip('/')}/v1/completions", json.dumps(body), headers)
        answer = link.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as e:
        return 0, str(e) or type(e).__name__
    finally:
        link.close()


def connection(where: SplitResult, target: Target) -> http.client.HTTPConnection:
    """To where a target is, by its TLS."""
    host, patience = where.hostname or "", target.patience
    if target.tls:
        return _Gateway(host, where.port, timeout=patience, context=target.tls)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    return kind(host, where.port, timeout=patience)


class _Gateway(http.client.HTTPSConnection):
    """To a cluster's gateway, whose certificate carries one name wherever it is."""

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=names.GATEWAY_CERTIFICATE)  # type: ignore[attr-defined]  # As http.client keeps it.


def _total(found: Sequence[tuple[str, dict[str, str], float]], name: str, value: str = "") -> float:
    return sum(v for n, labels, v in found if n == name and (not value or value in labels.values()))
