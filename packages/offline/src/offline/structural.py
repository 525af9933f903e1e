"""What a structural schema does to a value: refuse unknown fields, set defaults, judge types."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import FormatChecker
from jsonschema.validators import Draft202012Validator

from offline.findings import Path, did_you_mean, shortened

Schema = Mapping[str, Any]
Problem = tuple[Path, str]
_KEPT = (
    "type", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "minItems", "maxItems", "minProperties", "maxProperties", "required",
)  # fmt: skip
_BLOCKING = ("type", "required", "enum", "maxLength", "maxItems", "maxProperties")
_FEW = 4
_GROUPS = ("oneOf", "anyOf", "allOf")
_WORDS = {
    "object": "a mapping", "array": "a list", "string": "text", "boolean": "a boolean",
    "integer": "an integer", "number": "a number", "null": "null",
}  # fmt: skip
_FORMATS = {
    "date-time": r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)",
    "date": r"\d{4}-\d\d-\d\d",
    "duration": r"-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S*",
    "hostname": r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*",
    "ipv4": r"(\d{1,3}\.){3}\d{1,3}",
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "byte": r"[A-Za-z0-9+/\s]*={0,2}",
}


def below(schema: Schema, key: str | int) -> Schema | None:
    """The schema of a field or entry; None if the schema does not know it."""
    if isinstance(key, int):
        return schema.get("items", {})  # type: ignore[no-any-return]  # JSON below Any
    if key in (declared := schema.get("properties", {})):
        return declared[key]  # type: ignore[no-any-return]  # JSON below Any
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        return others
    return {"x-kubernetes-preserve-unknown-fields": True} if others is True or is_open(schema) else None


def is_open(schema: Schema) -> bool:
    """Whether any field may stand here."""
    untyped = not schema.get("properties") and "additionalProperties" not in schema and schema.get("type") != "object"
    return bool(schema.get("x-kubernetes-preserve-unknown-fields")) or untyped


def entries(value: Any) -> Iterator[tuple[str | int, Any]]:
    """The fields of a mapping or the entries of a list, with their keys."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def unknown(schema: Schema, value: Any, path: Path = ()) -> Iterator[Problem]:
    """Each field that the schema does not declare."""
    if not path and isinstance(value, dict):
        value = {key: item for key, item in value.items() if key != "metadata"}
    for key, item in entries(value):
        inner = below(schema, key)
        if inner is None:
            yield (*path, key), f"unknown field{_meant(str(key), sorted(schema.get('properties', {})))}"
        else:
            yield from unknown(inner, item, (*path, key))


def _meant(name: str, known: list[str]) -> str:
    few = f"; what may stand here is {', '.join(known)}" if 0 < len(known) <= _FEW else ""
    return did_you_mean(name, known) or few


