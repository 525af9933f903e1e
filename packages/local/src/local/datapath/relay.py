"""The API server, which listens on loopback, under the address where pods look for it: bytes are passed on as they are."""

from __future__ import annotations

import contextlib
import socket
import threading

_CHUNK = 65536


def serve(address: str, port: int, target: int) -> None:
    """Accept on `address`:`port` and pass everything to the loopback port `target`; returns at once."""
    listener = socket.create_server((address, port), backlog=64)
    threading.Thread(target=_accept, args=(listener, target), daemon=True, name="relay").start()


def _accept(listener: socket.socket, target: int) -> None:
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", target), 5)
        except OSError:
            client.close()
            continue
        server.settimeout(None)
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=_pass, args=(source, sink), daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
