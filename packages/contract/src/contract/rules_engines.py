"""Rules about one engine: its port, its GPUs, what its command line really says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from contract.findings import Rule, Said, Severity
from contract.flags import UNKNOWN
from contract.flags import Engine as Kind
from contract.launch import meant
from contract.read import SERVING_PORT, Deployment, listed, mapping

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOSTS = {Kind.SGLANG: "127.0.0.1", Kind.TRTLLM: "localhost"}
LITERAL = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?")
_WITHOUT_PARAMETERS = re.compile(r"\$[@*#1-9]|\$\{[@*#1-9]")


def _engine_port(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        if nowhere := [f for f in ("headless", "uds") if engine.kind is Kind.VLLM and engine.flags.text(f) is not None]:
            yield Said(
                engine.serving.flag_at(*nowhere),
                f"Engine {engine.name} is started with --{nowhere[0]}, so it listens on no port",
                "remove it; it is for other ranks than the first" if nowhere[0] == "headless" else "remove it",
            )
            continue
        port = engine.flags.port
        if engine is deployment.decode or engine.kind is Kind.UNKNOWN or port in (None, SERVING_PORT):
            continue
        yield Said(
            engine.serving.flag_at("port"),
            f"Engine {engine.name} listens on port {port}; requests and probes go to {SERVING_PORT}",
            f"add --port {SERVING_PORT} to the engine's arguments",
        )


def _decode_port(deployment: Deployment) -> Iterator[Said]:
    decode = deployment.decode
    if decode and decode.flags.port == SERVING_PORT:
        where = "by default " if decode.flags.get("port") is None else ""
        yield Said(
            decode.serving.flag_at("port"),
            f"Decode engine {decode.name} listens {where}on port {SERVING_PORT}, which the sidecar in its pod listens on",
            "add --port 8001 to the engine's arguments",
        )


def _tls(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        flag = next((f for f in ("ssl-certfile", "ssl-keyfile") if engine.flags.text(f)), None)
        if flag and engine.kind in (Kind.VLLM, Kind.SGLANG):
            yield Said(
                engine.serving.flag_at(flag),
                f"Engine {engine.name} speaks HTTPS (--{flag}); probes, gateway and sidecar speak HTTP to it",
                f"remove --{flag}; TLS ends at the gateway",
            )


def _host(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        host = engine.flags.get("host") or _HOSTS.get(engine.kind)
        if host in _LOOPBACK and engine.kind is not Kind.UNKNOWN:
            yield Said(
                engine.serving.flag_at("host"),
                f"Engine {engine.name} listens on {host} only, where neither requests nor probes reach it",
                "add --host 0.0.0.0 to the engine's arguments",
            )


def _json(deployment: Deployment) -> Iterator[Said]:
    for member in (m for e in deployment.engines for m in e.members):
        written = member.flags.text("kv-transfer-config")
        known = written is not None and member.flags.engine is Kind.VLLM and not LITERAL.fullmatch(written)
        problem = _json_problem(written) if known and written is not None else ""
        if problem:
            yield Said(
                member.flag_at("kv-transfer-config"),
                f"--kv-transfer-config is not a JSON object: {problem}",
                """write it as '{"kv_connector": "NixlConnector", "kv_role": "kv_both"}', in single quotes inside a shell script""",
            )


def _json_problem(written: str) -> str:
    try:
        found = json.loads(written)
    except json.JSONDecodeError as error:
        near = written[max(error.pos - 10, 0) : error.pos + 10]
        return f"{error.msg} at character {error.pos + 1}, near {near!r}"
    except RecursionError:
        return "it is nested too deeply"
    return "" if isinstance(found, dict) else f"it is {written[:20]!r}"


def _shell(deployment: Deployment) -> Iterator[Said]:
    for member in (m for e in deployment.engines for m in e.members):
        argv = meant([str(w) for key in ("command", "args") for w in listed(member.container.get(key))])
        shells = [i for i, w in enumerate(argv) if re.fullmatch(r"-[a-z]*c", w) and i and argv[i - 1].endswith("sh")]
        rest = argv[shells[0] + 1 :] if shells else []
        flags = [w for w in rest[1:] if w.startswith("--") and w != "--"]
        if flags and not _WITHOUT_PARAMETERS.search(rest[0]):
            yield Said(
                member.flag_at(flags[0].lstrip("-").partition("=")[0]),
                f"The shell passes {flags[0]} to nobody: only the first word after -c is its script",
                'write all of it in that one word, or end the script with "$@"',
            )


def _cache(deployment: Deployment) -> Iterator[Said]:
    if not mapping(deployment.spec.get("modelCacheRef")).get("name"):
        return
    for engine in deployment.engines:
        container = engine.serving.container
        written = [container.get(key) for key in ("command", "args", "env")]
        if engine.flags.get("model") is not UNKNOWN and "/mnt/models" not in json.dumps(written, default=str):
            yield Said(
                engine.serving.flag_at("model", "model-path"),
                f"Engine {engine.name} does not name /mnt/models, where spec.modelCacheRef is mounted",
                "pass /mnt/models as the model, or remove spec.modelCacheRef",
            )


TABLE = (
    Rule(
        "engine-port",
        Severity.ERROR,
        "An engine that is not on 8000 never becomes ready; clients get 503.",
        "serving contract; defaults: vLLM and TensorRT-LLM 8000, SGLang 30000",
        _engine_port,
    ),
    Rule(
        "decode-port",
        Severity.ERROR,
        "Sidecar and engine fight for port 8000. If the engine wins, requests answer 200 and nothing is ever "
        "disaggregated; if the sidecar wins, 503.",
        "seen with sidecar v0.7.1",
        _decode_port,
    ),
    Rule(
        "engine-host",
        Severity.ERROR,
        "The engine never becomes ready; clients get 503.",
        "by default SGLang listens on 127.0.0.1 (server_args.py), TensorRT-LLM on localhost (commands/serve.py)",
        _host,
    ),
    Rule(
        "engine-tls",
        Severity.ERROR,
        "The engine never becomes ready; clients get 503.",
        "probes and the sidecar ask with HTTP; seen: 400 between HTTP and HTTPS",
        _tls,
    ),
    Rule(
        "kv-transfer-json",
        Severity.ERROR,
        "vLLM refuses to start; clients get 503.",
        "vLLM's argument parser",
        _json,
    ),
    Rule(
        "shell-arguments-lost",
        Severity.WARNING,
        "Flags after a script are its $0, $1 …: the engine starts without them.",
        "POSIX sh -c",
        _shell,
    ),
    Rule(
        "cache-not-used",
        Severity.WARNING,
        "The engine loads its weights over the network although they are on the cluster.",
        "serving contract",
        _cache,
    ),
)
