"""Rules about a prefill and a decode engine: what they must have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from contract.findings import Rule, Said, Severity
from contract.flags import Engine as Kind
from contract.read import Deployment, Engine

_SAME = {"fp8": "fp8_e4m3", "half": "float16", "float": "float32"}

ERROR, WARNING = Severity.ERROR, Severity.WARNING
HANDSHAKE = "The engines' handshake fails: requests fail, or are computed twice."
SILENT = "Requests answer 200 and both engines compute the whole prompt; the picker's own counter says otherwise."

_VLLM = "in the hash that vLLM's NIXL connector compares (nixl/metadata.py)"

Check = Callable[[Deployment], Iterable[Said]]


def rule(id: str, severity: Severity, told: tuple[str, str], check: Check) -> Rule:
    """One row."""
    return Rule(id, severity, told[0], told[1], check)


def _kinds(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        if Kind.UNKNOWN not in (prefill.kind, decode.kind) and prefill.kind is not decode.kind:
            yield Said(
                decode.path,
                f"Prefill engine {prefill.name} is {prefill.kind} and decode engine {decode.name} is {decode.kind}",
                "use the same engine for both; their KV caches differ",
            )


def _trtllm(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.phases:
        if engine.kind is Kind.TRTLLM:
            yield Said(
                engine.serving.at,
                f"Engine {engine.name} is TensorRT-LLM, and the sidecar has no connector for it",
                "use vLLM or SGLang, or serving.mode: Unified",
            )


def _unknown(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.phases:
        if engine.kind is Kind.UNKNOWN:
            yield Said(
                engine.serving.at,
                f"Which engine {engine.name} starts cannot be told, so its flags are not checked",
                "start it with vllm serve or sglang.launch_server in command or args, or prove with a request that prefill is remote",
            )


def _blocks(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        ours, theirs = prefill.flags.block_size, decode.flags.block_size
        if prefill.kind is decode.kind and None not in (ours, theirs) and ours != theirs:
            flag = "--page-size" if decode.kind is Kind.SGLANG else "--block-size"
            yield Said(
                decode.serving.flag_at("block-size", "page-size"),
                f"Prefill engine {prefill.name} has KV blocks of {ours} tokens, decode engine {decode.name} of {theirs}",
                f"give both the same {flag}",
            )


def _differs(name: str, default: str, vague: tuple[str, ...] = ()) -> Check:
    """A check that both engines have a flag at the same value; a `vague` value may stand for any other."""

    def check(deployment: Deployment) -> Iterator[Said]:
        for prefill, decode in deployment.pair:
            ours, theirs = (_told(e, name, default) for e in (prefill, decode))
            known = (
                isinstance(ours, str) and isinstance(theirs, str) and prefill.kind is decode.kind is not Kind.UNKNOWN
            )
            by_model = (ours, theirs) == (prefill.flags.model, decode.flags.model)
            if known and ours != theirs and not by_model and not {ours, theirs} & set(vague):
                yield Said(
                    decode.serving.flag_at(name),
                    f"--{name} is {ours} in prefill engine {prefill.name} and {theirs} in decode engine {decode.name}",
                    "give both the same value",
                )

    return check


def _told(engine: Engine, name: str, default: str) -> str | None:
    value = engine.flags.get(name)
    if value is None and name == "served-model-name":
        return engine.flags.model
    value = default if value is None else value
    return _SAME.get(value, value) if isinstance(value, str) else None


def _models(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        ours, theirs = prefill.flags.model, decode.flags.model
        if ours and theirs and ours.rstrip("/") != theirs.rstrip("/"):
            yield Said(
                decode.serving.flag_at("model", "model-path"),
                f"Prefill engine {prefill.name} serves {ours}, decode engine {decode.name} serves {theirs}",
                "serve the same model from both",
            )


def _tensor(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        ours, theirs = prefill.flags.tensor_parallel, decode.flags.tensor_parallel
        if prefill.kind is decode.kind is Kind.VLLM and ours and theirs and theirs % ours:
            yield Said(
                decode.serving.flag_at("tensor-parallel-size", "tp"),
                f"Decode engine {decode.name} has tensor parallel size {theirs}, no multiple of {ours} of prefill engine {prefill.name}",
                "make the decode engine's size equal to the prefill engine's, or a multiple of it",
            )


TABLE = (
    rule("engines-differ", ERROR, (HANDSHAKE, "each engine has its own KV layout"), _kinds),
    rule(
        "trtllm-split",
        ERROR,
        ("The sidecar has no connector for it. " + SILENT, "sidecar's --kv-connector, v0.7 to v0.10"),
        _trtllm,
    ),
    rule("engine-unknown", WARNING, ("Nothing here is checked for that engine.", "this page"), _unknown),
    rule(
        "block-size-phases",
        WARNING,
        (
            "Older engines refuse the transfer, newer ones take it for some models only: requests fail, or are computed twice.",
            "vLLM's NIXL connector; vllm-project/vllm#42895",
        ),
        _blocks,
    ),
    rule("models-differ", ERROR, (HANDSHAKE, _VLLM), _models),
    rule(
        "served-names-differ",
        ERROR,
        ("One of the engines answers 404 to the model's name.", "OpenAI API of vLLM and SGLang"),
        _differs("served-model-name", ""),
    ),
    rule("dtypes-differ", ERROR, (HANDSHAKE, _VLLM), _differs("dtype", "auto", ("auto",))),
    rule("kv-dtypes-differ", ERROR, (HANDSHAKE, _VLLM), _differs("kv-cache-dtype", "auto", ("bfloat16", "float16"))),
    rule(
        "max-model-len-differs",
        WARNING,
        ("Long prompts that one engine takes are refused by the other: 400.", "vLLM's and SGLang's length check"),
        _differs("max-model-len", "not set", ("-1", "auto")),
    ),
    rule(
        "quantization-differs",
        WARNING,
        ("The answer is made from KV blocks of another precision.", "vLLM and SGLang quantize weights per engine"),
        _differs("quantization", "not set"),
    ),
    rule(
        "tensor-parallel-split",
        WARNING,
        (
            "Older engines refuse the transfer, newer ones take it for some models only: requests fail, or are computed twice.",
            "vLLM's NIXL connector; vllm-project/vllm#14952",
        ),
        _tensor,
    ),
)
