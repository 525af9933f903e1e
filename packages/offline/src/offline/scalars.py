"""Plain YAML scalars as kubectl reads them: YAML 1.1 words, and dates stay text."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

from offline.findings import shortened

_NULLS = {"", "~", "null", "Null", "NULL"}
_TRUE = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"}
_FALSE = {"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"}
_INT = re.compile(r"([-+]?)(0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAG = "tag:yaml.org,2002:"
_LONGEST = 70  # Digits of the longest spelling of 64 bits, and to spare.


class BadScalarError(ValueError):
    """A scalar that JSON, and so the API server, has no value for."""


def resolve(text: str, tag: str | None, plain: bool) -> Any:
    """The value of a scalar."""
    if tag in (None, "!"):
        return _plain(text) if plain and tag is None else text
    if tag == _TAG + "str":
        return text
    if tag == _TAG + "binary":
        return _binary(text)
    if tag in {_TAG + name for name in ("int", "float", "bool", "null", "timestamp")}:
        return _plain(text)
    raise BadScalarError(f"the YAML tag {tag} is not known; remove it")


def _plain(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] not in "+-.0123456789":
        return text
    return _number(text)


def _number(text: str) -> Any:
    if _SPECIAL.fullmatch(text):
        raise BadScalarError(f"{text} is not a number in JSON; put it in quotes if it is text")
    digits = text.replace("_", "")
    if match := _INT.fullmatch(digits):
        return _integer(*match.groups())
    if not _FLOAT.fullmatch(digits):
        return text
    value = float(digits)
    if math.isinf(value):
        raise BadScalarError(f"{shortened(text)} is too big for a number; put it in quotes if it is text")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _integer(sign: str, digits: str) -> int:
    if len(digits) > _LONGEST:
        raise BadScalarError(f"{shortened(digits)} does not fit 64 bits; put it in quotes if it is text")
    octal = digits[0] == "0" and digits[1:].isdigit()
    value = int(f"{sign}{digits}", 8 if octal else 0)
    if not -(2**63) <= value < 2**63:
        raise BadScalarError(f"{shortened(digits)} does not fit 64 bits; put it in quotes if it is text")
    return value


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode()
    except (binascii.Error, ValueError):
        raise BadScalarError("!!binary is not base64 of text") from None
