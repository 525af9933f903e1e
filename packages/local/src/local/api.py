"""A small client for one API server: manifests in, manifests out.

Server-side apply and merge patches of plain dictionaries are all that is needed here;
the generated client's models would cost each process eighty megabytes.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3
import yaml

from local.errors import LocalError

Manifest = dict[str, Any]


class ApiError(LocalError):
    """The API server refused; `status` is its HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NotServedError(ApiError):
    """The API server does not know the kind, or not yet."""


class UnreachableError(LocalError):
    """The API server does not answer."""


class Kind(NamedTuple):
    """What kind of object is meant."""

    api_version: str
    kind: str


class Api:
    """One API server, spoken to with one set of credentials."""

    def __init__(self, kubeconfig: Mapping[str, Any], owner: str) -> None:
        self.server, context = _credentials(kubeconfig)
        self._owner = owner
        self._pool = urllib3.PoolManager(
            ssl_context=context, maxsize=8, retries=False, timeout=urllib3.Timeout(connect=5, read=60)
        )
        self._plurals: dict[Kind, tuple[str, bool]] = {}

    @classmethod
    def from_file(cls, file: Path, owner: str) -> Api:
        return cls(yaml.safe_load(file.read_text()), owner)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.clear()

    def ready(self, path: str = "/readyz") -> bool:
        """Whether the server says that it is ready."""
        try:
            return self._pool.request("GET", f"{self.server}{path}", timeout=2.0).status == HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            return False

    def get(self, kind: Kind, name: str, namespace: str = "") -> Manifest | None:
        """The object, or None when there is none."""
        try:
            return self._json("GET", self._path(kind, namespace, name))
        except ApiError as e:
            if e.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def find(self, kind: Kind, labels: str = "", namespace: str = "") -> list[Manifest]:
        """The objects of a kind, each with its apiVersion and kind; none when the kind is not served."""
        return self.snapshot(kind, labels, namespace)[0]

    def snapshot(self, kind: Kind, labels: str = "", namespace: str = "") -> tuple[list[Manifest], str]:
        """The objects and the version from which `watch` goes on."""
        try:
            path = self._path(kind, namespace)
        except NotServedError:
            return [], ""
        answer = self._json("GET", path + (f"?{urlencode({'labelSelector': labels})}" if labels else ""))
        items = [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in answer["items"]]
        return items, answer["metadata"]["resourceVersion"]

    def watch(self, kind: Kind, version: str, seconds: int = 300) -> Iterator[Manifest]:
        """Changes since `version`, until the server ends the watch."""
        query = urlencode({"watch": "true", "resourceVersion": version, "timeoutSeconds": seconds})
        timeout = urllib3.Timeout(connect=5, read=seconds + 30)
        try:
            response = self._pool.request(
                "GET", f"{self.server}{self._path(kind, '')}?{query}", preload_content=False, timeout=timeout
            )
            with response:
                for line in response:
                    yield json.loads(line)
        except urllib3.exceptions.HTTPError as e:
            raise UnreachableError(f"The watch of {kind.kind} at {self.server} broke: {e}") from e

    def apply(self, manifest: Manifest, subresource: str = "") -> Manifest:
        """Server-side apply, ours wins."""
        path = self._object(manifest, subresource) + f"?fieldManager={self._owner}&force=true"
        return self._json("PATCH", path, manifest, "application/apply-patch+yaml")

    def create(self, manifest: Manifest) -> bool:
        """Create the object; False when one of that name exists."""
        path = self._path(Kind(manifest["apiVersion"], manifest["kind"]), manifest["metadata"].get("namespace", ""))
        try:
            self._json("POST", f"{path}?fieldManager={self._owner}", manifest)
        except ApiError as e:
            if e.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True

    def patch(self, manifest: Manifest, subresource: str = "") -> Manifest:
        """Merge what is given into the object."""
        path = self._object(manifest, subresource) + f"?fieldManager={self._owner}"
        return self._json("PATCH", path, manifest, "application/merge-patch+json")

    def delete(self, manifest: Manifest, grace: int | None = None) -> None:
        """Delete the object (and no other of its name, if it has a uid); it is fine when it is gone."""
        options: Manifest = {} if grace is None else {"gracePeriodSeconds": grace}
        if "uid" in manifest["metadata"]:
            options["preconditions"] = {"uid": manifest["metadata"]["uid"]}
        try:
            self._json("DELETE", self._object(manifest), options or None)
        except ApiError as e:
            if e.status != HTTPStatus.NOT_FOUND:
                raise

    def token(self, namespace: str, account: str, audience: str = "", seconds: int = 86400) -> str:
        """A token of a ServiceAccount; without an audience it is for the API server."""
        spec: Manifest = {"expirationSeconds": seconds, **({"audiences": [audience]} if audience else {})}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self._json(
            "POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        )
        return str(answer["status"]["token"])

    def serves(self, kind: Kind) -> bool:
        """Whether the kind can be used now."""
        try:
            self._path(kind, "")
        except NotServedError:
            return False
        return True

    def _object(self, manifest: Manifest, subresource: str = "") -> str:
        meta = manifest["metadata"]
        path = self._path(Kind(manifest["apiVersion"], manifest["kind"]), meta.get("namespace", ""), meta["name"])
        return f"{path}/{subresource}" if subresource else path

    def _path(self, kind: Kind, namespace: str, name: str = "") -> str:
        root = f"/apis/{kind.api_version}" if "/" in kind.api_version else f"/api/{kind.api_version}"
        if kind not in self._plurals:
            for found in self._resources(root):
                if "/" not in found["name"]:
                    self._plurals[Kind(kind.api_version, found["kind"])] = (found["name"], found["namespaced"])
        if kind not in self._plurals:
            raise NotServedError(
                HTTPStatus.NOT_FOUND, f"{self.server} does not serve the kind {kind.kind} of {kind.api_version}"
            )
        plural, namespaced = self._plurals[kind]
        place = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{root}{place}/{plural}" + (f"/{name}" if name else "")

    def _resources(self, root: str) -> list[Manifest]:
        try:
            resources: list[Manifest] = self._json("GET", root)["resources"]
        except ApiError as e:
            if e.status == HTTPStatus.NOT_FOUND:
                return []
            raise
        return resources

    def _json(self, method: str, path: str, body: Manifest | None = None, kind: str = "application/json") -> Manifest:
        try:
            response = self._pool.request(
                method,
                f"{self.server}{path}",
                body=json.dumps(body).encode() if body is not None else None,
                headers={"Content-Type": kind, "Accept": "application/json"},
            )
        except urllib3.exceptions.HTTPError as e:
            raise UnreachableError(f"The API server {self.server} does not answer: {e}") from e
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(response.status, _sentence(response.data, f"{method} {path}: HTTP {response.status}"))
        answer: Manifest = json.loads(response.data)
        return answer


def _sentence(data: bytes, fallback: str) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return fallback


def _credentials(kubeconfig: Mapping[str, Any]) -> tuple[str, ssl.SSLContext]:
    """The first cluster and user of a kubeconfig that carries its certificates in itself."""
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return cluster["server"], context
