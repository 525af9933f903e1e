"""Expressions that Google's C++ would accept and Kubernetes refuses, each with a sentence for its author."""

import re
from collections.abc import Iterable, Sequence

from scheduling import wire

_LONGEST = 10 * 1024
_DEAREST = 1_000_000
# Types as the checker writes them.
ANY, DYN, TEXT = b"\x28\x01", b"\x0a\x00", b"\x18\x05"
LOOSE = (ANY, DYN)
OPTIONAL = b"optional_type"
_TYPE = 11
_OPAQUE = re.compile(rb"r.\n.kubernetes\.(Quantity|Semver)", re.DOTALL)

_QUOTED = re.compile(
    r"//[^\n]*|[rR]?[bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')", re.DOTALL
)
_TEXTS = {
    r"`": 'Kubernetes knows no `quoted` names: write ["name"]',
    r"\bhas\s*\(\s*device\s*\.\s*\w+\s*\)": "a device always has these fields: leave the has() out",
}
_DEAR = "in a device selector, it exceeds the cost limit"
_CALLS = {name: f"Kubernetes refuses {name}() {_DEAR}" for name in ("type", "join")}
_CALLS["format"] = "Kubernetes checks the arguments of format() in its own way: compare the parts instead"
# These cost as much as the text is long.
_MEASURING = frozenset(
    [
        "contains",
        "matches",
        "lowerAscii",
        "upperAscii",
        "replace",
        "split",
        "substring",
        "indexOf",
        "lastIndexOf",
        "trim",
        "reverse",
        "_+_",
        "semver",
        "isSemver",
        "quantity",
        "isQuantity",
    ]
)
_OF_OPTIONALS = ("hasValue", "value", "orValue", "or", "_?._", "_[?_]")


class RefusedError(ValueError):
    """Kubernetes would refuse the expression; the message says why."""


def check_text(expression: str) -> None:
    """What can be told before compiling."""
    if not expression.strip():
        raise RefusedError('is empty: write what the device must be, such as device.driver == "gpu.nvidia.com"')
    if len(expression.encode()) > _LONGEST:
        raise RefusedError(f"is longer than the {_LONGEST} bytes that Kubernetes allows")
    bare = _QUOTED.sub("''", expression)
    for pattern, reason in _TEXTS.items():
        if re.search(pattern, bare):
            raise RefusedError(reason)


def check_call(name: str, kinds: Sequence[bytes], result: bytes) -> None:
    """By the types of the operands and of the result."""
    if name in _CALLS:
        raise RefusedError(_CALLS[name])
    if name == "_!=_" and any(map(_OPAQUE.match, kinds)):
        raise RefusedError(f"Kubernetes refuses != of quantities and versions {_DEAR}: write !(a == b)")
    if name == "dyn" and _OPAQUE.match(kinds[0]):
        raise RefusedError(f"Kubernetes refuses dyn() of quantities and versions {_DEAR}")
    if name in ("_==_", "_!=_") and any(OPTIONAL in kind or wire.contents(kind, _TYPE) for kind in kinds):
        raise RefusedError(f"Kubernetes refuses to compare optionals or types {_DEAR}: compare what orValue(…) gives")
    if name not in _OF_OPTIONALS and OPTIONAL not in result:
        check_open(kinds)


def check_open(kinds: Iterable[bytes]) -> None:
    """The binding crashes on an optional whose type is not known, so none may get there."""
    if any(OPTIONAL in kind for kind in kinds):
        raise RefusedError("an optional can only be asked for its value: end it with orValue(…)")


def check_alike(kinds: Iterable[bytes], what: str) -> None:
    if len(set(kinds)) > 1:
        raise RefusedError(f"Kubernetes wants all {what} to be of one type")


def check_bounded(name: str, kinds: Iterable[bytes]) -> None:
    """When the length of an operand has no limit that Kubernetes knows."""
    texts = [kind in (TEXT, *LOOSE) for kind in kinds]
    if name in _MEASURING and (all(texts) if name == "_+_" else any(texts)):
        raise RefusedError(f"Kubernetes refuses {name.strip('_')} on a text whose length it does not know {_DEAR}")


def check_cost(units: int) -> None:
    if units > _DEAREST:
        raise RefusedError("Kubernetes would refuse this many rounds of loops within loops, they exceed the cost limit")
