"""What a deployment leaves open is resolved once: another default of a later Modelplane restarts nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from compose_model_deployment import serving
from contract import picker
from kit.objects import read
from schemas import ModelDeployment, ModelReplica

Manifest = dict[str, Any]
OWN = "registry.example/picker:v0.9.4"


def deployment(endpoint_picker: Manifest | None = None, *args: str, **more: Manifest) -> ModelDeployment:
    container = {"name": "engine", "image": "vllm/vllm-openai:v0.19.1", "args": ["--model=m", *args]}
    member = {"role": "Standalone", "template": {"spec": {"containers": [container]}}}
    engines = [{"name": p.lower(), "phase": p, "copies": 1, "members": [member]} for p in ("Prefill", "Decode")]
    served: Manifest = {"mode": "PrefillDecode", **more}
    if endpoint_picker:
        served["endpointPicker"] = endpoint_picker
    return read(ModelDeployment, {"metadata": {"name": "qwen"}, "spec": {"engines": engines, "serving": served}})


def resolve(wanted: ModelDeployment, before: Manifest | None = None) -> Manifest:
    if before is None:
        return serving.resolved(wanted, None)
    engines = [e.manifest() for e in wanted.spec.engines]
    placed = [{**e, "members": [{**m, "nodePoolName": "p"} for m in e["members"]]} for e in engines]
    spec = {"clusterName": "west", "engines": placed, "serving": before}
    return serving.resolved(wanted, read(ModelReplica, {"metadata": {"name": "qwen-0"}, "spec": spec}))


def images(resolved: Manifest) -> tuple[str, str, str]:
    """The tags of sidecar and picker, and the version."""
    sidecar, endpoint_picker = resolved["sidecar"]["image"], resolved["endpointPicker"]
    return sidecar.rpartition(":")[2], endpoint_picker["image"].rpartition(":")[2], endpoint_picker["version"]


def test_everything_left_open_has_a_default() -> None:
    assert images(resolve(deployment())) == ("v0.10.0", "v0.10.0", "v0.10.0")
    assert resolve(deployment())["disaggregation"] == {"blockSizeTokens": 16}


def test_the_block_size_is_the_decode_engines() -> None:
    assert resolve(deployment(None, "--block-size=128"))["disaggregation"] == {"blockSizeTokens": 128}


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(None, id="nothing-asked"),
        pytest.param({"version": "v0.10.0"}, id="a-version"),
        pytest.param({"image": "registry.example/picker:v0.10.0"}, id="an-image"),
    ],
)
def test_a_later_default_changes_nothing_of_a_replica(asked: Manifest | None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resolve(deployment(asked))
    later = replace(picker.DEFAULT, version="v0.10.9")
    monkeypatch.setattr(picker, "DEFAULT", later)
    monkeypatch.setitem(picker.DIALECTS, "v0.10", later)
    assert resolve(deployment(asked), before) == before


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        pytest.param({"version": "v0.10.3"}, ("v0.10.3", "v0.10.3", "v0.10.3"), id="the-version-asked-for-is-run"),
        pytest.param({"image": OWN}, ("v0.9.4", "v0.9.4", "v0.9.4"), id="an-image-tells-its-version"),
        pytest.param({"image": "e:latest", "version": "v0.8.0"}, ("v0.8.0", "latest", "v0.8.0"), id="a-version-tells"),
    ],
)
def test_another_wish_is_followed(asked: Manifest, wanted: tuple[str, str, str]) -> None:
    before = resolve(deployment())
    assert images(resolve(deployment(asked), before)) == wanted
    assert images(resolve(deployment(asked))) == wanted


def test_an_own_sidecar_stands() -> None:
    assert resolve(deployment(sidecar={"image": "own:1"}))["sidecar"]["image"] == "own:1"
