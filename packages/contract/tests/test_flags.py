"""The same flags are read whatever way a container's author writes them."""

import shlex

import pytest
from contract.flags import UNKNOWN, Engine, parse
from hypothesis import given
from hypothesis import strategies as st

NIXL = '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'
SERVE = f"vllm serve Qwen/Qwen3-8B --port 8001 --kv-transfer-config '{NIXL}'"
SAME = {
    "args": (None, shlex.split(SERVE)[2:]),
    "command": (shlex.split(SERVE), None),
    "command and args": (["vllm", "serve"], shlex.split(SERVE)[2:]),
    "an absolute path": (["/opt/venv/bin/vllm", *shlex.split(SERVE)[1:]], None),
    "python -m": (
        ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model=Qwen/Qwen3-8B"],
        shlex.split(SERVE)[3:],
    ),
    "sh -c": (["sh", "-c"], [SERVE]),
    "bash -lc": (["/bin/bash", "-lc", SERVE], []),
    "options before -c": (["bash", "-o", "pipefail", "-euc", SERVE], []),
    "exec": (["sh", "-c"], [f"exec {SERVE}"]),
    "after other commands": (
        ["sh", "-c"],
        [f"nvidia-smi; mkdir -p /x && ulimit -l unlimited\n{SERVE} 2>&1 | tee /tmp/log"],
    ),
    "line continuations": (["sh", "-c"], [SERVE.replace(" --", " \\\n  --")]),
    "Windows line ends": (["sh", "-c"], [SERVE.replace(" --", " \\\r\n  --")]),
    "a comment": (["sh", "-c"], [f"# --port 9 'it is\n{SERVE} # --port 9"]),
    "an assignment": (["sh", "-c"], [f"PORT=8001; {SERVE.replace('8001', '$PORT')}"]),
    "an assignment before the command": (["sh", "-c"], [f"VLLM_USE_V1=1 {SERVE}"]),
    "export": (["sh", "-c"], [f'export PORT="8001"\n{SERVE.replace("8001", "${PORT}")}']),
    "several flags in a variable": (["sh", "-c"], [f"F='--port 8001'; {SERVE.replace('--port 8001', '$F')}"]),
    "a shell in a shell": (["sh", "-c"], [f"bash -c {shlex.quote(SERVE)}"]),
    "the script's parameters": (["bash", "-c", 'exec "$@"', "--"], shlex.split(SERVE)),
    "env": (["env", "A=1", *shlex.split(SERVE)], None),
    "a launcher": (["tini", "--", "numactl", "--cpunodebind=0", *shlex.split(SERVE)], None),
    "a branch": (["bash", "-c"], [f'if [ "$LWS_WORKER_INDEX" = 0 ]; then {SERVE}; else ray start --block; fi']),
    "underscores": (["sh", "-c"], [SERVE.replace("kv-transfer-config", "kv_transfer_config")]),
    "equal signs": (["sh", "-c"], [SERVE.replace("--port ", "--port=").replace("config ", "config=")]),
    "a repeated flag": (["sh", "-c"], [SERVE.replace("--port", "--port 8000 --port")]),
}


@pytest.mark.parametrize("way", SAME)
def test_every_way_of_writing_reads_the_same(way):
    flags = parse(*SAME[way], [], "vllm/vllm-openai:v0.19.1")
    assert flags.values == {"model": "Qwen/Qwen3-8B", "port": "8001", "kv-transfer-config": NIXL}
    assert (flags.engine, flags.port, flags.is_open) == (Engine.VLLM, 8001, False)
    assert (flags.connector, flags.kv_role) == ("NixlConnector", "kv_both")


@pytest.mark.parametrize(
    ("written", "size"), [("", 1), (" --page-size 64", 64), (" --attention-backend flashmla", None)]
)
def test_a_page_of_sglang_is_unknown_where_its_attention_backend_may_choose_it(written, size):
    flags = parse(["sh", "-c", f"python3 -m sglang.launch_server --model-path m{written}"], None, [], "any")
    assert flags.block_size == size


