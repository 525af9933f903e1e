"""APIs that are somebody else's: they answer with what they were asked, and a test decides how they fail."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:  # http.server requires this name.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.asked.append({"path": self.path, "headers": headers})
        told = self.server.answer or {"provider": self.server.name, "path": self.path, "headers": headers}
        body = json.dumps(told).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815  # As above.

    def log_message(self, *_: Any) -> None:
        """What was asked is kept, and not printed."""


class Provider(ThreadingHTTPServer):
    """One API at an address of this machine; `asked` is what reached it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, address: str, port: int = 0) -> None:
        super().__init__((address, port), _Handler)
        self.name = name
        self.status = 200
        self.answer: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []
        self._connections: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection, kept so that it can be cut off."""
        connection, peer = super().get_request()
        self._connections.append(connection)
        return connection, peer

    def end(self) -> None:
        """As when a process is killed: connections are cut off, and new ones refused."""
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@contextmanager
def provider(name: str, address: str, port: int = 0, certificate: Path | None = None) -> Iterator[Provider]:
    """A provider that answers; over TLS with a certificate and its key in one file."""
    found = Provider(name, address, port)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        found.socket = context.wrap_socket(found.socket, server_side=True)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        found.end()
