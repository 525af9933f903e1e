"""Rules that know several forms of one mistake, and the near forms that are none."""

import copy
from pathlib import Path

import pytest
import yaml
from contract.check import check

FIXTURES = Path(__file__).parent / "fixtures"
GOOD = yaml.safe_load((FIXTURES / "engine-tls" / "passes.yaml").read_text(encoding="utf-8"))
SGLANG = yaml.safe_load((FIXTURES / "bootstrap-port" / "passes.yaml").read_text(encoding="utf-8"))
OWN = yaml.safe_load((FIXTURES / "picker-kind" / "passes.yaml").read_text(encoding="utf-8"))


def _container(deployment, engine):
    return deployment["spec"]["engines"][engine]["members"][0]["template"]["spec"]["containers"][0]


def _with(args=(), env=(), image="", base=GOOD, engine=0):
    deployment = copy.deepcopy(base)
    container = _container(deployment, engine)
    container["args"] += args
    container["env"] = list(env)
    container["image"] = image or container["image"]
    return deployment


def _ids(deployment):
    return [f.id for f in check(deployment)]


def _both(connector):
    deployment = copy.deepcopy(GOOD)
    for engine in (0, 1):
        args = _container(deployment, engine)["args"]
        args[-1] = args[-1].replace("NixlConnector", connector)
    return deployment


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["--headless"], ["engine-port"]),
        (["--uds", "/tmp/vllm.sock"], ["engine-port"]),  # noqa: S108  # In the pod.
        (["--ssl-keyfile=/tls/key", "--ssl-certfile=/tls/crt"], ["engine-tls"]),
        (["--rope-scaling", '{"rope_type": "yarn"}'], ["loading-differs"]),
        (["--revision", "$(SECRET)"], []),
    ],
)
def test_a_flag_of_one_engine_breaks_its_rule(args, found):
    env = [{"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]
    assert _ids(_with(args, env)) == found


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("NIXLConnector", True),
        ("nixl", True),
        ("NixlConnectorV1", True),
        ("NixlConnecter", True),
        ("NixlPushConnector", False),
        ("OurOwnConnector", False),
    ],
)
def test_a_connector_is_misspelt_where_it_is_like_one_that_exists(name, meant):
    assert ("connector-unknown" in _ids(_both(name))) is meant


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("status.podIP", []),
        ("status.podIPs", []),
        ("status.hostIP", ["side-channel-host"]),
        ("metadata.name", ["side-channel-host"]),
    ],
)
def test_the_side_channel_is_at_the_pods_own_address(field, found):
    source = {"valueFrom": {"fieldRef": {"fieldPath": field}}}
    assert _ids(_with(env=[{"name": "VLLM_NIXL_SIDE_CHANNEL_HOST", **source}])) == found
    by_way = [{"name": "IP", **source}, {"name": "VLLM_NIXL_SIDE_CHANNEL_HOST", "value": "$(IP)"}]
    assert _ids(_with(env=by_way)) == found


@pytest.mark.parametrize(
    ("port", "engine", "found"),
    [("8000", 0, ["side-channel-port"]), ("8001", 1, ["side-channel-port"]), ("8000", 1, ["side-channel-port"])],
)
def test_the_side_channel_has_a_port_of_its_own(port, engine, found):
    assert _ids(_with(env=[{"name": "VLLM_NIXL_SIDE_CHANNEL_PORT", "value": port}], engine=engine)) == found


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("vllm/vllm-openai:v0.19.0", ["engine-versions-differ"]),
        ("vllm/vllm-openai:v0.19.1-x86_64", []),
        ("vllm/vllm-openai:v0.13.0", []),
        ("vllm/vllm-openai:nightly", []),
        ("registry.example/vllm/vllm-openai:v0.18.0", []),
    ],
)
def test_versions_of_vllm_are_compared_where_their_tags_tell_them(image, found):
    assert _ids(_with(image=image)) == found


def test_an_image_of_ones_own_is_vllm_by_the_flag_that_vllm_alone_has():
    args = _container(GOOD, 0)["args"]
    deployment = _with(image="registry.example/llm/ours:1")
    assert _ids(deployment) == []
    _container(deployment, 0)["args"] = [a.replace("kv_both", "kv_consumer") for a in args]
    assert _ids(deployment) == ["kv-role-swapped"]


def test_sglangs_fake_backend_transfers_nothing():
    deployment = copy.deepcopy(SGLANG)
    for engine in (0, 1):
        _container(deployment, engine)["args"] += ["--disaggregation-transfer-backend", "fake"]
    assert set(_ids(deployment)) == {"sglang-backend-unknown"}


def _plugin(type, **parameters):
    deployment = copy.deepcopy(OWN)
    for plugin in deployment["spec"]["serving"]["endpointPicker"]["config"]["plugins"]:
        if plugin["type"] == type:
            plugin["parameters"] = {**plugin["parameters"], **parameters}
    return _ids(deployment)


def test_parameters_that_a_plugin_does_not_take_end_the_picker():
    assert _plugin("approx-prefix-cache-producer", hashBlockSize=5) == ["picker-parameters"]
    assert _plugin("prefix-based-pd-decider", nonCachedTokens="64") == ["picker-parameters"]
    assert _plugin("prefix-based-pd-decider", promptTokens=128) == []


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("ghcr.io/llm-d/llm-d-inference-scheduler:v0.8.0", ["picker-version"]),
        ("ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.1", []),
        ("registry.example/picker:v0.8.0", []),
    ],
)
def test_the_version_does_not_contradict_the_tag_of_upstreams_image(image, found):
    deployment = copy.deepcopy(GOOD)
    deployment["spec"]["serving"]["endpointPicker"] = {"image": image, "version": "v0.10.0"}
    assert _ids(deployment) == found
