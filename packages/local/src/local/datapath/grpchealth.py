"""One call of grpc.health.v1.Health/Check, as a kubelet's gRPC probe makes it: enough HTTP/2 for that and no more."""

from __future__ import annotations

import socket
import struct

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY, _RESET = 0x0, 0x1, 0x4, 0x6, 0x7, 0x3
_END_STREAM, _END_HEADERS, _ACK = 0x1, 0x4, 0x1
_SERVING = b"\x08\x01"


def serving(host: str, port: int, service: str, seconds: float) -> str:
    """An empty text when the service says SERVING, otherwise what it says instead."""
    try:
        with socket.create_connection((host, port), seconds) as link:
            link.settimeout(seconds)
            link.sendall(_request(f"{host}:{port}", service))
            return _answer(link)
    except OSError as e:
        return f"{host}:{port}: {e}"


def _request(authority: str, service: str) -> bytes:
    fields = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    headers = b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)
    name = service.encode()
    message = (b"\x0a" + bytes([len(name)]) + name) if name else b""
    body = b"\x00" + struct.pack(">I", len(message)) + message
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, 1, headers)
        + _frame(_DATA, _END_STREAM, 1, body)
    )


def _text(value: str) -> bytes:
    """A literal without Huffman coding; all of ours are shorter than 127 bytes."""
    return bytes([len(value)]) + value.encode()


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _answer(link: socket.socket) -> str:
    body = b""
    while True:
        head = _exactly(link, 9)
        kind, flags = head[3], head[4]
        payload = _exactly(link, int.from_bytes(head[:3], "big"))
        if kind == _SETTINGS and not flags & _ACK:
            link.sendall(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            link.sendall(_frame(_PING, _ACK, 0, payload))
        elif kind in (_GOAWAY, _RESET):
            return "the call was refused"
        elif kind == _DATA:
            body += payload
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            return "" if body[5:] == _SERVING else "the service does not say SERVING"


def _exactly(link: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = link.recv(count - len(found))
        if not part:
            raise ConnectionResetError("the connection ended")
        found += part
    return found
