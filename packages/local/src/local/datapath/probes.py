"""Probes, executed: one thread for each, for as long as its container runs."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.datapath import grpchealth

Manifest = dict[str, Any]
# Runs a command inside of the container; answers with its exit code.
Execute = Callable[[list[str], float], int]


@dataclass
class Count:
    """Results in a row, and the verdict that they lead to."""

    successes: int
    failures: int
    row: int = 0

    def add(self, passed: bool) -> bool | None:
        """True or False once enough results agree; None before."""
        self.row = max(self.row, 0) + 1 if passed else min(self.row, 0) - 1
        if self.row >= self.successes:
            return True
        return False if -self.row >= self.failures else None


def count(probe: Manifest) -> Count:
    """The thresholds of a probe."""
    return Count(probe.get("successThreshold") or 1, probe.get("failureThreshold") or 3)


def run(probe: Manifest, container: Manifest, address: str, execute: Execute) -> str:
    """One execution; an empty text when it passes, otherwise why it does not."""
    seconds = float(probe.get("timeoutSeconds") or 1)
    if "httpGet" in probe:
        return _http(probe["httpGet"], container, address, seconds)
    if "grpc" in probe:
        grpc = probe["grpc"]
        return grpchealth.serving(address, grpc["port"], grpc.get("service") or "", seconds)
    if "tcpSocket" in probe:
        tcp = probe["tcpSocket"]
        return _tcp(tcp.get("host") or address, port(tcp["port"], container), seconds)
    return _exec(probe["exec"]["command"], seconds, execute)


def repeat(probe: Manifest, once: Callable[[], str], told: Callable[[bool, str], None], ended: threading.Event) -> None:
    """Execute a probe at its period until the container has ended; `told` hears each verdict."""
    counted = count(probe)
    if ended.wait(probe.get("initialDelaySeconds") or 0):
        return
    while not ended.is_set():
        trouble = once()
        verdict = counted.add(not trouble)
        if verdict is not None and not ended.is_set():
            told(verdict, trouble)
        ended.wait(probe.get("periodSeconds") or 10)


def port(named: int | str, container: Manifest) -> int:
    """A port by number or by its name in the container."""
    if isinstance(named, int) or named.isdigit():
        return int(named)
    return next((int(p["containerPort"]) for p in container.get("ports") or [] if p.get("name") == named), 0)


def get(action: Manifest, container: Manifest, address: str, seconds: float) -> int:
    """The status of one HTTP request as httpGet describes it."""
    where, number = action.get("host") or address, port(action["port"], container)
    if action.get("scheme") == "HTTPS":
        context = ssl._create_unverified_context()  # noqa: S323, SLF001  # A kubelet does not verify either.
        link: http.client.HTTPConnection = http.client.HTTPSConnection(where, number, timeout=seconds, context=context)
    else:
        link = http.client.HTTPConnection(where, number, timeout=seconds)
    try:
        headers = {h["name"]: h["value"] for h in action.get("httpHeaders") or []}
        link.request("GET", action.get("path") or "/", headers=headers)
        return link.getresponse().status
    finally:
        link.close()


def _http(action: Manifest, container: Manifest, address: str, seconds: float) -> str:
    try:
        status = get(action, container, address, seconds)
    except (OSError, http.client.HTTPException) as e:
        return f"HTTP probe of {action['port']}{action.get('path') or '/'} failed: {e}"
    passed = http.HTTPStatus.OK <= status < http.HTTPStatus.BAD_REQUEST
    return "" if passed else f"HTTP probe failed with statuscode: {status}"


def _tcp(host: str, number: int, seconds: float) -> str:
    try:
        socket.create_connection((host, number), seconds).close()
    except OSError as e:
        return f"nothing listens on {host}:{number}: {e}"
    return ""


def _exec(words: list[str], seconds: float, execute: Execute) -> str:
    try:
        code = execute(words, seconds)
    except subprocess.TimeoutExpired:
        return f"`{words[0]}` did not end within {seconds:g} s"
    return f"`{words[0]}` ended with {code}" if code else ""
