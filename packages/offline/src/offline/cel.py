"""CEL as the API server evaluates the rules of a schema, and provider-kubernetes its readiness."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

RESERVED = {
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
    "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
}  # fmt: skip
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_SPECIAL = re.compile(r"__|[./-]")


class RuleError(Exception):
    """A rule that has no answer for this value."""


def evaluate(rule: str, **variables: Any) -> Any:
    """The value of `rule`; a `RuleError` if it does not compile or fails."""
    try:
        result = _compiled(rule, tuple(variables)).eval(data=variables)
        failed = result.type() == cel.Type.ERROR
        value = result.value() if failed else result.plain_value()
    except (RuntimeError, TypeError, ValueError) as error:
        raise RuleError(_first_line(str(error))) from None
    if failed:
        raise RuleError(_first_line(str(value)))
    return value


def is_boolean(rule: str, *variables: str) -> bool:
    """Whether `rule` is known to be a boolean before it runs."""
    try:
        return bool(_compiled(rule, variables).return_type() == cel.Type.BOOL)
    except (RuntimeError, TypeError, ValueError) as error:
        raise RuleError(_first_line(str(error))) from None


def escaped(name: str) -> str:
    """A field name as rules must spell it."""
    if name in RESERVED:
        return f"__{name}__"
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], name)


def escape(schema: Mapping[str, Any], value: Any) -> Any:
    """`value` with the names of declared fields as rules spell them."""
    if isinstance(value, list):
        return [escape(schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict):
        return float(value) if schema.get("type") == "number" and isinstance(value, int) else value
    declared = schema.get("properties", {})
    others = schema.get("additionalProperties")
    others = others if isinstance(others, dict) else {}
    return {
        escaped(key) if key in declared else key: escape(declared.get(key, others), item) for key, item in value.items()
    }


@cache
def _compiled(rule: str, variables: tuple[str, ...]) -> Any:
    return _environment(variables).compile(rule)


@cache
def _environment(variables: tuple[str, ...]) -> Any:
    return cel.NewEnv(
        variables=dict.fromkeys(variables, cel.Type.DYN),
        extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional()],
    )


def _first_line(text: str) -> str:
    return " ".join(text.splitlines()[0].split())
