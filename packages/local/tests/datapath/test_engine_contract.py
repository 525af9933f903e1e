"""What an engine makes of its flags and environment, and how it ends where it cannot start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from local.datapath.engine import contract
from local.datapath.engine.contract import StartError

TRANSFER = '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}'
GIB = 1 << 30


def read(*args, **env):
    return contract.read(["serve", "--model=m", *args], env)


def test_flags_and_environment_are_read_as_vllm_reads_them():
    found = read(
        "--port=8001", "--served-model-name=a", "--block-size=32", TRANSFER, VLLM_NIXL_SIDE_CHANNEL_HOST="1.2.3.4"
    )
    assert (found.port, found.names, found.facts.block_size, found.side_channel) == (
        8001,
        ("a",),
        32,
        ("1.2.3.4", 5600),
    )
    assert found.hands_over
    assert found.takes_over


def test_a_folder_without_a_model_is_refused():
    found = contract.read(["serve", "--model=/mnt/models"], {})
    with pytest.raises(StartError, match=r"/mnt/models/config\.json does not exist"):
        contract.check(found, {}, GIB, lambda file: file == "/mnt/models")
    contract.check(found, {}, GIB, lambda file: file in ("/mnt/models", "/mnt/models/config.json"))
    contract.check(found, {}, GIB, lambda _: False)
    contract.check(read(), {}, GIB, lambda _: False)


@pytest.mark.parametrize(
    ("transfer", "hands", "takes"),
    [
        ("", False, False),
        (TRANSFER.replace("Nixl", "Mooncake"), False, False),
        (TRANSFER.replace("kv_both", "kv_producer"), True, False),
        (TRANSFER.replace("kv_both", "kv_consumer"), False, True),
    ],
)
def test_what_an_engine_does_for_others_follows_from_its_connector_and_role(transfer, hands, takes):
    found = read(*([transfer] if transfer else []))
    assert (hands, takes) == (found.hands_over, found.takes_over)


@pytest.mark.parametrize(
    ("args", "env", "shared", "code", "told"),
    [
        ((TRANSFER,), {"LOCAL_ENGINE_WITHOUT_NIXL": "1"}, GIB, 1, "NIXL is not available"),
        ((TRANSFER,), {}, 64 << 20, 1, "64 MiB"),
        (("--kv-transfer-config={broken",), {}, GIB, 2, "cannot be converted to json"),
    ],
)
def test_an_engine_that_cannot_start_ends_with_a_message(args, env, shared, code, told):
    with pytest.raises(StartError, match=told) as e:
        contract.check(read(*args, **env), env, shared)
    assert e.value.code == code


def test_without_a_connector_nothing_is_asked_of_shared_memory():
    contract.check(read(), {"LOCAL_ENGINE_WITHOUT_NIXL": "1"}, 0)


@pytest.mark.parametrize("name", ["model", "block_size", "dtype", "kv_cache_dtype"])
def test_a_handshake_compares_all_facts(name):
    ours = read().facts
    theirs = replace(ours, **{name: "other"})
    assert [name in told for told in contract.differences(ours, vars(theirs))] == [True]
    assert contract.differences(ours, vars(ours)) == []
