"""A script starts the engine with the words that a real bash passes on; what only a run could tell stays unknown."""

import shutil
import subprocess

import pytest
from contract.flags import UNKNOWN, parse

ENV = {"PORT": "8001", "TP": "2", "MORE": "--max-model-len 4096 --enforce-eager", "EMPTY": ""}
STUB = '#!/bin/sh\nprintf "%s\\0" "$@" > "$OUT"\n'
KNOWN = {
    "an array": 'A=(--port 8001  # decode\n --seed 1)\nvllm serve m "${A[@]}"',
    "an array that grows": 'A=(); A+=(--port 8001)\nvllm serve m "${A[@]}"',
    "an array that is declared": 'declare -a A=(--port 8001)\nvllm serve m "${A[@]}"',
    "an array with the whole command": 'A=(vllm serve m); A+=(--port "$PORT"); exec "${A[@]}"',
    "an empty array": 'A=(); vllm serve m --port 8001 "${A[@]}"',
    "an array of split words": 'A=($MORE --port 8001); vllm serve m "${A[@]}"',
    "a text that grows": 'A="--port 8001"; A+=" --seed 1"; vllm serve m $A',
    "a value that is not split": "A=$MORE\nvllm serve m --port 8001 $A",
    "set": 'set -- --port 8001\nvllm serve m "$@"',
    "eval": 'C="vllm serve m --port 8001"; eval "$C"',
    "a list of assignments": "export A=1 && export PORT=8003\nvllm serve m --port $PORT",
    "an assignment in the list of its command": 'cd / && A="--seed 1" && vllm serve m --port 8001 $A',
    "an assignment for another command": "PORT=8003 true; vllm serve m --port $PORT",
    "a here document": "cat > /dev/null <<'EOF'\nvllm serve other\nit's\nEOF\nvllm serve m --port 8001",
    "a here document with tabs": "cat <<-EOF > /dev/null\n\tdon't\n\tEOF\nvllm serve m --port 8001",
    "a subshell": "(PORT=8003; true)\nvllm serve m --port $PORT",
    "a function's own variables": 's() { local P=8001; vllm serve m --port "$P"; }\ns',
    "a virtual environment": "touch activate; . ./activate; vllm serve m --port $PORT",
    "a here string": 'cat <<< "x" > /dev/null; vllm serve m --port 8001',
}
UNKNOWABLE = {
    "a function's parameters": 's() { vllm serve m "$@"; }\ns --port 8001',
    "parameters after shift": 'set -- x --port 8001; shift; vllm serve m "$@"',
    "parameters set in a branch": 'set -- --port 8001; if true; then set -- "$@" --seed 1; fi; vllm serve m "$@"',
    "an array that is not there": 'vllm serve m --port 8001 "${A[@]}"',
    "an array in a branch": 'if true; then A=(--port 8001); fi; vllm serve m "${A[@]}"',
    "a condition before an assignment": '[ -n "$TP" ] && A="--port 8001"\nvllm serve m $A',
    "either of two assignments": '[[ $TP -gt 1 ]] && A="--port 8001" || A=""\nvllm serve m $A',
    "an assignment after a failure": "true || PORT=8003; vllm serve m --port $PORT",
    "a loop's variable": "for PORT in 8005; do :; done; vllm serve m --port $PORT",
    "a function that may not run": "s() { PORT=8003; }\nvllm serve m --port $PORT",
    "arithmetic": "PORT=8000; (( PORT += 1 )); vllm serve m --port $PORT",
    "let": "PORT=8000; let PORT+=1; vllm serve m --port $PORT",
    "a file that is sourced": "PORT=8000; . ./env; vllm serve m --port $PORT",
    "printf -v": "printf -v PORT %d 8003; vllm serve m --port $PORT",
    "what is read": 'read PORT <<< "8006"; vllm serve m --port $PORT',
    "what is unset": "unset PORT; vllm serve m --port ${PORT:-8009}",
    "a whole flag in quotes": 'vllm serve m "$(echo --port=8001)"',
    "an unknown word in an inner shell": 'bash -c "vllm serve m $NOWHERE"',
}


def _run(script, folder):
    """The words that a real bash starts the engine with."""
    stub = folder / "vllm"
    stub.write_text(STUB, encoding="utf-8")
    stub.chmod(0o755)
    (folder / "env").write_text("PORT=8003\n", encoding="utf-8")
    env = {**ENV, "PATH": f"{folder}:/usr/bin:/bin", "OUT": str(folder / "out")}
    bash = shutil.which("bash") or pytest.skip("no bash")
    subprocess.run([bash, "-c", script], env=env, cwd=folder, check=True, capture_output=True, timeout=20)
    return (folder / "out").read_text(encoding="utf-8").split("\0")[:-1]


def _read(script):
    return parse(["bash", "-c", script], None, [{"name": k, "value": v} for k, v in ENV.items()])


@pytest.mark.parametrize("script", KNOWN.values(), ids=KNOWN)
def test_a_script_is_read_as_bash_runs_it(script, tmp_path):
    want = parse(["vllm", *_run(script, tmp_path)], None, None)
    found = _read(script)
    assert (found.values, found.is_open) == (want.values, False)


@pytest.mark.parametrize("script", UNKNOWABLE.values(), ids=UNKNOWABLE)
def test_what_only_a_run_tells_is_unknown(script, tmp_path):
    want = parse(["vllm", *_run(script, tmp_path)], None, None)
    found = _read(script)
    wrong = {k for k in {*want.values, *found.values} if found.get(k) not in (UNKNOWN, want.get(k))}
    assert wrong == set()
    assert found.is_open or UNKNOWN in found.values.values()


def test_what_a_branch_adds_to_an_array_is_unknown_and_the_rest_is_known():
    flags = _read('A=(--port 8001); if x; then A+=(--seed 1); fi; vllm serve m "${A[@]}"')
    assert (flags.port, flags.get("seed")) == (8001, UNKNOWN)
