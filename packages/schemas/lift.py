# ruff: noqa: INP001  # Belongs to the script beside it.
"""Turn the schema of an XRD into JSON Schema whose nested objects have names of their own."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

CONDITIONS = {
    "type": "array",
    "description": "What holds now, and why not.",
    "items": {"customTypePath": "schemas.base.Condition"},
    "default": [],
}
CROSSPLANE = {
    "type": "object",
    "description": "How Crossplane reconciles this composite.",
    "additionalProperties": True,
    "default": {},
}
METADATA = {"customTypePath": "schemas.base.Metadata", "default": {}}
KEPT = (
    "type",
    "format",
    "description",
    "enum",
    "default",
    "required",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
)
BOUNDS = ("minLength", "maxLength", "minimum", "maximum")
# Taken by schemas.base, or shadowing what the module itself needs.
RESERVED = {"Metadata", "Condition", "Model", "Any", "Field", "Literal", "Annotated"}


def lift(xrd: Schema) -> Schema:
    """The whole kind as JSON Schema: one entry of $defs per nested object."""
    kind, version = xrd["spec"]["names"]["kind"], xrd["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    names = _Names(kind, root)
    properties = {
        "apiVersion": {"type": "string", "enum": [f"{xrd['spec']['group']}/{version['name']}"]},
        "kind": {"type": "string", "enum": [kind]},
        "metadata": METADATA,
        "spec": {"$ref": "#/$defs/Spec"},
        "status": {"$ref": "#/$defs/Status", "default": {}},
    }
    body = {
        "title": kind,
        "type": "object",
        "description": root["description"],
        "properties": properties,
        "required": ["apiVersion", "kind", "spec"],
    }
    return body | {"$defs": names.definitions()}


class _Names:
    """Names for the nested objects: the singular of the property, with the owner's name in front on a clash."""

    def __init__(self, kind: str, root: Schema) -> None:
        self._name_of: dict[str, str] = {}
        self._body_of: dict[str, Schema] = {}
        wanted = _wanted(root)
        for content, (owner, props, schema) in wanted.items():
            name = _common(props)
            if name in self._body_of or name in RESERVED or name == kind:
                name = self._name_of.get(owner, kind) + name
            if name in self._body_of:
                raise ValueError(f"{kind}: two nested objects would both be called {name}; rename a field")
            self._name_of[content] = name
            self._body_of[name] = schema

    def definitions(self) -> Schema:
        return {name: self._object(name, schema) for name, schema in self._body_of.items()}

    def _object(self, name: str, schema: Schema) -> Schema:
        required = schema.get("required", [])
        properties = {prop: self._value(value, prop in required) for prop, value in schema["properties"].items()}
        if name == "Status":
            properties["conditions"] = CONDITIONS
        if name == "Spec":
            properties["crossplane"] = CROSSPLANE
        kept = {key: schema[key] for key in ("type", "description", "required") if key in schema}
        return kept | {"properties": properties}

    def _value(self, schema: Schema, required: bool = True) -> Schema:
        if "properties" in schema:
            own = {key: schema[key] for key in ("description", "default") if key in schema}
            return {"$ref": f"#/$defs/{self._name_of[_content(schema)]}", **own}
        if schema.get("x-kubernetes-int-or-string"):
            return {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": schema.get("description", "")}
        value = {key: schema[key] for key in KEPT if key in schema}
        if "items" in schema:
            return self._empty([], required) | value | {"items": self._element(schema["items"])}
        if "additionalProperties" in schema:
            return (
                self._empty({}, required)
                | value
                | {"additionalProperties": self._element(schema["additionalProperties"])}
            )
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return self._empty({}, required) | value | {"additionalProperties": True}
        return value

    def _element(self, schema: Schema) -> Schema:
        """What a list or a map holds. Bounds of plain values would each become a class of their own."""
        value = self._value(schema)
        return {key: value[key] for key in value if key not in BOUNDS} if "type" in value else value

    @staticmethod
    def _empty(default: Any, required: bool) -> Schema:
        """Reading is simpler when an absent list is an empty one; manifest() leaves it out again."""
        return {} if required else {"default": default}


def _wanted(root: Schema) -> dict[str, tuple[str, list[str], Schema]]:
    """Every distinct nested object, shallow ones first: its owner, the properties that hold it, its schema."""
    found: dict[str, tuple[str, list[str], Schema]] = {}
    queue = deque(("", prop.capitalize(), root["properties"][prop]) for prop in ("spec", "status"))
    while queue:
        owner, prop, schema = queue.popleft()
        content = _content(schema)
        if content in found:
            found[content][1].append(prop)
            found[content][2].pop("description", None)  # It was written for one of them only.
            continue
        found[content] = (owner, [prop], dict(schema))
        queue.extend((content, name, nested) for name, nested in _nested(schema))
    return found


def _nested(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The objects directly inside `schema`, also those inside its lists and maps."""
    for prop, value in schema["properties"].items():
        inner, many = value, False
        while not inner.get("properties") and ("items" in inner or isinstance(inner.get("additionalProperties"), dict)):
            inner, many = inner.get("items") or inner["additionalProperties"], True
        if "properties" in inner:
            yield _pascal(_singular(prop) if many else prop), inner


def _content(schema: Schema) -> str:
    """A key for what an object holds, whatever its description says: equal objects are one class."""
    return json.dumps({key: schema.get(key) for key in ("properties", "required")}, sort_keys=True)


def _common(props: list[str]) -> str:
    """StartupProbe and LivenessProbe are a Probe; without a common last word the first name stays."""
    words = [_words(prop) for prop in props]
    shared: list[str] = []
    for group in zip(*(reversed(each) for each in words), strict=False):
        if len(set(group)) > 1:
            break
        shared.insert(0, group[0])
    return "".join(shared) or props[0]


def _words(name: str) -> list[str]:
    starts = [i for i, letter in enumerate(name) if letter.isupper()]
    return [name[a:b] for a, b in zip(starts, [*starts[1:], len(name)], strict=True)]


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _singular(name: str) -> str:
    for ending, replacement in (("sses", "ss"), ("ies", "y"), ("ss", "ss"), ("s", "")):
        if name.endswith(ending):
            return name.removesuffix(ending) + replacement
    return name
