"""Whatever an owner may write in a member's template is in the pod that is composed, in each shape of an engine.

The fields are those of the API's schema, so that a new one is tested on the day it is defined.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from compose_model_replica import workload
from compose_model_replica.site import Pool, Site
from kit.remote import Target
from schemas import apis
from schemas.modelreplica import Engine

Schema = dict[str, Any]
Path = tuple[str, ...]
EACH = "[]"
ANY = "*"
KEY = "example.com/key"
# Names that the pod layer looks for; any other text would do as well.
FIXED: dict[Path, Any] = {("spec", "containers", EACH, "name"): "engine"}


def template_schema() -> Schema:
    schema = apis.definition("ModelReplica")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec = schema["properties"]["spec"]["properties"]
    members = spec["engines"]["items"]["properties"]["members"]
    return dict(members["items"]["properties"]["template"])


def parts(schema: Schema) -> dict[str, Schema]:
    """What is below a field: its properties, its items, or the values of a map."""
    if "items" in schema:
        return {EACH: schema["items"]}
    if isinstance(schema.get("additionalProperties"), dict):
        return {ANY: schema["additionalProperties"]}
    return dict(schema.get("properties", {}))


def leaves(schema: Schema, path: Path = ()) -> Iterator[Path]:
    below = parts(schema)
    if not below:
        yield path
    for name, part in below.items():
        yield from leaves(part, (*path, name))


def value(schema: Schema, path: Path) -> Any:
    """A value that the schema allows and that nothing of ours has by chance."""
    if path in FIXED:
        return FIXED[path]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("type") == "boolean":
        return True
    if schema.get("type") == "integer":
        return min(schema.get("maximum", 77), 77)
    return "7" if schema.get("x-kubernetes-int-or-string") else f"x-{path[-1].lower()}".strip(EACH + ANY)


def written(schema: Schema, leaf: Path, path: Path = ()) -> Any:
    """The smallest manifest with a value at `leaf`: what leads to it, and what the schema requires beside it."""
    below = parts(schema)
    if not below:
        return value(schema, path)
    if EACH in below:
        return [written(below[EACH], leaf, (*path, EACH))]
    if ANY in below:
        return {KEY: written(below[ANY], leaf, (*path, ANY))}
    depth = len(path)
    wanted = {leaf[depth]} if leaf[:depth] == path and len(leaf) > depth else set()
    names = [n for n in below if n in wanted or n in schema.get("required", [])]
    return {n: written(below[n], leaf, (*path, n)) for n in names}


def missing(want: Any, got: Any, path: str = "") -> list[str]:
    """Where `got` lacks what `want` says. Lists may hold entries of ours in between."""
    if isinstance(want, dict):
        return [m for k, v in want.items() for m in missing(v, (got or {}).get(k), f"{path}.{k}")]
    if isinstance(want, list):
        found = [v for v in want if any(not missing(v, g) for g in got or [])]
        return [f"{path}: {v} is not among {got}" for v in want if v not in found]
    return [] if want == got else [f"{path}: want {want!r}, got {got!r}"]


def composed(roles: dict[str, Any], template: Any) -> list[Any]:
    """The pod templates of an engine whose members all have `template`."""
    claim = {"name": "gpu", "deviceClassName": "gpu.nvidia.com", "count": 1}
    members = [
        {"role": role, "nodePoolName": "h100", "deviceRequests": [claim], "template": template, **more}
        for role, more in roles.items()
    ]
    engine = Engine.model_validate({"name": "main", "copies": 1, "members": members})
    taint = {"key": "gpu", "value": "true", "effect": "NoSchedule"}
    pools = {"h100": Pool({"modelplane.ai/pool": "h100"}, (taint,))}
    site = Site(Target("west", "west-1a2b3", "ml-team", {}), "mp-ml-team", "west.example", "0ffe2", pools)
    owner = workload.Owner("qwen-0", "qwen", {"modelplane.ai/replica": "qwen-0"}, 30, 8000)
    spec = workload.build(owner, site, engine, lambda _engine, _member, made: made).manifest["spec"]
    group = spec.get("leaderWorkerTemplate", {})
    return [t for t in (spec.get("template"), group.get("leaderTemplate"), group.get("workerTemplate")) if t]


SHAPES = {"standalone": {"Standalone": {}}, "gang": {"Leader": {}, "Worker": {"worker": {"nodes": 1}}}}
LEAVES = sorted(leaves(template_schema()))


@pytest.mark.parametrize("roles", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("leaf", LEAVES, ids=".".join)
def test_every_field_of_a_template_reaches_the_pod(leaf: Path, roles: dict[str, Any]) -> None:
    template = written(template_schema(), leaf)
    pods = composed(roles, template)
    assert len(pods) == len(roles)
    assert [m for pod in pods for m in missing(template, pod)] == []


@pytest.mark.parametrize("roles", SHAPES.values(), ids=SHAPES)
def test_claims_of_the_owners_own_stand_beside_ours(roles: dict[str, Any]) -> None:
    """The pod has the devices that were promised, and its pool's nodes and taints, whatever else is written."""
    toleration = {"key": "mine", "operator": "Exists"}
    template = {"spec": {"containers": [{"name": "engine", "image": "a"}], "tolerations": [toleration]}}
    for pod in composed(roles, template):
        ours = {"key": "gpu", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
        assert pod["spec"]["tolerations"] == [toleration, ours]
        assert pod["spec"]["nodeSelector"] == {"modelplane.ai/pool": "h100"}
        assert pod["spec"]["containers"][0]["resources"]["claims"] == [{"name": "devices"}]


def test_the_fields_are_those_of_the_schema() -> None:
    """The walk finds what is deep in the schema: it would find nothing if the schema's form had changed."""
    deep = ("spec", "volumes", EACH, "ephemeral", "volumeClaimTemplate", "spec", "resources", "requests", ANY)
    assert deep in LEAVES
    assert len(LEAVES) > 150
