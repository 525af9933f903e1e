"""The flags that an engine is started with, read from a container's command, args and env."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from contract.launch import Engine, Launch, launches
from contract.words import HOLE, UNKNOWN, Unknown, Value, expand, plain, value_of, variables

__all__ = ["UNKNOWN", "Engine", "Flags", "Unknown", "Value", "parse"]

# Another spelling of the same flag; the canonical name is vLLM's, so that rules read one name for all engines.
_COMMON = {
    "tp": "tensor-parallel-size",
    "pp": "pipeline-parallel-size",
    "dp": "data-parallel-size",
    "tp-size": "tensor-parallel-size",
    "pp-size": "pipeline-parallel-size",
    "dp-size": "data-parallel-size",
}
_ALIASES: dict[Engine, dict[str, str]] = {
    Engine.VLLM: {"q": "quantization", "dpl": "data-parallel-size-local", "n": "nnodes", "r": "node-rank"},
    Engine.SGLANG: {
        "model-path": "model",
        "context-length": "max-model-len",
        "page-size": "block-size",
    },
    Engine.TRTLLM: {"max-seq-len": "max-model-len"},
}
_VALUED = frozenset(
    [
        "model",
        "port",
        "host",
        "tensor-parallel-size",
        "pipeline-parallel-size",
        "data-parallel-size",
        "data-parallel-size-local",
        "block-size",
        "max-model-len",
        "dtype",
        "kv-cache-dtype",
        "quantization",
        "kv-transfer-config",
        "served-model-name",
        "nnodes",
        "node-rank",
        "config",
        "disaggregation-mode",
        "disaggregation-transfer-backend",
        "dist-init-addr",
        "disaggregation-bootstrap-port",
    ]
)
# Flags that take all the words up to the next flag.
_LISTS = frozenset({"served-model-name"})
_FILES = frozenset({"config", "extra-llm-api-options", "config-file", "kv-cache-config"})
# vLLM: vllm/entrypoints/openai/cli_args.py; SGLang: sglang/srt/server_args.py; TensorRT-LLM: commands/serve.py.
_PORTS = {Engine.VLLM: 8000, Engine.SGLANG: 30000, Engine.TRTLLM: 8000, Engine.SIMULATOR: 8000}
# vLLM leaves it to the platform, which takes 16 on CUDA and ROCm (vllm/platforms/cuda.py); SGLang's page is one token.
_BLOCKS = {Engine.VLLM: 16, Engine.SGLANG: 1, Engine.TRTLLM: 32, Engine.SIMULATOR: 16}
_GLUED = re.compile(r"--[A-Za-z][^\s=]*\s+\S")
_NUMBER = re.compile(r"-\d+(\.\d+)?$")


@dataclass(frozen=True)
class Flags:
    """What an engine is started with. A flag that is absent is at its engine's default, unless `is_open`."""

    engine: Engine = Engine.UNKNOWN
    values: Mapping[str, Value] = field(default_factory=dict)
    """By canonical name; a flag without a value is the empty text."""
    env: Mapping[str, Value] = field(default_factory=dict)
    is_open: bool = True
    """Whether there may be flags that cannot be read: in a variable, a file or an image."""
    glued: tuple[str, ...] = ()
    """Flags that stand in one word with their value, a space between: read as they are meant, refused by a rule."""

    def get(self, name: str) -> Value | None:
        """The value of a flag; None when it is surely absent."""
        return self.values.get(name, UNKNOWN if self.is_open else None)

    def text(self, name: str) -> str | None:
        """The value of a flag, where it is set and known."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str, default: int | None = None) -> int | None:
        """A flag that is an integer; None when it is unknown."""
        value = self.get(name)
        if value is None:
            return default
        return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip()) else None

    @property
    def port(self) -> int | None:
        """The port that the engine listens on; None when that is unknown."""
        return self.number("port", _PORTS.get(self.engine))

    @property
    def block_size(self) -> int | None:
        """Tokens in one KV block; None when that is unknown."""
        # Some of SGLang's attention backends bring a page size of their own, 64 or 128 tokens (server_args.py).
        chosen = self.engine is Engine.SGLANG and self.get("attention-backend") is not None
        return self.number("block-size", None if chosen else _BLOCKS.get(self.engine))

    @property
    def model(self) -> str | None:
        """The model as it is named on the command line."""
        return self.text("model")

    @property
    def served(self) -> tuple[str, ...] | None:
        """The names that requests may give as model; None when they are unknown, as those of adapters are."""
        adapters = [self.get("lora-modules"), self.get("enable-lora")]
        told = self.text("served-model-name") if self.get("served-model-name") is not None else self.model
        if self.engine is Engine.UNKNOWN or any(each is not None for each in adapters) or not told:
            return None
        return tuple(told.split())

    @property
    def tensor_parallel(self) -> int | None:
        """GPUs that share each layer."""
        return self.number("tensor-parallel-size", self._one)

    @property
    def pipeline_parallel(self) -> int | None:
        """Stages that the layers are cut into."""
        return self.number("pipeline-parallel-size", self._one)

    @property
    def data_parallel(self) -> int | None:
        """Copies of the model inside this one engine."""
        return self.number("data-parallel-size", self._one)

    @property
    def _one(self) -> int | None:
        return None if self.engine is Engine.UNKNOWN else 1

    @property
    def kv_transfer_text(self) -> Value | None:
        """`--kv-transfer-config` as it is written; None when it is surely absent."""
        return self.get("kv-transfer-config")

    @cached_property
    def kv_transfer(self) -> Mapping[str, Any] | None:
        """`--kv-transfer-config`, also in its dotted form; None when absent, unknown or broken."""
        merged = self._dotted("kv-transfer-config")
        written = self.text("kv-transfer-config")
        try:
            found = json.loads(written) if written else {}
        except (ValueError, RecursionError):
            return None
        if not isinstance(found, dict) or not (found or merged):
            return None
        return {**found, **merged}

    @property
    def connector(self) -> Value | None:
        """The KV connector of vLLM; None when surely none is set."""
        if self.kv_transfer is None:
            return self.kv_transfer_text if self.kv_transfer_text is None else UNKNOWN
        return _nested(self.kv_transfer, "kv_connector")

    @property
    def kv_role(self) -> Value | None:
        """The KV role of vLLM; None when surely none is set."""
        if self.kv_transfer is None:
            return self.kv_transfer_text if self.kv_transfer_text is None else UNKNOWN
        return _nested(self.kv_transfer, "kv_role")

    def _dotted(self, name: str) -> dict[str, Any]:
        prefix = f"{name}."
        return {k.removeprefix(prefix): v for k, v in self.values.items() if k.startswith(prefix)}


def parse(command: Any, args: Any, env: Any, image: str = "") -> Flags:
    """Read a container. `image` only tells which engine starts where there is no command."""
    known = variables(env)
    argv = tuple(expand(plain(word), known) for part in (command, args) for word in _listed(part))
    return _read(argv, tuple(known.items()), "" if _listed(command) else image)


@lru_cache(maxsize=256)  # Every replica of a deployment starts the same.
def _read(argv: tuple[str, ...], known: tuple[tuple[str, str], ...], image: str) -> Flags:
    return _merged([_flags(launch) for launch in launches(argv, dict(known), image)])


def _listed(part: Any) -> Sequence[Any]:
    return part if isinstance(part, list | tuple) else ()


def _merged(found: Sequence[Flags]) -> Flags:
    """What several starts, such as those of two branches, have in common; where they differ, nothing is known."""
    first = found[0]
    if any(f.engine is not first.engine for f in found):
        return Flags()
    keys = {name for f in found for name in f.values}
    values = {k: v for k in sorted(keys) for v in [_common([f.get(k) for f in found])] if v is not None}
    env = {
        k: v for k in sorted({n for f in found for n in f.env}) for v in [_common([f.env.get(k) for f in found])] if v
    }
    glued = tuple(dict.fromkeys(word for f in found for word in f.glued))
    return Flags(first.engine, values, env, any(f.is_open for f in found), glued)


def _common(values: Sequence[Value | None]) -> Value | None:
    return values[0] if all(v == values[0] for v in values) else UNKNOWN


def _flags(launch: Launch) -> Flags:
    values: dict[str, Value] = {}
    positional: list[str] = []
    glued = tuple(w.text for w in launch.words if _GLUED.match(w.text))
    is_open = launch.engine is Engine.UNKNOWN or launch.is_open
    words = list(launch.words)
    while words:
        word = words.pop(0)
        if not _is_flag(word.text):
            is_open = is_open or (HOLE in word.text and (word.split or bool(positional)))
            positional.append(word.text)
            continue
        name, value = _pair(word.text)
        canonical = _canonical(launch.engine, name)
        if value is None and words and not _is_flag(words[0].text):
            taken = words.pop(0)
            value = taken.text
            is_open = is_open or (taken.split and canonical not in _VALUED)
            while canonical in _LISTS and words and not _is_flag(words[0].text):
                value = f"{value} {words.pop(0).text}"
        values[canonical] = value_of(value or "")
        is_open = is_open or HOLE in name or canonical in _FILES
    if positional and launch.engine in (Engine.VLLM, Engine.TRTLLM) and not (is_open and positional[0] == HOLE):
        values.setdefault("model", value_of(positional[0]))
    return Flags(launch.engine, values, {k: value_of(v) for k, v in launch.env.items()}, is_open, glued)


def _is_flag(text: str) -> bool:
    return text.startswith("-") and len(text) > 1 and not _NUMBER.match(text)


def _pair(text: str) -> tuple[str, str | None]:
    if _GLUED.match(text):
        name, value = text.split(maxsplit=1)
        return name, value
    name, sign, value = text.partition("=")
    return name, value if sign else None


def _canonical(engine: Engine, name: str) -> str:
    """Dashes for underscores as the engines take them; what follows a dot names a key and stays as it is."""
    first, dot, rest = name.lstrip("-").partition(".")
    first = first.replace("_", "-")
    first = _ALIASES.get(engine, {}).get(first) or _COMMON.get(first, first)
    return f"{first}{dot}{rest}"


def _nested(mapping: Mapping[str, Any], key: str) -> Value | None:
    found = mapping.get(key)
    if found is None:
        return None
    return found if isinstance(found, str) else UNKNOWN
