"""A server that speaks as much of the hub's API as huggingface_hub asks for, and can be told to fail."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REPO, COMMIT = "acme/model", "0123456789abcdef0123456789abcdef01234567"
FILES = {"config.json": b'{"model_type": "toy"}', "model.safetensors": bytes(range(256)) * 100_000}
TOKEN = "let-me-in"  # noqa: S105  # The hub's own, in tests.


@dataclass
class Hub:
    """What the server holds, and how it misbehaves."""

    private: bool = False
    gated: bool = False
    down: bool = False
    revision: str = COMMIT
    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    sizes: Mapping[str, int] = field(default_factory=dict)
    """What it says of the size of files that are larger than one wants to make them."""
    cut_at: int = 0
    """After so many bytes of a file the connection ends, once for each file."""
    cut_only: Collection[str] = ()
    """The files that this happens to; to all when there are none."""
    hang: bool = False
    """Instead of ending, the connection is silent from then on."""
    hung: threading.Event = field(default_factory=threading.Event)
    sent: list[tuple[str, int, int]] = field(default_factory=list)
    """Each file that was asked for: its name, from which byte on, and how many were sent."""
    cut: set[str] = field(default_factory=set)
    endpoint: str = ""

    def bytes_of(self, name: str) -> int:
        """How many bytes of that file were sent so far."""
        return sum(sent for file, _, sent in self.sent if file == name)

    def is_cut(self, name: str, rest: int) -> bool:
        """Whether the connection ends in the middle of the `rest` of a file."""
        meant = not self.cut_only or name in self.cut_only
        return meant and name not in self.cut and 0 < self.cut_at < rest


@contextlib.contextmanager
def served(hub: Hub, host: str = "127.0.0.1") -> Iterator[Hub]:
    """The hub as a server on a free port of `host`, until the block ends."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer((host, 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.endpoint = f"http://{host}:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        what, _, rest = path.partition(f"/{REPO}/")[2].partition("/")
        revision, _, name = rest.partition("/")
        if hub.down:
            self._refuse(503, "")
        elif not what or (hub.private and not allowed):
            self._refuse(401, "RepoNotFound")
        elif revision not in ("main", hub.revision, COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif what == "resolve" and hub.gated and not allowed:
            self._refuse(403, "GatedRepo")
        elif what == "resolve":
            self._file(name)
        else:
            self._json(_info(hub) if what == "revision" else _tree(hub))

    def _file(self, name: str) -> None:
        data, hub = self.hub.files[name], self.hub
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": hub.revision}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        rest = data[start:]
        cut = self.command == "GET" and hub.is_cut(name, len(rest))
        most = hub.cut_at if cut else len(rest)
        if self.command == "GET":
            hub.sent.append((name, start, most))
        if cut:
            hub.cut.add(name)
            self.close_connection = True
        self._send(206 if start else 200, headers, rest, most)

    def _json(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self._send(200, {"Content-Type": "application/json"}, data, len(data))

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, {"X-Error-Code": code, "Content-Type": "application/json"}, b"{}", 2)

    def _send(self, status: int, headers: dict[str, str], data: bytes, most: int) -> None:
        """The answer, of which only so many bytes are sent."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[:most])
            if most < len(data) and self.hub.hang:
                self.hub.hung.set()
                with contextlib.suppress(ConnectionError):
                    self.rfile.read(1)  # Until the other side is gone.

    def log_message(self, *_: object) -> None:
        """Nothing: tests print what they need."""


def _info(hub: Hub) -> dict[str, Any]:
    siblings = [{"rfilename": name, "size": size} for name, size in _sizes(hub)]
    return {"id": REPO, "modelId": REPO, "sha": hub.revision, "siblings": siblings, "private": hub.private, "tags": []}


def _tree(hub: Hub) -> list[dict[str, Any]]:
    return [{"type": "file", "path": name, "size": size, "oid": "0" * 40} for name, size in _sizes(hub)]


def _sizes(hub: Hub) -> list[tuple[str, int]]:
    return [(name, hub.sizes.get(name, len(data))) for name, data in hub.files.items()]
