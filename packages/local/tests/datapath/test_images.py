"""Which program an image stands for, and what is said of the others."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from contract.picker import DIALECTS, V0_7
from local import tools
from local.datapath import images
from local.datapath.images import UnknownImageError
from local.datapath.launch import Launch


@pytest.fixture(autouse=True)
def _built(monkeypatch, tmp_path):
    """Every tool is built, somewhere."""
    monkeypatch.setattr(tools, "path", lambda name: tmp_path / name)


@pytest.mark.parametrize(
    ("image", "binary"),
    [
        (V0_7.picker_image, "endpoint-picker"),
        (V0_7.sidecar_image, "pd-sidecar"),
        (f"{V0_7.sidecar_image}@sha256:0", "pd-sidecar"),
        ("ghcr.io/llm-d/llm-d-inference-sim:v0.10.2", "inference-sim"),
        ("docker.io/vllm/vllm-openai:v0.19.1", "vllm"),
    ],
)
def test_a_known_image_is_a_program(image, binary):
    found = images.program(image, {})
    assert found.entrypoint[0].endswith(binary)
    assert any(path.endswith(f"/{binary}") for path in found.files)


@pytest.mark.parametrize("dialect", [d for d in DIALECTS.values() if d is not V0_7], ids=lambda d: d.name)
def test_another_version_is_refused_until_its_build_is_named(dialect, tmp_path):
    """Never is one version run under the name of another."""
    for image, variable in ((dialect.picker_image, "MODELPLANE_PICKER"), (dialect.sidecar_image, "MODELPLANE_SIDECAR")):
        with pytest.raises(UnknownImageError, match=f"v0.7.1 .*{re.escape(image)}.*set {variable}"):
            images.program(image, {})
        assert tmp_path in images.program(image, {variable: str(tmp_path)}).files.values()


def test_an_unknown_image_is_told_which_are_known():
    with pytest.raises(
        UnknownImageError, match="No program here stands for image mine/own:1; known are vllm/vllm-openai"
    ):
        images.program("mine/own:1", {})


def test_an_image_can_lack_nixl():
    assert "LOCAL_ENGINE_WITHOUT_NIXL" in images.program("vllm/vllm-openai-cpu:v0.19.1", {}).env
    assert "LOCAL_ENGINE_WITHOUT_NIXL" not in images.program("vllm/vllm-openai:v0.19.1", {}).env


def test_the_gateways_images_are_programs_and_envoy_gateways_may_write_where_its_user_may():
    found = images.program("docker.io/envoyproxy/gateway:v1.8.3", {})
    assert (found.entrypoint, found.folders) == (("/usr/local/bin/envoy-gateway",), ("/var/lib/eg",))
    assert images.program("docker.io/envoyproxy/ai-gateway-controller:v1.0.0", {}).folders == ()
    lines = Launch("ns", ["true"], {}, writable=found.folders).script(Path("/scratch")).splitlines()
    assert [line for line in lines if line.startswith("mkdir -p -m 777 ") and line.endswith("/var/lib/eg")]
    with pytest.raises(UnknownImageError, match="envoy-gateway is here in version"):
        images.program("docker.io/envoyproxy/gateway:v1.9.1", {})


def test_the_chart_of_groups_finds_its_manager_where_its_image_has_it():
    assert list(images.program("registry.k8s.io/lws/lws:v0.9.0", {}).files) == ["/manager"]


def test_what_no_model_waits_for_does_nothing():
    found = images.program("registry.k8s.io/nfd/node-feature-discovery:v0.18.3", {})
    assert (found.idle, found.files) == (True, {})


def test_weights_are_fetched_by_this_python():
    found = images.program("xpkg.crossplane.io/modelplane/compose-cluster-cache:v0.1.0", {})
    assert found.files == {"/usr/bin/python3.11": Path(sys.executable)}
    assert "compose-cluster-cache/src" in found.env["PYTHONPATH"]


def test_the_image_of_the_engine_brings_the_script_that_forms_gangs():
    (script,) = (f for path, f in images.program("vllm/vllm-openai:v0.19.1", {}).files.items() if path.endswith(".sh"))
    assert os.access(script, os.X_OK)
    assert "local.datapath.engine.gang" in script.read_text()