ENV = [
    {"name": "PORT", "value": "8001"},
    {"name": "ALSO", "value": "$(PORT)"},
    {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
    {"name": "EMPTY", "value": ""},
]


@pytest.mark.parametrize(
    ("script", "port"),
    [
        ("vllm serve m --port $(PORT)", 8001),
        ("vllm serve m --port $(ALSO)", 8001),
        ("vllm serve m --port $PORT", 8001),
        ('vllm serve m --port "${PORT}"', 8001),
        ("vllm serve m --port=${PORT:-9}", 8001),
        ("vllm serve m --port=${EMPTY:-9}", 9),
        ("vllm serve m --port=${NOWHERE:-9}", None),
        ("vllm serve m --port $SECRET", None),
        ("vllm serve m --port $(SECRET)", None),
        ("vllm serve m --port 80$NOWHERE", None),
        ("vllm serve m --port $((8000 + 1))", None),
        ("vllm serve m --port `cat /port`", None),
        ("vllm serve m --port '$PORT'", None),
        ("vllm serve m", 8000),
        ("vllm serve m $MORE", None),
        ("vllm serve m --config /etc/vllm.yaml", None),
        ("vllm serve m --config /etc/vllm.yaml --port 8001", 8001),
        ("vllm serve m --enable-prefix-caching $MORE", None),
        ("if x; then PORT=8000; fi; vllm serve m --port $PORT", None),
        ("if x; then vllm serve m --port 1; else vllm serve m --port 2; fi", None),
        ("python3 -m sglang.launch_server --model-path m", 30000),
        ("trtllm-serve m --tp_size 2", 8000),
        ("./my-engine --port 8001", 8001),
        ("./my-engine", None),
        ("echo vllm serve m --port 8001", None),
    ],
)
def test_what_cannot_be_known_is_not_guessed(script, port):
    assert parse(["sh", "-c"], [script], ENV).port == port


def test_an_unknown_value_is_a_value_of_its_own():
    flags = parse(["vllm", "serve", "m", "--block-size", "$(SECRET)"], None, ENV)
    assert flags.get("block-size") is UNKNOWN
    assert flags.get("dtype") is None
    assert flags.block_size is None


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (
            "vllm serve m -tp 2 -pp=3 -dp 4",
            {"tensor-parallel-size": "2", "pipeline-parallel-size": "3", "data-parallel-size": "4"},
        ),
        ("vllm serve m --enforce-eager --seed -1", {"enforce-eager": "", "seed": "-1"}),
        ("vllm serve m --kv-transfer-config.kv_role kv_both", {"kv-transfer-config.kv_role": "kv_both"}),
        (
            "python -m sglang.launch_server --model m --tp 8 --page_size 64",
            {"tensor-parallel-size": "8", "block-size": "64"},
        ),
        ("trtllm-serve serve m --pp_size 2", {"pipeline-parallel-size": "2"}),
        ("vllm serve m --new-flag-of-tomorrow x", {"new-flag-of-tomorrow": "x"}),
    ],
)
def test_flags_get_one_name_and_unknown_ones_are_kept(words, values):
    assert parse(words.split(), None, None).values == {"model": "m", **values}


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
SHELLISH = st.text(st.sampled_from("vllm serve sh -c '\"$(){}`\\\n;&|<>=#@:-port\0") | st.characters())


@given(ODD, ODD, ODD)
def test_reading_never_raises_on_odd_values(command, args, env):
    assert parse(command, args, env).port is None or True


@given(SHELLISH)
def test_reading_never_raises_on_any_script(script):
    for shell in (["sh", "-c"], ["bash", "-lc"]):
        flags = parse(shell, [script], [{"name": "A", "value": script}])
        assert flags.port is None or flags.port >= 0


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda word: not word.startswith("-") and "$(" not in word and "$$" not in word
)


@given(st.dictionaries(st.sampled_from(["port", "dtype", "kv-transfer-config", "x"]), WORDS, min_size=1))
def test_quoting_for_a_shell_changes_no_flag(values):
    words = ["vllm", "serve", "m", *(word for name, value in values.items() for word in (f"--{name}", value))]
    direct, quoted = parse(words, None, None), parse(["sh", "-c"], [shlex.join(words)], None)
    assert direct.values == {"model": "m", **values}
    assert quoted.values == direct.values


@pytest.mark.parametrize(
    ("args", "want"),
    [
        pytest.param(["--model", "Qwen/Qwen3-8B"], ("Qwen/Qwen3-8B",), id="by-the-models-name"),
        pytest.param(["--model", "m", "--served-model-name", "a", "b", "--port", "1"], ("a", "b"), id="several-names"),
        pytest.param(["--model", "m", "--served-model-name=a"], ("a",), id="with-a-sign"),
        pytest.param(["--model", "m", "--enable-lora"], None, id="adapters-have-names-of-their-own"),
        pytest.param(["--model", "m", "--config", "c.yaml"], None, id="a-file-may-name-more"),
        pytest.param([], None, id="nothing-is-said"),
    ],
)
def test_the_names_that_requests_may_give(args: list[str], want: tuple[str, ...] | None) -> None:
    assert parse(["vllm", "serve"], args, []).served == want
