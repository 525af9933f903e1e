# ruff: noqa: INP001  # Beside a script, no package.
"""The page of a kind: its fields, the rules that the API server keeps, and its columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pagetext import page, table

LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "not fewer than {}",
    "maxItems": "not more than {}",
    "minProperties": "not fewer than {}",
    "maxProperties": "not more than {}",
    "pattern": "matches `{}`",
}
Schema = dict[str, Any]


def kind_page(xrd: Schema) -> str:
    kind, version = xrd["spec"]["names"]["kind"], xrd["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    facts = (
        f"`apiVersion: {xrd['spec']['group']}/{version['name']}` · scope {xrd['spec']['scope']} · "
        f"`kubectl get {', '.join(xrd['spec']['names'].get('shortNames', []))}`"
    )
    columns = [
        (c["name"], f"`{c['jsonPath']}`", c.get("description", "")) for c in version.get("additionalPrinterColumns", [])
    ]
    blocks = [schema.get("description", ""), facts]
    for part in ("spec", "status"):
        rows = list(_fields(schema["properties"].get(part, {}), part, required=part in schema.get("required", [])))
        if rows:
            blocks += [f"## {part}", table(("field", "type", "default", "what it is"), rows)]
    rules = list(_rules(schema, ""))
    if rules:
        blocks += [
            "## Rules",
            "What the API server refuses beside wrong types and limits, in its own words.",
            table(("at", "sentence"), rules),
        ]
    if columns:
        blocks += ["## Columns of kubectl get", table(("column", "from", "what it is"), columns)]
    return page(kind, *blocks)


def _fields(schema: Schema, path: str, *, required: bool) -> Iterator[tuple[str, str, str, str]]:
    yield f"`{path}`", _type(schema), _default(schema, required=required), _text(schema)
    for step, child, needed in _children(schema):
        yield from _fields(child, path + step, required=needed)


def _children(schema: Schema) -> Iterator[tuple[str, Schema, bool]]:
    """What stands below a schema: list items and map values take no row, what is in them does."""
    for name, child in schema.get("properties", {}).items():
        yield f".{name}", child, name in schema.get("required", [])
    for key, step in (("items", "[]"), ("additionalProperties", "{}")):
        below = schema.get(key)
        if isinstance(below, dict):
            yield from ((step + s, c, needed) for s, c, needed in _children(below))


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return "any object"
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _default(schema: Schema, *, required: bool) -> str:
    if "default" in schema:
        return f"`{str(schema['default']).lower() if isinstance(schema['default'], bool) else schema['default']}`"
    return "**required**" if required else ""


def _text(schema: Schema) -> str:
    sentence = schema.get("description", "").rstrip(".")
    keys = ", ".join(f"`{k}`" for k in schema.get("x-kubernetes-list-map-keys", []))
    limits = [
        *([f"one of {', '.join(f'`{v}`' for v in schema['enum'])}"] if "enum" in schema else []),
        *(words.format(schema[key]) for key, words in LIMITS.items() if key in schema),
        *([f"unique by {keys}"] if keys else []),
    ]
    told = "; ".join(limits)
    return ". ".join(part for part in (sentence, told[:1].upper() + told[1:]) if part) + (
        "." if sentence or told else ""
    )


def _rules(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", []):
        yield f"`{path.lstrip('.') or '.'}`", rule.get("message", rule["rule"])
    for name, child in schema.get("properties", {}).items():
        yield from _rules(child, f"{path}.{name}")
    for key, step in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(key), dict):
            yield from _rules(schema[key], path + step)
