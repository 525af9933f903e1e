"""What an engine was started with, what that makes of it, and what two engines must have in common: pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contract.flags import Flags, parse

NIXL = "NixlConnector"
_SHARED_MEMORY = 1 << 30
# vLLM's own defaults (vllm/envs.py).
_SIDE_CHANNEL = ("localhost", 5600)

PLAYED = (
    ("--kv-transfer-config is no JSON", "ends with 2 before it listens"),
    ("--model is a folder that is there and has no config.json", "ends with 1 before it listens"),
    (
        "no --kv-transfer-config, or another connector than NixlConnector",
        "ignores kv_transfer_params: computes the whole prompt, finishes with length, hands over nothing",
    ),
    ("kv_role kv_consumer is asked to prefill for another", "as above"),
    ("kv_role kv_producer is asked to decode what another has prefilled", "as above"),
    ("an image said to lack NIXL, with NixlConnector", "ends with 1: NIXL is not available"),
    ("less than 1 GiB of shared memory, with NixlConnector", "ends with 1: no space left on device"),
    ("VLLM_NIXL_SIDE_CHANNEL_HOST is not an address of the pod", "ends with 1: cannot assign requested address"),
    (
        "VLLM_NIXL_SIDE_CHANNEL_HOST unset, so localhost",
        "its peers cannot reach it: they answer 500, nothing is transferred",
    ),
    (
        "model, dtype, KV dtype or block size differ from the peer's",
        "the handshake is refused: 500, nothing is transferred",
    ),
    (
        "LOCAL_ENGINE_SPEED is set",
        (
            "works in steps of step_ms and sequence_us for each answer under way; each computes at most `batch` tokens of prompts, "
            "prompt_us each, first come first served, and one token of every answer; takes over a KV cache at transfer_us a token; "
            "keeps `cached` tokens of prompts by blocks. Otherwise a first token takes 60 ms and each further one 2 ms"
        ),
    ),
    ("GET /v1/models", "says by the header x-modelplane-simulated how long it takes, for whoever shows figures of it"),
    ("--port is taken", "ends with 1: address already in use"),
    (
        "multi-node-serving.sh leader",
        "ends with 0 once --ray_cluster_size nodes have joined, with 1 after --ray_init_timeout (300 s)",
    ),
    ("multi-node-serving.sh worker", "joins the head at --ray_address, tries as long, and ends when the head goes"),
    ("--distributed-executor-backend ray, and no head runs in the pod", "ends with 1: no Ray cluster"),
    ("the same, and a node of the gang leaves", "ends with 1: the gang is broken"),
)


class StartError(Exception):
    """The engine ends before it listens; `code` is its exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Facts:
    """What a peer must have in common."""

    model: str
    block_size: int
    dtype: str
    kv_cache_dtype: str


@dataclass(frozen=True)
class Engine:
    """An engine as its flags and environment make it."""

    facts: Facts
    names: tuple[str, ...]
    port: int
    max_model_len: int
    connector: str
    role: str
    side_channel: tuple[str, int]
    gang: bool = False
    """Whether it computes on all nodes of a Ray cluster."""

    @property
    def transfers(self) -> bool:
        return self.connector == NIXL

    @property
    def hands_over(self) -> bool:
        """Whether it can prefill for another."""
        return self.transfers and self.role in ("kv_both", "kv_producer")

    @property
    def takes_over(self) -> bool:
        """Whether it can decode what another has prefilled."""
        return self.transfers and self.role in ("kv_both", "kv_consumer")


def read(argv: Sequence[str], env: Mapping[str, str]) -> Engine:
    """The engine that `vllm ARGV` starts."""
    flags = parse(["vllm", *argv], [], [{"name": k, "value": v} for k, v in env.items()])
    transfer = _transfer(flags)
    model = flags.model or ""
    names = tuple((flags.text("served-model-name") or model).split())
    host = env.get("VLLM_NIXL_SIDE_CHANNEL_HOST") or _SIDE_CHANNEL[0]
    port = int(env.get("VLLM_NIXL_SIDE_CHANNEL_PORT") or _SIDE_CHANNEL[1])
    return Engine(
        facts=Facts(
            model=model,
            block_size=flags.block_size or 16,
            dtype=flags.text("dtype") or "auto",
            kv_cache_dtype=flags.text("kv-cache-dtype") or "auto",
        ),
        names=names,
        port=flags.port or 8000,
        max_model_len=flags.number("max-model-len", 32768) or 32768,
        connector=str(transfer.get("kv_connector") or ""),
        role=str(transfer.get("kv_role") or ""),
        side_channel=(host, port),
        gang=flags.text("distributed-executor-backend") == "ray",
    )


def check(
    engine: Engine, env: Mapping[str, str], shared_memory: int, exists: Callable[[str], bool] = lambda _: True
) -> None:
    """End as vLLM ends where it cannot start; `shared_memory` is the size of /dev/shm, `exists` asks for a file."""
    if not engine.facts.model:
        raise StartError(2, "vllm serve: error: a model is required")
    config = f"{engine.facts.model}/config.json"
    # A volume that is not filled; where nothing is mounted, as in demo/, weights are played with all else.
    if engine.facts.model.startswith("/") and exists(engine.facts.model) and not exists(config):
        raise StartError(1, f"OSError: there is no model here, {config} does not exist")
    if not engine.transfers:
        return
    if env.get("LOCAL_ENGINE_WITHOUT_NIXL"):
        raise StartError(1, "RuntimeError: NIXL is not available")
    if shared_memory < _SHARED_MEMORY:
        raise StartError(
            1,
            f"RuntimeError: No space left on device: /dev/shm has {shared_memory >> 20} MiB, too little for KV caches",
        )


def differences(ours: Facts, theirs: Mapping[str, Any]) -> list[str]:
    """What a handshake is refused for."""
    return [f"{k} {theirs.get(k)!r} there, {v!r} here" for k, v in asdict(ours).items() if theirs.get(k) != v]


def simulator(engine: Engine, port: int, *, paced: bool = False) -> list[str]:
    """The flags of the simulator that computes for this engine; at once, where `pace` says how long it takes."""
    allowed = (8, 16, 32, 64, 128)
    size = engine.facts.block_size if engine.facts.block_size in allowed else 16
    return [
        f"--port={port}",
        f"--model={engine.facts.model}",
        *(["--served-model-name", *engine.names] if engine.names else []),
        f"--max-model-len={engine.max_model_len}",
        f"--block-size={size}",
        "--force-dummy-tokenizer",
        "--mode=random",
        "--max-num-seqs=64",
        *(() if paced else LATENCIES.split()),
    ]


LATENCIES = "--time-to-first-token=60ms --inter-token-latency=2ms --kv-cache-transfer-latency=5ms"


def _transfer(flags: Flags) -> Mapping[str, Any]:
    written = flags.text("kv-transfer-config")
    if written:
        try:
            json.loads(written)
        except ValueError as e:
            told = f"Value {written} cannot be converted to json: {e}"
            raise StartError(2, f"vllm serve: error: argument --kv-transfer-config: {told}") from e
    return flags.kv_transfer or {}
