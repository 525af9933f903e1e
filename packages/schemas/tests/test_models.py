"""The models are what the generator writes, and read and write manifests without loss."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemas
import yaml
from pydantic import ValidationError
from schemas import InferenceClass, ModelDeployment, ModelReplica, apis
from schemas.base import Metadata
from schemas.inferenceclass import Attribute

MEMBER = Path(__file__).parents[1]
ACCEPTED = sorted((MEMBER.parents[1] / "tests" / "e2e" / "rules").glob("*/base.yaml")) + sorted(
    (MEMBER.parents[1] / "tests" / "e2e" / "rules").glob("*/accepts-*.yaml")
)
ENGINE: dict[str, Any] = {
    "name": "main",
    "members": [{"template": {"spec": {"containers": [{"name": "engine", "image": "example.com/engine:v1"}]}}}],
}


def deployment(**spec: Any) -> ModelDeployment:
    return ModelDeployment.model_validate({"metadata": {"name": "qwen"}, "spec": {"engines": [ENGINE], **spec}})


def test_the_models_are_what_the_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(MEMBER / "generate.py"), str(tmp_path)], check=True)
    written = {path.name: path.read_text(encoding="utf-8") for path in sorted(tmp_path.iterdir())}
    committed = {name: (MEMBER / "src" / "schemas" / name).read_text(encoding="utf-8") for name in written}
    assert committed == written, "Run packages/schemas/generate.py"
    assert len(written) == len(apis.definitions()) + 1


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in ACCEPTED])
def test_a_manifest_survives_reading_and_writing(path: Path) -> None:
    manifest = yaml.safe_load(path.read_text(encoding="utf-8"))["object"]
    model = getattr(schemas, manifest["kind"]).model_validate(manifest)
    assert model.manifest() == manifest


def test_every_kind_is_exported() -> None:
    assert set(schemas.__all__) == {xrd["spec"]["names"]["kind"] for xrd in apis.definitions()}
    assert ModelReplica.__module__ == "schemas.modelreplica"


def test_a_kind_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="ModelZoo"):
        getattr(schemas, "ModelZoo")  # noqa: B009  # A type checker would refuse the plain form.


def test_a_manifest_has_its_kind_and_only_what_was_set() -> None:
    assert deployment().manifest() == {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "qwen"},
        "spec": {"engines": [ENGINE]},
    }


def test_null_is_never_written() -> None:
    assert "modelCacheRef" not in deployment(modelCacheRef=None).manifest()["spec"]


def test_what_the_schema_defaults_is_never_none() -> None:
    spec = deployment().spec
    assert (spec.replicas, spec.serving.mode, spec.rollout.drainSeconds) == (1, "Unified", 30)
    assert spec.engines[0].members[0].role == "Standalone"


def test_an_absent_list_or_map_reads_as_empty() -> None:
    pod = deployment().spec.engines[0].members[0].template.spec
    assert (pod.volumes, pod.containers[0].env, deployment().metadata.labels) == ([], [], {})


def test_what_crossplane_and_a_newer_api_add_does_not_stop_the_reading() -> None:
    crossplane = {"resourceRefs": [{"apiVersion": "v1", "kind": "Secret"}]}
    condition = {"type": "Ready", "status": "True", "reason": "Available", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    read = ModelDeployment.model_validate(
        {
            "metadata": {"name": "qwen", "managedFields": []},
            "spec": {"engines": [ENGINE], "crossplane": crossplane, "fromTheFuture": 1},
            "status": {"conditions": [condition], "alsoNew": 2},
        }
    )
    assert read.spec.crossplane == crossplane
    assert [(c.type, c.status) for c in read.status.conditions] == [("Ready", "True")]


def test_a_default_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        deployment().spec.serving.mode = "PrefillDecode"


def test_a_default_map_is_not_shared() -> None:
    one, other = InferenceClass(spec=_class_spec()), InferenceClass(spec=_class_spec())
    one.metadata.labels["a"] = "b"
    assert other.metadata.labels == {}
    assert Metadata().labels == {}


def test_a_field_named_like_a_python_type_keeps_its_wire_name() -> None:
    assert Attribute.model_validate({"bool": True}).manifest() == {"bool": True}
    assert Attribute(int_=3).manifest() == {"int": 3}


def _class_spec() -> Any:
    return {"devices": [{"name": "gpu", "driver": "gpu.example.com", "deviceClassName": "gpu.example.com"}]}
