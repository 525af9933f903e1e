"""The CEL of Kubernetes' device selectors: compiled once, type-checked, evaluated once per distinct device."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings

from scheduling.advice import absent, advised
from scheduling.capacity import Attribute, Traits
from scheduling.dialect import adapt
from scheduling.functions import DECLARATIONS, IMPLEMENTATIONS, QUANTITY, boxed
from scheduling.quantity import Quantity, parse_quantity
from scheduling.refused import check_text
from scheduling.version import Version, parse_version

_MAP_OF = "device\\s*\\.\\s*(attributes|capacity)\\s*\\[\\s*(?:\"([^\"\\\\]*)\"|'([^'\\\\]*)')\\s*\\]"
_REFERENCE = re.compile(_MAP_OF + r"\s*\.\s*\??\s*([A-Za-z_][A-Za-z0-9_]*)")
_PLACE = re.compile(r"^(?:[A-Z_]+: )?(?:ERROR: )?<input>:(\d+):(\d+): ", re.MULTILINE)

_LITERAL = re.compile(r"\b(quantity|semver)\s*\(\s*[\"']([^\"'\\]*)[\"']\s*\)")
_UNKNOWN_KEY = "Key not found"
_NO_OVERLOAD = "no such overload"
_OTHER_TYPE = 'types differ; a version is compared with semver("12.4.0"), an amount with quantity("40Gi")'


@dataclass(frozen=True)
class Verdict:
    """Whether a selector holds for a device; the reason says why it could not be evaluated."""

    matches: bool
    reason: str = ""


@dataclass(frozen=True)
class CompileError:
    """An expression that no device can ever satisfy."""

    expression: str
    message: str


@dataclass(frozen=True, eq=False)
class Selector:
    """A compiled expression."""

    expression: str
    program: Any

    def verdict(self, traits: Traits) -> Verdict:
        """An absent attribute and every other runtime error mean that the device does not match."""
        try:
            result = self.program.eval(data=_values(traits))
            value, kind = result.value(), result.type()
        except Exception as error:  # noqa: BLE001 - The binding raises whatever C++ threw.
            return Verdict(False, _sentence(str(error)))
        if kind == cel.Type.BOOL:
            return Verdict(bool(value))
        if kind == cel.Type.ERROR:
            return Verdict(False, _sentence(str(value)))
        return Verdict(False, f"must evaluate to a bool, not {kind.name()}")


def compile_error(expression: str) -> str:
    """The compiler's message; empty when the expression is a selector."""
    compiled = compile_selector(expression)
    return compiled.message if isinstance(compiled, CompileError) else ""


@lru_cache(maxsize=4096)
def compile_selector(expression: str) -> Selector | CompileError:
    if any("\ud800" <= letter <= "\udfff" for letter in expression):
        return CompileError(expression, "has a character that is half of a surrogate pair")
    try:
        check_text(expression)
        checked = _CHECKER.compile(expression)
        kind = checked.return_type()
        # The binding has no name for the type any, which an attribute has.
        if kind not in (cel.Type.BOOL, cel.Type.ERROR):
            return CompileError(expression, f"must evaluate to a bool, not {kind.name()}")
        return Selector(expression, _RUNTIME.deserialize(adapt(checked.serialize(), _failure)))
    except Exception as error:  # noqa: BLE001 - The binding raises whatever C++ threw.
        return CompileError(expression, advised(_sentence(str(error))))


def _failure(constant: bytes) -> str:
    """Why a constant part of an expression cannot be evaluated; empty when it can."""
    try:
        result = _RUNTIME.deserialize(constant).eval(data={})
    except Exception as error:  # noqa: BLE001 - The binding raises whatever C++ threw.
        return _sentence(str(error))
    return _sentence(str(result.value())) if result.type() == cel.Type.ERROR else ""


@lru_cache(maxsize=65536)
def evaluate(expression: str, traits: Traits) -> Verdict:
    """Whether a device satisfies an expression; an expression that does not compile matches nothing."""
    compiled = compile_selector(expression)
    if isinstance(compiled, CompileError):
        return Verdict(False, compiled.message)
    return compiled.verdict(traits)


