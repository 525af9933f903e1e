"""Each rule of the API is violated once, and its sentence is what the API server answers.

The cases are in rules/<kind>/; the head of rules/modeldeployment/base.yaml says how they are written.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from local.testing import Plane
from schemas import apis

RULES = Path(__file__).parent / "rules"
Manifest = dict[str, Any]
Patch = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One object, the change that follows it, and the sentence that refuses it."""

    name: str
    object: Manifest
    changed: Manifest | None
    want: str


@functools.cache
def cases() -> list[Case]:
    return [case for path in sorted(RULES.glob("*/*.yaml")) for case in _read(path)]


@functools.cache
def _documents(path: Path) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return list(yaml.load_all(path.read_text(encoding="utf-8"), loader))


def _read(path: Path) -> Iterator[Case]:
    documents = _documents(path)
    for number, raw in enumerate(documents):
        first = _object(path.parent, raw)
        changed = _patched(first, raw["change"]) if "change" in raw else None
        name = f"{path.parent.name}/{path.stem}" + (f"-{number + 1}" if len(documents) > 1 else "")
        yield Case(name, first, changed, raw.get("want", ""))


def _object(folder: Path, raw: dict[str, Any]) -> Manifest:
    if "object" in raw:
        return dict(raw["object"])
    (base,) = _documents(folder / f"{raw.get('base', 'base')}.yaml")
    return _patched(base["object"], raw.get("patch", []))


def _patched(manifest: Manifest, patch: Patch) -> Manifest:
    result = copy.deepcopy(manifest)
    for step in patch:
        _apply(result, step)
    return result


def _apply(target: Any, step: dict[str, Any]) -> None:
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:])
    for part in parents:
        target = target[int(part)] if isinstance(target, list) else target[part]
    if step["op"] == "remove":
        del target[int(last) if isinstance(target, list) else last]
    elif last == "-":
        target.append(step["value"])
    else:
        target[int(last) if isinstance(target, list) else last] = step["value"]


def _schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    for xrd in apis.definitions():
        schema = xrd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        yield xrd["spec"]["names"]["kind"], schema


