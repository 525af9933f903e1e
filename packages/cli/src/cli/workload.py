"""A workload cluster's API server, asked over one connection: `kubectl proxy` lends the credentials, whatever they are."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from cli import kubectl

Manifest = dict[str, Any]
# A hanging engine is a finding, and must not hang the command.
_ENGINE_PATIENCE = 5.0
_PATIENCE = 30.0
_PATHS = {
    "pods": "/api/v1",
    "httproutes": "/apis/gateway.networking.k8s.io/v1",
    "inferencepools": "/apis/inference.networking.k8s.io/v1",
}
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Workload:
    """A workload cluster's API server, at a socket that nobody else may open."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._link = _Link(place, _PATIENCE)

    def close(self) -> None:
        self._link.close()

    def get(self, kind: str, namespace: str, labels: str = "") -> list[Manifest]:
        """The objects of a kind; ends the command with the server's own words when it refuses."""
        query = f"?{urlencode({'labelSelector': labels})}" if labels else ""
        status, text = self._ask("GET", f"{_PATHS[kind]}/namespaces/{namespace}/{kind}{query}")
        if status != HTTPStatus.OK:
            click.echo(f"{kind} of namespace {namespace} cannot be read: {_sentence(text)}", err=True)
            sys.exit(kubectl.UNREACHABLE)
        return list(json.loads(text)["items"])

    def raw(self, path: str) -> str | None:
        """What is answered at a path; None when it is refused, or does not come."""
        status, text = self._ask("GET", path, patience=_ENGINE_PATIENCE)
        return text if status == HTTPStatus.OK else None

    def allowed(self, account: str, namespace: str) -> bool:
        """Whether a ServiceAccount may list pods and pools, as `kubectl auth can-i --as` asks."""
        kinds = (("", "pods"), ("inference.networking.k8s.io", "inferencepools"))
        who = {"Impersonate-User": f"system:serviceaccount:{namespace}:{account}"}
        return all(self._may_list(namespace, group, resource, who) for group, resource in kinds)

    def _may_list(self, namespace: str, group: str, resource: str, who: Mapping[str, str]) -> bool:
        asked = {"namespace": namespace, "verb": "list", "group": group, "resource": resource}
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        status, text = self._ask("POST", _REVIEWS, json.dumps({**kind, "spec": {"resourceAttributes": asked}}), who)
        return status == HTTPStatus.CREATED and bool(json.loads(text)["status"]["allowed"])

    def _ask(
        self,
        method: str,
        path: str,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        patience: float = _PATIENCE,
    ) -> tuple[int, str]:
        self._link.wait(patience)
        try:
            self._link.request(method, path, body or None, {"Content-Type": "application/json", **(headers or {})})
            answer = self._link.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, HTTPException) as e:
            self._link.close()  # What was not read to its end cannot carry the next request.
            return 0, str(e) or type(e).__name__


class _Link(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, place: Path, patience: float) -> None:
        super().__init__("localhost", timeout=patience)
        self._place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._place))

    def wait(self, patience: float) -> None:
        """How long the next answer may take."""
        self.timeout = patience
        if self.sock:
            self.sock.settimeout(patience)


@contextmanager
def reached(kubeconfig: str) -> Iterator[Workload]:
    """The cluster of this kubeconfig, as long as it is asked."""
    with tempfile.TemporaryDirectory() as folder:  # Nobody else may read it.
        file, place = Path(folder) / "kubeconfig", Path(folder) / "api"
        file.touch(mode=0o600)
        file.write_text(kubeconfig)
        with _proxy(file, place, Path(folder) / "said"):
            remote = Workload(place)
            try:
                yield remote
            finally:
                remote.close()


@contextmanager
def _proxy(kubeconfig: Path, place: Path, said: Path) -> Iterator[None]:
    words = [kubectl.binary(), f"--kubeconfig={kubeconfig}", "proxy", f"--unix-socket={place}"]
    with said.open("wb") as errors, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            # It says so once it listens, and nothing when it cannot.
            if not process.stdout or not process.stdout.readline():
                click.echo(said.read_text().strip() or "kubectl proxy failed", err=True)
                sys.exit(kubectl.UNREACHABLE)
            yield
        finally:
            process.terminate()


def _sentence(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, LookupError, TypeError):
        return text.strip() or "no answer"
