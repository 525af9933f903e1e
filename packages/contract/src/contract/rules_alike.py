"""Rules about what a prefill and a decode engine must have in common beside their flags' plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from contract.findings import Said
from contract.flags import Engine as Kind
from contract.flags import Value
from contract.read import Deployment, Engine, Member, Path, listed, mapping, text
from contract.rules_connectors import connectors
from contract.rules_phases import ERROR, HANDSHAKE, WARNING, rule

_RELEASE = re.compile(r"(?P<name>.*/vllm-openai[\w-]*):v?(?P<version>(\d+)\.(\d+)\.\d+(?:\.post\d+|rc\d+)?)(?:[-_].*)?")
# The first release that surely compares the versions of vLLM in NIXL's handshake (vllm-project/vllm#29503).
_COMPARED = (0, 14)
_EXTRA = "kv_connector_extra_config"
_OFF = ("False", "false")
_LOADED = ("revision", "hf-overrides", "rope-scaling", "rope-theta", "json-model-override-args")


def _versions(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        ours, theirs = (_release(e) for e in (prefill, decode))
        if ours and theirs and ours[0] == theirs[0] and ours[1] != theirs[1] and _compares(prefill, decode):
            yield Said(
                (*decode.serving.at, "image"),
                f"Prefill engine {prefill.name} is vLLM {ours[1]} and decode engine {decode.name} is vLLM {theirs[1]}",
                "run the same version in both",
            )


def _release(engine: Engine) -> tuple[str, str] | None:
    """The repository and the version of an engine's image, where its vLLM compares versions."""
    match = _RELEASE.fullmatch(text(engine.serving.container.get("image")))
    if match is None or engine.kind is not Kind.VLLM or (int(match[3]), int(match[4])) < _COMPARED:
        return None
    return match["name"], match["version"]


def _compares(*engines: Engine) -> bool:
    """Whether engines shake hands as NIXL does by default."""
    return all(
        "NixlConnector" in (connectors(e.flags) or ()) and str(_extra(e).get("enforce_handshake_compat")) not in _OFF
        for e in engines
    )


def _extra(engine: Engine) -> dict[str, object]:
    """What the NIXL connector is given beside its name, also inside a MultiConnector and in the dotted form."""
    outer = mapping(engine.flags.kv_transfer)
    inner = listed(mapping(outer.get(_EXTRA)).get("connectors"))
    nixl = next((c for c in map(mapping, inner) if text(c.get("kv_connector")).startswith("Nixl")), outer)
    dotted = {k.removeprefix(f"{_EXTRA}.").rstrip("+"): v for k, v in outer.items() if k.startswith(f"{_EXTRA}.")}
    return {**mapping(nixl.get(_EXTRA)), **dotted}


def _layouts(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        if prefill.kind is not Kind.VLLM or decode.kind is not Kind.VLLM:
            continue
        for name, at in _layout_settings(decode.serving):
            ours, theirs = (_setting(e, name) for e in (prefill, decode))
            if isinstance(ours, str) and isinstance(theirs, str) and ours.upper() != theirs.upper():
                yield Said(
                    at,
                    f"{name} is {ours} in prefill engine {prefill.name} and {theirs} in decode engine {decode.name}",
                    "give both the same value",
                )


def _layout_settings(member: Member) -> Iterator[tuple[str, Path]]:
    yield "--attention-backend", member.flag_at("attention-backend")
    yield from ((name, member.env_at(name)) for name in ("VLLM_ATTENTION_BACKEND", "VLLM_KV_CACHE_LAYOUT"))
    yield "enable_cross_layers_blocks", member.flag_at("kv-transfer-config")


def _setting(engine: Engine, name: str) -> Value | None:
    if name.startswith("--"):
        return engine.flags.get(name.removeprefix("--"))
    if name.isupper():
        return engine.flags.env.get(name)
    return str(_extra(engine).get(name, False)) if engine.flags.kv_transfer else None


def _backends(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        ours, theirs = (_backend_names(e) for e in (prefill, decode))
        if ours and theirs and not ours & theirs:
            yield Said(
                decode.serving.flag_at("kv-transfer-config"),
                f"NIXL transfers with {', '.join(sorted(ours))} in prefill engine {prefill.name} and with "
                f"{', '.join(sorted(theirs))} in decode engine {decode.name}",
                'give both the same kv_connector_extra_config: {"backends": […]}; UCX is the default',
            )


def _backend_names(engine: Engine) -> frozenset[str]:
    if engine.kind is not Kind.VLLM or "NixlConnector" not in (connectors(engine.flags) or ()):
        return frozenset()
    return frozenset(text(b).upper() for b in listed(_extra(engine).get("backends", ["UCX"]))) - {""}


def _adapters(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        for engine, other in ((prefill, decode), (decode, prefill)):
            named = engine.flags.text("lora-modules")
            bare = all(other.flags.get(f) is None for f in ("lora-modules", "enable-lora", "lora-paths"))
            if named and bare and engine.kind is other.kind is Kind.VLLM:
                yield Said(
                    other.serving.flag_at("lora-modules"),
                    f"Engine {engine.name} serves the adapter {named.partition('=')[0]}, engine {other.name} serves none",
                    "give both the same --enable-lora and --lora-modules",
                )


def _loading(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        for name in _LOADED if prefill.kind is decode.kind is not Kind.UNKNOWN else ():
            ours, theirs = (_plain(e.flags.get(name)) for e in (prefill, decode))
            if isinstance(ours, str) and isinstance(theirs, str) and ours != theirs:
                yield Said(
                    decode.serving.flag_at(name),
                    f"--{name} is {ours} in prefill engine {prefill.name} and {theirs} in decode engine {decode.name}",
                    "give both the same value",
                )


def _plain(value: Value | None) -> Value:
    """A value in one spelling, so that JSON is not compared by its spaces."""
    if not isinstance(value, str):
        return "not set" if value is None else value
    try:
        return json.dumps(json.loads(value), sort_keys=True)
    except (ValueError, RecursionError):
        return value


TABLE = (
    rule(
        "engine-versions-differ",
        ERROR,
        (HANDSHAKE, "vLLM's version is in the hash that NIXL connectors compare (nixl/metadata.py), surely from v0.14"),
        _versions,
    ),
    rule(
        "layouts-differ",
        WARNING,
        (HANDSHAKE, "the attention backend and the layout of blocks are in that hash, or are compared beside it"),
        _layouts,
    ),
    rule(
        "nixl-backends-differ",
        ERROR,
        (HANDSHAKE, "NIXL needs a backend that both have; vllm-project/vllm#41814"),
        _backends,
    ),
    rule(
        "adapters-differ",
        ERROR,
        ("One of the engines answers 404 to the adapter's name.", "vLLM's --lora-modules"),
        _adapters,
    ),
    rule(
        "loading-differs",
        WARNING,
        (
            "Decode goes on from the blocks of other weights or positions: answers are silently worse.",
            "vLLM's NIXL connector compares the model's name only",
        ),
        _loading,
    ),
)