def _messages(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _messages(each)
    if isinstance(schema, dict):
        yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", []) if isinstance(rule, dict))
        for each in schema.values():
            yield from _messages(each)


def _constraints(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Every enum and every required field below `path`, written as the API server writes paths, without indices."""
    if "enum" in schema:
        yield f"{path}: Unsupported value"
    for name in schema.get("required", []):
        yield f"{path}.{name}: Required value"
    for name, value in schema.get("properties", {}).items():
        yield from _constraints(value, f"{path}.{name}")
    if "items" in schema:
        yield from _constraints(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _constraints(schema["additionalProperties"], f"{path}.*")


def _without_indices(want: str) -> str:
    path, _, rest = want.partition(":")
    return "".join("[" if c == "[" else c for c in path if not c.isdigit()) + ":" + rest


def test_every_cel_message_has_a_case() -> None:
    wants = [case.want for case in cases() if case.want]
    messages = {message for _, schema in _schemas() for message in _messages(schema)}
    assert sorted(m for m in messages if not any(want in m for want in wants)) == []


def test_every_wanted_sentence_of_a_cel_rule_exists() -> None:
    known = (
        "Unsupported value",
        "Required value",
        "Duplicate value",
        "unknown field",
        "less than or equal",
        "spec.nodePools",
        "metadata.name: ",
    )
    messages = [message for _, schema in _schemas() for message in _messages(schema)]
    wants = [case.want for case in cases() if case.want and not any(each in case.want for each in known)]
    assert [want for want in wants if not any(want in message for message in messages)] == []


def test_every_enum_and_required_field_has_a_case() -> None:
    answered = {_without_indices(case.want) for case in cases()}
    constraints = {
        constraint for _, schema in _schemas() for constraint in _constraints(schema["properties"]["spec"], "spec")
    }
    assert sorted(c for c in constraints if not any(_like(c, each) for each in answered)) == []


def _like(constraint: str, want: str) -> bool:
    """Whether `want` violates `constraint`, where * in the constraint stands for the key of a map."""
    path, sentence = constraint.split(": ")
    wanted, _, answer = want.partition(": ")
    if not answer.startswith(sentence):
        return False
    left, right = path.split("."), wanted.split(".")
    return len(left) == len(right) and all(a in ("*", b) for a, b in zip(left, right, strict=True))


def test_every_kind_has_an_object_that_is_accepted() -> None:
    accepted = {case.object["kind"] for case in cases() if not case.want}
    assert {kind for kind, _ in _schemas()} == accepted


@pytest.fixture(scope="module")
def api(plane: Plane) -> client.ApiClient:
    """The API server, with every XRD installed through Crossplane."""
    api = config.new_client_from_config(str(plane.kubectl.kubeconfig))
    try:
        client.CoreV1Api(api).create_namespace({"metadata": {"name": "rules"}})
    except ApiException as refused:
        if refused.status != 409:
            raise
    return api


@pytest.mark.e2e
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_the_api_server_answers_with_the_rules_sentence(api: client.ApiClient, case: Case) -> None:
    answer = _create(api, case.object) if case.changed is None else _change(api, case.object, case.changed)
    if case.want:
        assert case.want in answer
    else:
        assert answer == ""


@pytest.mark.e2e
@pytest.mark.parametrize(("replicas", "answer"), [(3, ""), (0, ""), (65, "less than or equal to 64")])
def test_a_deployment_is_scaled_as_kubectl_scale_does(api: client.ApiClient, replicas: int, answer: str) -> None:
    (base,) = (case.object for case in cases() if case.name == "modeldeployment/base")
    with _paused(api, base) as one:
        sent = _send(api, "PATCH", f"{one}/scale", {"spec": {"replicas": replicas}}, dry=True)
    assert answer in sent if answer else sent == ""


def _create(api: client.ApiClient, manifest: Manifest, *, dry: bool = True) -> str:
    return _send(api, "POST", _path(manifest), manifest, dry=dry)


def _change(api: client.ApiClient, manifest: Manifest, changed: Manifest) -> str:
    with _paused(api, manifest) as one:
        return _send(api, "PATCH", one, {"spec": changed["spec"]}, dry=True)


@contextmanager
def _paused(api: client.ApiClient, manifest: Manifest) -> Iterator[str]:
    """The path of an object that exists for a moment. Crossplane leaves a paused one alone, so nothing is composed."""
    metadata = manifest["metadata"] | {"annotations": {"crossplane.io/paused": "true"}}
    one = f"{_path(manifest)}/{metadata['name']}"
    assert _create(api, manifest | {"metadata": metadata}, dry=False) == ""
    try:
        yield one
    finally:
        _send(api, "PATCH", one, {"metadata": {"finalizers": []}}, dry=False)
        _send(api, "DELETE", one, None, dry=False)


def _path(manifest: Manifest) -> str:
    names = apis.definition(manifest["kind"])["spec"]["names"]
    namespace = manifest["metadata"].get("namespace")
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{manifest['apiVersion']}{inside}/{names['plural']}"


def _send(api: client.ApiClient, method: str, path: str, body: Manifest | None, *, dry: bool) -> str:
    """The API server's refusal, or nothing. Unknown fields are refused, as kubectl asks for."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    query = [("fieldValidation", "Strict")] if method != "DELETE" else []
    query += [("dryRun", "All")] if dry else []
    headers = {"Content-Type": kind, "Accept": "application/json"}
    call = api.param_serialize(method, path, None, query, headers, body, auth_settings=["BearerToken"])
    answer = api.call_api(*call)
    text = answer.read()
    return "" if answer.status < 300 else str(json.loads(text)["message"])
