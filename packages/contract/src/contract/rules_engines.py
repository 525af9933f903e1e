"""Rules about one engine: its port, its GPUs, what its command line really says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from contract.findings import Rule, Said, Severity
from contract.flags import UNKNOWN
from contract.flags import Engine as Kind
from contract.read import SERVING_PORT, Deployment, Engine, listed, mapping

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOSTS = {Kind.SGLANG: "127.0.0.1", Kind.TRTLLM: "localhost"}
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
        problem = _json_problem(written) if written is not None and member.flags.engine is Kind.VLLM else ""
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


def _gpus_missing(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        used, claimed = gpus_used(engine), gpus_claimed(engine)
        if used is not None and claimed is not None and used > claimed:
            yield Said(
                engine.serving.flag_at("tensor-parallel-size", "tp", "tp-size"),
                f"Engine {engine.name} is started for {used} GPUs ({_product(engine)}) and claims {claimed}",
                "make the device counts of its members, times their pods, equal to that, or lower the parallel sizes",
            )


def _gpus_idle(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.engines:
        used, claimed = gpus_used(engine), gpus_claimed(engine)
        if used is not None and claimed is not None and used < claimed:
            yield Said(
                (*engine.serving.path, "nodeSelector", "devices"),
                f"Engine {engine.name} claims {claimed} GPUs and is started for {used} ({_product(engine)}); the rest stand idle",
                f"raise --tensor-parallel-size or --pipeline-parallel-size to use {claimed}, or claim fewer",
            )


def gpus_claimed(engine: Engine) -> int | None:
    """GPUs of one copy of an engine; None when that cannot be told."""
    counts = [m.gpus * m.pods if m.gpus is not None else None for m in engine.members]
    return sum(c for c in counts if c is not None) if None not in counts else None


def gpus_used(engine: Engine) -> int | None:
    """GPUs that one copy of an engine is started for; None when that cannot be told."""
    flags = engine.flags
    if engine.kind not in (Kind.VLLM, Kind.SGLANG, Kind.TRTLLM) or flags.get("device") not in (None, "cuda"):
        return None
    tensor, pipeline, data = flags.tensor_parallel, flags.pipeline_parallel, flags.data_parallel
    if engine.kind is Kind.SGLANG and "enable-dp-attention" in flags.values:
        data = 1
    if engine.kind is Kind.VLLM and any(
        f"data-parallel-{f}" in flags.values for f in ("size-local", "rank", "hybrid-lb")
    ):
        # This copy holds a part of the ranks, the others are elsewhere.
        alone = len(engine.members) == 1
        data = flags.number("data-parallel-size-local", 1) if alone else data
    if tensor is None or pipeline is None or data is None:
        return None
    return tensor * pipeline * max(data, 1)


def _product(engine: Engine) -> str:
    flags = engine.flags
    parts = [f"tensor {flags.tensor_parallel}", f"pipeline {flags.pipeline_parallel}"]
    return " x ".join(parts if flags.data_parallel == 1 else [*parts, f"data {flags.data_parallel}"])


def _shell(deployment: Deployment) -> Iterator[Said]:
    for member in (m for e in deployment.engines for m in e.members):
        argv = [str(w) for key in ("command", "args") for w in listed(member.container.get(key))]
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
        "gpus-missing",
        Severity.ERROR,
        "The engine refuses to start: there are fewer GPUs than ranks; clients get 503.",
        "vLLM and SGLang start one process per rank",
        _gpus_missing,
    ),
    Rule(
        "gpus-idle",
        Severity.WARNING,
        "GPUs are claimed that no process uses.",
        "as above",
        _gpus_idle,
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
