"""Protobuf's wire format: just enough to read a checked CEL expression and to write it again."""

from collections.abc import Callable, Iterable, Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
DOUBLE = 5 << 3 | _FIXED64  # The tag of a double constant.
_SIZES = {_FIXED64: 8, _FIXED32: 4}

# A tag (number * 8 + wire type) and its value: an int for varints, bytes for all else.
Field = tuple[int, int | bytes]


def number(field: int, value: int) -> Field:
    return (field << 3 | _VARINT, value)


def content(field: int, value: bytes) -> Field:
    """A field that holds a message or a text."""
    return (field << 3 | _BYTES, value)


def one(field: int, value: bytes) -> bytes:
    """A message of that one field."""
    return _written(*content(field, value))


def fields(message: bytes) -> list[Field]:
    return list(_parse(message))


def message(parts: Iterable[Field]) -> bytes:
    return b"".join(_written(*part) for part in parts)


def contents(message: bytes, field: int) -> list[bytes]:
    """The messages or texts under one number, in order."""
    return [value for tag, value in _parse(message) if tag == field << 3 | _BYTES and isinstance(value, bytes)]


def first(message: bytes, field: int) -> bytes:
    return next(iter(contents(message, field)), b"")


def number_in(message: bytes, field: int) -> int:
    return next((value for tag, value in _parse(message) if tag == field << 3 and isinstance(value, int)), 0)


def changed(message: bytes, change: Callable[[bytes], bytes], *numbers: int) -> bytes:
    """The message with what stands under these numbers changed."""
    return b"".join(
        _written(tag, change(value) if tag >> 3 in numbers and isinstance(value, bytes) else value)
        for tag, value in _parse(message)
    )


def _parse(message: bytes) -> Iterator[Field]:
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield tag, value
            continue
        size, at = _read_varint(message, at) if kind == _BYTES else (_SIZES[kind], at)
        yield tag, message[at : at + size]
        at += size


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1


def _written(tag: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(tag) + _varint(value)
    return _varint(tag) + (_varint(len(value)) if tag & 7 == _BYTES else b"") + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value & ~0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