def defaulted(schema: Schema, value: Any) -> Any:
    """`value` with the schema's defaults, as the API server sets them before any rule."""
    if isinstance(value, list):
        return [defaulted(schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict):
        return value
    declared = schema.get("properties", {})
    kept = {k: v for k, v in value.items() if v is not None or not _is_dropped(declared.get(k, {}))}
    missing = {k: copy.deepcopy(s["default"]) for k, s in declared.items() if "default" in s and k not in kept}
    return {key: defaulted(below(schema, key) or {}, item) for key, item in {**kept, **missing}.items()}


def _is_dropped(schema: Schema) -> bool:
    """Whether a null at this field counts as not set."""
    return "default" in schema and not schema.get("nullable")


def twice(schema: Schema, value: Any, path: Path = ()) -> Iterator[Problem]:
    """Each entry of a list map or set that another entry already is."""
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") in ("map", "set"):
        seen: list[Any] = []
        for index, item in enumerate(value):
            identity = list_identity(schema, item)
            if identity in seen:
                yield (*path, index), f"{_identity_words(schema, identity)} stands twice; keep one"
            seen.append(identity)
    for key, item in entries(value):
        if (inner := below(schema, key)) is not None:
            yield from twice(inner, item, (*path, key))


def list_identity(schema: Schema, item: Any) -> Any:
    """What tells an entry of a list map or set from the others."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if not keys or not isinstance(item, dict):
        return item
    return tuple(item.get(key) for key in keys)


def _identity_words(schema: Schema, identity: Any) -> str:
    keys = schema.get("x-kubernetes-list-map-keys", ())
    if not keys or not isinstance(identity, tuple):
        return f"{_short(identity)}"
    return "the entry with " + ", ".join(f"{k} {v}" for k, v in zip(keys, identity, strict=True))


class Judge:
    """Judges values by the types, bounds and patterns of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._validator = Draft202012Validator(json_schema(schema), format_checker=_formats())

    def problems(self, value: Any) -> tuple[list[Problem], bool]:
        """What is wrong with `value`, and whether rules can still be judged: not on values of wrong types."""
        errors = list(self._validator.iter_errors(value))
        found = dict.fromkeys(problem for error in errors for problem in _sentences(error))
        return list(found), not any(error.validator in _BLOCKING for error in errors)


def json_schema(schema: Schema) -> dict[str, Any]:
    """A Kubernetes schema as plain JSON Schema; open to other fields, which `unknown` judges."""
    out = {key: schema[key] for key in _KEPT if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        out["type"] = ["integer", "string"]
    elif schema.get("nullable") and "type" in out:
        out["type"] = [out["type"], "null"]
    if schema.get("nullable") and "enum" in out:
        out["enum"] = [*out["enum"], None]
    if "properties" in schema:
        out["properties"] = {key: json_schema(inner) for key, inner in schema["properties"].items()}
    for key in ("additionalProperties", "items", "not"):
        if isinstance(schema.get(key), Mapping):
            out[key] = json_schema(schema[key])
    for key in _GROUPS:
        if key in schema and not (key == "anyOf" and schema.get("x-kubernetes-int-or-string")):
            out[key] = [json_schema(inner) for inner in schema[key]]
    return out


@cache
def _formats() -> Any:
    checker = FormatChecker(formats=())
    for name, pattern in _FORMATS.items():
        checker.checks(name)(_matcher(re.compile(pattern, re.ASCII)))
    checker.checks("int32")(lambda v: not isinstance(v, int) or -(2**31) <= v < 2**31)
    return checker


def _matcher(pattern: re.Pattern[str]) -> Any:
    return lambda value: not isinstance(value, str) or bool(pattern.fullmatch(value))


def _sentences(error: Any) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    value, limit = error.instance, error.validator_value
    if error.validator == "required":
        yield from (((*path, name), f"{name} is required") for name in limit if name not in value)
        return
    text = _SENTENCES.get(error.validator, _other)(value, limit)
    yield path, text.replace("must be a mapping,", f"must be a mapping{_fields(error.schema)},", 1)


def _fields(schema: Schema) -> str:
    """The fields of a mapping, while they are few."""
    names = ", ".join(schema.get("properties", {}))
    return f" with {names}" if 0 < len(schema.get("properties", {})) <= _FEW else ""


def _other(value: Any, _limit: Any) -> str:
    return f"{_short(value)} has none of the shapes that are allowed here"


def _type(value: Any, limit: Any) -> str:
    allowed = limit if isinstance(limit, list) else [limit]
    advice = f"; write {value} without quotes" if _is_quoted(value, allowed) else ""
    return f"must be {' or '.join(_WORDS[name] for name in allowed)}, is {_kind(value)}{advice}"


def _is_quoted(value: Any, allowed: list[str]) -> bool:
    """Whether a text would be right but for its quotes."""
    number = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value) and "integer" in allowed
    return bool(number) or (value in ("true", "false") and "boolean" in allowed)


def _enum(value: Any, limit: Any) -> str:
    words = ", ".join(str(item) for item in limit)
    return f"must be one of {words}; is {_short(value)}{did_you_mean(str(value), [str(i) for i in limit])}"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return _WORDS[names[type(value)]]


def _too_few(count: int, least: int, noun: str) -> str:
    return f"has {count} {noun}; at least {least} are needed" if count else "must not be empty"


def _short(value: Any) -> str:
    return shortened(value if isinstance(value, str) else str(value))


_SENTENCES: Mapping[str, Any] = {
    "type": _type,
    "enum": _enum,
    "minimum": lambda v, n: f"must be at least {n}, is {v}",
    "maximum": lambda v, n: f"must be at most {n}, is {v}",
    "exclusiveMinimum": lambda v, n: f"must be more than {n}, is {v}",
    "exclusiveMaximum": lambda v, n: f"must be less than {n}, is {v}",
    "multipleOf": lambda v, n: f"must be a multiple of {n}, is {v}",
    "minLength": lambda v, n: _too_few(len(v), n, "characters"),
    "maxLength": lambda v, n: f"has {len(v)} characters; at most {n} are allowed",
    "minItems": lambda v, n: _too_few(len(v), n, "entries"),
    "maxItems": lambda v, n: f"has {len(v)} entries; at most {n} are allowed",
    "minProperties": lambda v, n: _too_few(len(v), n, "entries"),
    "maxProperties": lambda v, n: f"has {len(v)} entries; at most {n} are allowed",
    "pattern": lambda v, p: f"{_short(v)} must match {p}",
    "format": lambda v, f: f"{_short(v)} is not a valid {f}",
}
