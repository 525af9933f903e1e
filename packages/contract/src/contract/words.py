"""Text that may hold parts nobody can know before the pod runs, and references to variables in it."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

# Stands in a text for what is not known; no argument of a process can hold a NUL.
HOLE = "\0"
_REFERENCE = re.compile(r"\$(?:\$|\(([A-Za-z_.-][A-Za-z0-9_.-]*)\))")


class Unknown(enum.Enum):
    """The value that is set but cannot be read before the pod runs."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN
Value = str | Literal[Unknown.UNKNOWN]


def value_of(text: str) -> Value:
    """The text, or UNKNOWN where a part of it is."""
    return UNKNOWN if HOLE in text else text


def plain(value: Any) -> str:
    """An argument as the container runtime passes it on."""
    return str(value).replace(HOLE, "") if isinstance(value, str | int | float) else ""


def variables(env: Any) -> dict[str, str]:
    """The container's variables; one whose value comes from elsewhere is a hole."""
    known: dict[str, str] = {}
    for entry in env if isinstance(env, Sequence) and not isinstance(env, str) else ():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            continue
        literal = HOLE if entry.get("valueFrom") is not None else plain(entry.get("value"))
        known[entry["name"]] = expand(literal, known)
    return known


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(VAR)` as the kubelet replaces it; `$$` stands for a dollar sign."""

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else known.get(name, HOLE)

    replacement: Callable[[re.Match[str]], str] = replaced
    return _REFERENCE.sub(replacement, text)
