"""How many GPUs an engine is started for, and how many it claims."""

import pytest
from contract.check import check
from contract.read import read
from contract.rules_gpus import gpus_claimed, gpus_used

CEL = 'device.driver == "gpu.nvidia.com"'


def _member(command, *devices, role="Standalone", **more):
    claimed = {"nodeSelector": {"devices": list(devices)}} if devices else {}
    container = {"name": "engine", "image": "example.com/any:v1", "command": ["sh", "-c", command]}
    return {"role": role, "template": {"spec": {"containers": [container]}}, **claimed, **more}


def _gpu(count, name="gpu", cel=CEL):
    return {"name": name, "count": count, "selectors": [{"cel": cel}]}


def _engine(*members):
    (engine,) = read({"spec": {"engines": [{"name": "main", "members": list(members)}]}}).engines
    return engine


SGLANG = "python3 -m sglang.launch_server --host 0.0.0.0 --port 8000 --model-path m"
USED = {
    "vllm serve m": 1,
    "vllm serve m -tp 4": 4,
    "vllm serve m -tp 4 -pp 2": 8,
    "vllm serve m -tp 2 -dp 4": 8,
    "vllm serve m -tp 2 --data-parallel-size 16 --data-parallel-size-local 4": 8,
    "vllm serve m -tp 2 --data-parallel-size 4 --data-parallel-rank 1": 2,
    "vllm serve m -tp 2 --device cpu": None,
    "vllm serve m -tp $SIZE": None,
    "vllm serve m -tp 2 -pp $SIZE": None,
    "vllm serve m -tp 2 -dp $SIZE": None,
    "vllm serve m -tp 2 $MORE": None,
    f"{SGLANG} --tp 8 --dp 8 --enable-dp-attention": 8,
    f"{SGLANG} --tp 2 --dp 4": 8,
    "vllm serve m -tp 2 --enable-dp-attention -dp 2": 4,
    "trtllm-serve m --tp_size 4 --pp_size 2": 8,
    "./my-engine --tp 8": None,
    "llm-d-inference-sim --model m": None,
}


@pytest.mark.parametrize("command", USED)
def test_gpus_that_an_engine_is_started_for(command):
    assert gpus_used(_engine(_member(command, _gpu(1)))) == USED[command]


def test_ranks_of_a_gang_are_all_its_own():
    leader = _member("vllm serve m -tp 8 -dp 2 --data-parallel-size-local 1", _gpu(8), role="Leader")
    worker = _member("vllm serve m --headless", _gpu(8), role="Worker", worker={"nodes": 1})
    assert gpus_used(_engine(leader, worker)) == gpus_claimed(_engine(leader, worker)) == 16


@pytest.mark.parametrize(
    ("devices", "count"),
    [
        ([_gpu(2)], 2),
        ([_gpu(2), _gpu(1, "nic", 'device.driver == "dra.net"')], 2),
        ([_gpu(1, "a"), _gpu(2, "b")], 3),
        ([{"name": "gpu", "selectors": []}], 1),
        ([_gpu(1, "accelerator", 'device.driver == "tpu.google.com"')], None),
        ([], 0),
    ],
)
def test_gpus_that_are_claimed(devices, count):
    assert gpus_claimed(_engine(_member("vllm serve m", *devices))) == count


def test_devices_that_do_not_look_like_gpus_break_no_rule():
    tpu = _gpu(4, "accelerator", 'device.driver == "tpu.google.com"')
    engine = {"name": "main", "members": [_member("vllm serve m -tp 8", tpu)]}
    assert check({"spec": {"engines": [engine]}}) == []


@pytest.mark.parametrize(
    ("command", "args", "found"),
    [
        (["sh", "-c"], ["vllm serve m", "--dtype", "auto"], ["shell-arguments-lost"]),
        (["sh", "-c"], ['vllm serve m "$@"', "sh", "--dtype", "auto"], []),
        (["sh", "-c"], ["vllm serve m --dtype $1", "sh", "--x"], []),
        (["sh", "-c"], ["vllm serve m", "--"], []),
        (["sh", "-c"], ["vllm serve m", "name"], []),
        (["vllm", "serve", "m", "-c"], ["a", "--dtype", "auto"], []),
    ],
)
def test_flags_that_a_shell_passes_to_nobody(command, args, found):
    container = {"name": "engine", "image": "example.com/any:v1", "command": command, "args": args}
    member = {"nodeSelector": {"devices": [_gpu(1)]}, "template": {"spec": {"containers": [container]}}}
    assert [f.id for f in check({"spec": {"engines": [{"name": "main", "members": [member]}]}})] == found