def seen_values(expression: str, traits: Traits) -> tuple[str, ...]:
    """What the device has under each name that the expression mentions."""
    known: dict[tuple[str, str, str], Attribute | Quantity] = {}
    known.update((("attributes", domain, name), value) for domain, name, _, value in traits.attributes)
    known.update((("capacity", domain, name), value) for domain, name, _, value in traits.capacity)
    asked = {(which, double or single, name) for which, double, single, name in _REFERENCE.findall(expression)}
    shown = [
        f"{domain}/{name}: "
        + (_shown(known[each]) if (each := (which, domain, name)) in known else f"absent, {absent(*each, known)}")
        for which, domain, name in sorted(asked)
    ]
    if re.search(r"\bdevice\s*\.\s*driver\b", expression):
        shown.insert(0, f"driver: {traits.driver}")
    return tuple(shown)


def failure(expression: str, traits: Traits) -> str:
    """Why the expression has no answer for the device; empty when it has, and when it only asks for what is absent."""
    reason = evaluate(expression, traits).reason
    if _UNKNOWN_KEY in reason and any(": absent, " in seen for seen in seen_values(expression, traits)):
        return ""
    if reason == _NO_OVERLOAD:
        return _OTHER_TYPE
    return f"types differ ({reason})" if "overload" in reason else reason


def literal_errors(expression: str) -> list[str]:
    """Why the quantities and versions that are written in an expression cannot be read, if they cannot."""
    errors = []
    for function, text in _LITERAL.findall(expression):
        try:
            {"quantity": parse_quantity, "semver": parse_version}[function](text)
        except ValueError as error:
            errors.append(str(error))
    return errors


def _shown(value: Attribute | Quantity) -> str:
    """With its type where an expression could take it for a text."""
    if isinstance(value, bool):
        return f"bool {str(value).lower()}"
    if isinstance(value, Version):
        return f"version {value}"
    return f"int {value}" if isinstance(value, int) else str(value)


@lru_cache(maxsize=4096)
def _values(traits: Traits) -> Mapping[str, Any]:
    attributes: dict[str, dict[str, Any]] = {}
    capacity: dict[str, dict[str, Any]] = {}
    for domain, name, _, value in traits.attributes:
        attributes.setdefault(domain, {})[name] = boxed(value)
    for domain, name, _, amount in traits.capacity:
        capacity.setdefault(domain, {})[name] = boxed(amount)
    return {
        "device.driver": traits.driver,
        "device.attributes": attributes,
        "device.capacity": capacity,
        "device.allowMultipleAllocations": False,
    }


def _sentence(message: str) -> str:
    """The compiler's text without its drawing: where, and what."""
    lines = [line for line in message.splitlines() if line and not line.startswith(" |")]
    text = _PLACE.sub(r"line \1, column \2: ", "\n".join(lines)).replace("\n", "; ")
    text = re.sub(r" ?\[[A-Z_]+\]$", "", re.sub(r"^[A-Z_]+: ", "", text))
    return text[:512] or "cannot be evaluated"


def _environment(attributes: Any, capacity: Any, functions: list[Any]) -> Any:
    return cel.NewEnv(
        variables={
            "device.driver": cel.Type.STRING,
            "device.attributes": attributes,
            "device.capacity": capacity,
            "device.allowMultipleAllocations": cel.Type.BOOL,
        },
        extensions=[ext_strings.ExtStrings(2), ext_bindings.ExtBindings(), ext_optional.ExtOptional()],
        functions=functions,
    )


def _by_domain(value: Any) -> Any:
    return cel.Type.Map(cel.Type.STRING, cel.Type.Map(cel.Type.STRING, value))


# The binding cannot carry an opaque value: one environment checks types, the other runs on boxes.
_CHECKER = _environment(_by_domain(cel.Type("any")), _by_domain(QUANTITY), DECLARATIONS)
_RUNTIME = _environment(cel.Type.DYN, cel.Type.DYN, IMPLEMENTATIONS)
