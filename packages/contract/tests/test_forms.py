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
        (["--dtype $(SECRET)"], ["argument-with-space"]),
        (["--seed", "${SEED}"], ["variable-not-replaced"]),
        (["--seed=$(SEED)"], ["variable-undefined"]),
        (["--seed=$$(SEED)"], []),
        (["--model-path", "m"], ["flag-of-another-engine"]),
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
        ("LMCacheConnectorV2", False),
    ],
)
def test_a_connector_is_misspelt_where_it_is_like_one_that_exists(name, meant):
    assert ("connector-unknown" in _ids(_both(name))) is meant


@pytest.mark.parametrize(
    ("env", "found"),
    [([], {"connector-not-spoken"}), ([{"name": "LMCACHE_REMOTE_URL", "value": "redis://store:6379"}], set())],
)
def test_lmcache_splits_only_where_both_engines_share_a_store(env, found):
    deployment = _both("LMCacheConnectorV1")
    for engine in (0, 1):
        _container(deployment, engine)["env"] = env
    assert set(_ids(deployment)) == found


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


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (["vllm serve Qwen/Qwen3-8B"], ["engine-not-started"]),
        (["bash", "-c", "vllm", "serve", "Qwen/Qwen3-8B"], ["engine-not-started"]),
        (["vllm", "serve", "Qwen/Qwen3-8B"], []),
        (["bash", "-c", 'vllm "$@"', "--", "serve", "Qwen/Qwen3-8B"], []),
    ],
)
def test_a_command_is_a_list_of_words(command, found):
    deployment = copy.deepcopy(GOOD)
    container = _container(deployment, 0)
    container["command"], container["args"] = command, container["args"][2:]
    if command[0].startswith("vllm "):
        container["command"], container["args"] = [f"{command[0]} --kv-transfer-config '{container['args'][-1]}'"], []
    assert _ids(deployment) == found


@pytest.mark.parametrize(
    ("visible", "found"),
    [("0", []), ("1", ["gpus-missing"]), ("0,1", ["gpus-missing"]), ("GPU-5ebe9f43", []), ("all", [])],
)
def test_the_gpus_that_an_engine_sees_are_its_pods(visible, found):
    assert _ids(_with(env=[{"name": "CUDA_VISIBLE_DEVICES", "value": visible}])) == found


def test_an_engine_that_sees_fewer_gpus_than_it_has_ranks_is_refused():
    deployment = _with(["-tp", "2"], [{"name": "CUDA_VISIBLE_DEVICES", "value": "0"}], engine=1)
    deployment["spec"]["engines"][1]["members"][0]["nodeSelector"]["devices"][0]["count"] = 2
    assert _ids(deployment) == ["gpus-missing"]


def test_a_probe_may_ask_a_port_that_the_containers_words_name():
    deployment = _with(["--sidekick", "127.0.0.1:9000"])
    _container(deployment, 0)["livenessProbe"] = {"httpGet": {"path": "/", "port": 9000}, "periodSeconds": 5}
    assert _ids(deployment) == []


def test_a_sidecar_of_ones_own_may_name_another_bootstrap_server():
    deployment = _with(["--disaggregation-bootstrap-port", "9000"], base=SGLANG)
    assert _ids(deployment) == ["bootstrap-port"]
    deployment["spec"]["serving"]["sidecar"] = {"image": "registry.example/ours:v1"}
    assert _ids(deployment) == []


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
    ("change", "found"),
    [
        ({"metadata": {"name": "mine"}}, ["picker-shape"]),
        ({"plugins": [{"type": "queue-scorer", "config": {}}]}, ["picker-shape"]),
        ({"schedulingProfiles": [{"name": "extra", "plugins": ["queue-scorer"]}]}, ["picker-shape"]),
        ({"plugins": [{"type": "queue-scorer"}]}, ["picker-twice"]),
        ({"schedulingProfiles": [{"name": "decode", "plugins": []}]}, ["picker-twice"]),
        ({"plugins": [{"type": "queue-scorer", "name": "another"}]}, []),
    ],
)
def test_the_pickers_configuration_is_decoded_strictly(change, found):
    deployment = copy.deepcopy(OWN)
    config = deployment["spec"]["serving"]["endpointPicker"]["config"]
    for key, value in change.items():
        config[key] = [*config[key], *value] if key in config else value
    if found == ["picker-shape"] and "plugins" in change:
        config["plugins"] = [p for p in config["plugins"] if p["type"] != "queue-scorer" or "config" in p]
    assert _ids(deployment) == found


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
