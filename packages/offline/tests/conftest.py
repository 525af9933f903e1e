"""A control plane with two small kinds, and functions written as a few lines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crossplane.function import resource
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from google.protobuf import json_format
from offline import admission, manifests, plane
from offline.findings import InvalidInputError
from offline.kinds import Kinds, kinds

SPEC = {
    "type": "object",
    "required": ["size"],
    "x-kubernetes-validations": [
        {"rule": "self.size != 13", "message": "13 brings bad luck; use 12"},
        {"rule": "self.size >= oldSelf.size", "message": "size only grows"},
    ],
    "properties": {
        "size": {"type": "integer", "minimum": 0, "maximum": 64},
        "mode": {"type": "string", "enum": ["Fast", "Slow"], "default": "Fast"},
        "pattern": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "note": {"type": "string", "nullable": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "parts": {
            "type": "array",
            "maxItems": 3,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "x-kubernetes-validations": [
                    {"rule": "self.copies < 5 || self.name == 'big'", "message": "only big has 5"},
                    {"rule": "self.copies >= oldSelf.copies", "message": "copies only grow"},
                ],
                "properties": {"name": {"type": "string"}, "copies": {"type": "integer", "default": 1}},
            },
        },
    },
}


def definition(kind: str, scope: str = "Namespaced") -> dict[str, Any]:
    status = {"type": "object", "properties": {"seen": {"type": "integer"}, "address": {"type": "string"}}}
    schema = {"type": "object", "properties": {"spec": SPEC, "status": status}}
    return {
        "metadata": {"name": f"{kind.lower()}s.test.example"},
        "spec": {
            "group": "test.example",
            "scope": scope,
            "names": {"kind": kind},
            "versions": [{"name": "v1", "referenceable": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def composition(kind: str) -> dict[str, Any]:
    step = {"step": f"compose-{kind.lower()}", "functionRef": {"name": f"compose-{kind.lower()}"}}
    return {
        "metadata": {"name": f"{kind.lower()}s.test.example"},
        "spec": {"compositeTypeRef": {"apiVersion": "test.example/v1", "kind": kind}, "pipeline": [step]},
    }


def child(size: int = 1, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "test.example/v1", "kind": "Child", "metadata": metadata, "spec": {"size": size}}


Answer = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


def function(answer: Answer) -> Callable[[fnv1.RunFunctionRequest], fnv1.RunFunctionResponse]:
    """`answer` gets the composite and the request as JSON, and gives the response as JSON."""

    def run(req: fnv1.RunFunctionRequest) -> fnv1.RunFunctionResponse:
        xr = resource.struct_to_dict(req.observed.composite.resource)
        return json_format.ParseDict(answer(xr, json_format.MessageToDict(req)), fnv1.RunFunctionResponse())

    return run


def wanting(**desired: dict[str, Any]) -> dict[str, Any]:
    """A response that wants these resources and says that each is ready."""
    return {"desired": {"resources": {k: {"resource": v, "ready": "READY_TRUE"} for k, v in desired.items()}}}


class Bench:
    """Writes manifests, runs stand-in functions over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[dict[str, Any]] = []

    def kinds(self, **answers: Answer) -> Kinds:
        given = {"parent": lambda *_: {}, "child": lambda *_: {}, "cluster": lambda *_: {}, **answers}
        functions = {f"compose-{name}": function(self._recorded(answer)) for name, answer in given.items()}
        names = ("Parent", "Child")
        definitions = [*map(definition, names), definition("Cluster", "Cluster")]
        return kinds(definitions, [composition(k) for k in (*names, "Cluster")], functions)

    def _recorded(self, answer: Answer) -> Answer:
        def run(xr: dict[str, Any], req: dict[str, Any]) -> dict[str, Any]:
            self.calls.append(req)
            return answer(xr, req)

        return run

    def findings(self, text: str, earlier: dict[Any, Any] | None = None) -> list[str]:
        """What is wrong with these manifests, without the file's name."""
        try:
            self.screen(text, self.kinds(), earlier)
        except InvalidInputError as error:
            return [str(f).removeprefix(f"{self.folder}/in.yaml:") for f in error.findings]
        return []

    def screen(self, text: str | bytes, known: Kinds, earlier: dict[Any, Any] | None = None) -> dict[Any, Any]:
        file = self.folder / "in.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        reading = manifests.read([str(file)])
        objects = admission.screen(reading, admission.Gate(known), earlier or {})
        if reading.findings:
            raise InvalidInputError(reading.findings)
        return objects

    def compose(self, text: str, earlier: Any = None, lost: Any = (), **answers: Answer) -> plane.Result:
        known = self.kinds(**answers)
        return plane.compose(known, self.screen(text, known, earlier), earlier, lost)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def make() -> Any:
    """The builders of this file, for tests that cannot import it."""
    import types

    return types.SimpleNamespace(child=child, wanting=wanting)
