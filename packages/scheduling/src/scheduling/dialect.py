"""Where Kubernetes' CEL differs from Google's C++: what it refuses is refused, what it reads otherwise is rewritten."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from struct import unpack

from scheduling import wire
from scheduling.refused import (
    ANY,
    DYN,
    LOOSE,
    TEXT,
    RefusedError,
    check_alike,
    check_bounded,
    check_call,
    check_cost,
    check_open,
)

# The numbers of cel.expr.Expr.
_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = range(2, 10)
_CHECKED = b"type.googleapis.com/cel.expr.CheckedExpr"
_UNBOUNDED, _PASSING = ("split", "charAt", "value", "orValue"), ("_[_]", "_?_:_")
_LOOKUPS = ("_[_]", "_[?_]", "_?._")
# Whose first operand must not be a quantity or a version, which the runtime carries as maps.
_OF_MAPS = ("size", *_LOOKUPS)
_TO_NUMBER = ("int", "uint", "double")
# Kubernetes evaluates these while it compiles, when the argument is a constant.
_CHECKED_CONSTANTS = (*_TO_NUMBER, "bool", "string", "timestamp", "duration", "matches")


def adapt(checked: bytes, evaluates: Callable[[bytes], str]) -> bytes:
    """The checked expression as the runtime must see it; evaluates() tells why a constant part fails."""
    inner = wire.first(checked, 2)
    types = {wire.number_in(entry, 1): wire.first(entry, 2) for entry in wire.contents(inner, 3)}
    adapter = _Adapter(types, lambda expr: evaluates(_envelope(wire.message([wire.content(4, expr)]))))
    return _envelope(wire.changed(inner, adapter.expr, 4))


def _envelope(inner: bytes) -> bytes:
    return wire.message([wire.content(1, _CHECKED), wire.content(2, inner)])


def _map(value: bytes) -> bytes:
    return wire.one(7, wire.message([wire.content(1, TEXT), wire.content(2, value)]))


_DOMAINS = (_map(_map(ANY)), _map(_map(wire.one(14, wire.one(1, b"kubernetes.Quantity")))))


def _call(function: str, *arguments: bytes) -> bytes:
    parts = [wire.content(2, function.encode()), *(wire.content(3, argument) for argument in arguments)]
    return wire.one(_CALL, wire.message(parts))


def _constant(*part: wire.Field) -> bytes:
    return wire.one(_CONST, wire.message(part))


def _ours(function: str, *arguments: bytes) -> bytes:
    """One list as the only argument: the runtime has no functions that take a value of any type."""
    return _call(function, wire.one(_LIST, wire.message(wire.content(1, argument) for argument in arguments)))


def _may_be_boxed(kind: bytes) -> bool:
    return kind == DYN or ANY in kind or b"kubernetes." in kind


@dataclass(frozen=True)
class _Adapter:
    types: Mapping[int, bytes]
    evaluates: Callable[[bytes], str]
    unbounded: frozenset[bytes] = frozenset()  # Variables that stand for texts of any length.
    rounds: int = 1
    spent: list[int] = field(default_factory=lambda: [0])  # One number, shared by all parts.

    def expr(self, data: bytes) -> bytes:
        self.spent[0] += self.rounds * self._cost(wire.first(data, _CALL))
        check_cost(self.spent[0])
        for tag, body in wire.fields(data):
            if tag >> 3 in _HANDLERS and isinstance(body, bytes):
                return _HANDLERS[tag >> 3](self, body, data)
        return data

    def _type(self, expr: bytes) -> bytes:
        return self.types.get(wire.number_in(expr, _ID), DYN)

    def constant(self, body: bytes, data: bytes) -> bytes:
        for tag, value in wire.fields(body):
            if tag == wire.DOUBLE and isinstance(value, bytes) and abs(unpack("<d", value)[0]) == inf:
                raise RefusedError("a number is beyond what a double holds")
        return data

    def select(self, body: bytes, data: bytes) -> bytes:
        """In DRA an unknown domain is an empty map, so has() can ask for it."""
        operand = wire.first(body, 1)
        if self._type(operand) not in _DOMAINS:
            return _with(data, _SELECT, wire.changed(body, self.expr, 1))
        if wire.number_in(body, 3):
            return _constant(wire.number(2, 1))
        return _ours("@domain", self.expr(operand), _constant(wire.content(6, wire.first(body, 2))))

    def listed(self, body: bytes, data: bytes) -> bytes:
        kinds = [self._type(element) for element in wire.contents(body, 1)]
        check_alike(kinds, "elements of a list")
        if not wire.first(body, 2):
            check_open(kinds)
        return _with(data, _LIST, wire.changed(body, self.expr, 1))

    def mapped(self, body: bytes, data: bytes) -> bytes:
        entries = wire.contents(body, 2)
        check_alike((self._type(wire.first(entry, 3)) for entry in entries), "keys of a map")
        check_alike((self._type(wire.first(entry, 4)) for entry in entries), "values of a map")
        check_open(self._type(wire.first(entry, 4)) for entry in entries if not wire.number_in(entry, 5))
        if self._type(data) in _DOMAINS:
            raise RefusedError("maps of maps of attributes cannot be written in a selector")
        return _with(data, _STRUCT, wire.changed(body, lambda entry: wire.changed(entry, self.expr, 3, 4), 2))

    def comprehension(self, body: bytes, data: bytes) -> bytes:
        ranged, start = wire.first(body, 2), wire.first(body, 4)
        if self._type(start) in _DOMAINS:
            raise RefusedError("bind the attributes of one domain, not of all")
        names = [wire.first(body, place) for place, value in ((1, ranged), (3, start)) if self._is_unbounded(value)]
        inner = replace(self, unbounded=self.unbounded.union(names), rounds=self.rounds * _size(ranged))
        body = wire.changed(wire.changed(body, self.expr, 2, 4), inner.expr, 5, 6, 7)
        plain = self._type(ranged) in LOOSE
        return _with(data, _COMPREHENSION, wire.changed(body, _plain, 2) if plain else body)

    def called(self, body: bytes, data: bytes) -> bytes:
        name = wire.first(body, 2).decode()
        old = [*wire.contents(body, 1), *wire.contents(body, 3)]
        kinds = [self._type(operand) for operand in old]
        check_call(name, kinds, self._type(data))
        if any(map(self._is_unbounded, old)):
            check_bounded(name, kinds)
        self._check_constant(name, old)
        new = [self.expr(operand) for operand in old]
        if name in _LOOKUPS and kinds[0] in _DOMAINS:
            found = _ours("@domain", *new)
            return found if name == "_[_]" else _call("optional.of", found)
        if name == "_==_" and any(map(_may_be_boxed, kinds)):
            return _ours("@equal", *new)
        if name == "@in" and _is_list(kinds[1]) and any(map(_may_be_boxed, kinds)):
            return _ours("@member", *new)
        if name in _OF_MAPS and kinds[0] in LOOSE:
            new[0] = _plain(new[0])
        if name in _TO_NUMBER and kinds[0] in (*LOOSE, TEXT):
            new[0] = _ours("@number", new[0])
        replaced = iter(new)
        return _with(data, _CALL, wire.changed(body, lambda _: next(replaced), 1, 3))

    def _cost(self, call: bytes) -> int:
        """Rather more than Kubernetes estimates: a text has some 7 units, and is searched once per part of a pattern."""
        operands = [*wire.contents(call, 1), *wire.contents(call, 3)]
        if not any(self._type(operand) in (TEXT, *LOOSE) for operand in operands):
            return 1
        return 7 * max(1 if wire.first(operands[-1], _CONST) else 16, len(operands[-1]) // 4)

    def _is_unbounded(self, expr: bytes) -> bool:
        """Whether Kubernetes' cost estimate knows no limit for the length of a text."""
        if name := wire.first(expr, _IDENT):
            return wire.first(name, 1) in self.unbounded
        if loop := wire.first(expr, _COMPREHENSION):
            return self._is_unbounded(wire.first(loop, 2)) or self._is_unbounded(wire.first(loop, 4))
        call = wire.first(expr, _CALL)
        function, operands = wire.first(call, 2).decode(), [*wire.contents(call, 1), *wire.contents(call, 3)]
        if function == "string":
            return self._type(operands[0]) not in (TEXT, *LOOSE)
        return function in _UNBOUNDED or (function in _PASSING and any(map(self._is_unbounded, operands)))

    def _check_constant(self, name: str, operands: list[bytes]) -> None:
        if name not in _CHECKED_CONSTANTS or not operands or not wire.first(operands[-1], _CONST):
            return
        text = [_constant(wire.content(6, b""))] if name == "matches" else []
        last = _ours("@number", operands[-1]) if name in _TO_NUMBER else operands[-1]
        if reason := self.evaluates(_call(name, *text, last)):
            raise RefusedError(reason)


def _with(data: bytes, kind: int, body: bytes) -> bytes:
    return wire.changed(data, lambda _: body, kind)


def _size(ranged: bytes) -> int:
    """How often a loop over this goes round, at most."""
    if literal := wire.first(ranged, _LIST):
        return max(1, len(wire.contents(literal, 1)))
    return max(64, len(ranged))


def _is_list(kind: bytes) -> bool:
    return kind in LOOSE or bool(wire.first(kind, 6))


def _plain(expr: bytes) -> bytes:
    return _ours("@plain", expr)


_HANDLERS: Mapping[int, Callable[[_Adapter, bytes, bytes], bytes]] = {
    _CONST: _Adapter.constant,
    _SELECT: _Adapter.select,
    _CALL: _Adapter.called,
    _LIST: _Adapter.listed,
    _STRUCT: _Adapter.mapped,
    _COMPREHENSION: _Adapter.comprehension,
}
