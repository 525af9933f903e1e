"""Rules about how KV blocks travel: the connector and the role in each engine's flags, and what the sidecar speaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import get_close_matches

from contract import picker
from contract.findings import Said
from contract.flags import UNKNOWN, Flags, Value
from contract.flags import Engine as Kind
from contract.picker import Dialect
from contract.read import Deployment, Engine, listed, mapping, text
from contract.rules_phases import ERROR, SILENT, rule
from contract.words import HOLE

ROLES = ("kv_producer", "kv_consumer", "kv_both")

_SAME = {"NixlPullConnector": "NixlConnector"}
_SPOKEN = {"NixlConnector": "NixlV2", "MooncakeConnector": "Mooncake"}

_OTHERS = ("SharedStorageConnector", "ExampleConnector", "P2pNcclConnector", "PyNcclConnector", "OffloadingConnector")

# Those of vllm/distributed/kv_transfer/kv_connector/factory.py, and of vLLM's plugins for other hardware.
_NAMES = frozenset(
    {
        "AscendStoreConnector",
        "DecodeBenchConnector",
        "ExampleConnector",
        "ExampleHiddenStatesConnector",
        "FlexKVConnectorV1",
        "HF3FSKVConnector",
        "LMCacheConnector",
        "LMCacheConnectorV1",
        "LMCacheMPConnector",
        "MoRIIOConnector",
        "MooncakeConnector",
        "MooncakeConnectorStoreV1",
        "MooncakeConnectorV1",
        "MooncakeHybridConnector",
        "MooncakeLayerwiseConnector",
        "MooncakeStoreConnector",
        "MultiConnector",
        "NixlConnector",
        "NixlPullConnector",
        "NixlPushConnector",
        "OffloadingConnector",
        "P2pNcclConnector",
        "PyNcclConnector",
        "SharedStorageConnector",
        "SimpleCPUOffloadConnector",
    }
)
_SHORT = {"nixl": "NixlConnector", "mooncake": "MooncakeConnector", "multi": "MultiConnector"}
# What SGLang transfers with; fake is for measuring one phase without the other.
_BACKENDS = ("mooncake", "nixl", "ascend", "mori", "mooncake_tcp")

_CACHE = "LMCacheConnectorV1"
_VERSION = re.compile(r"V\d+$")
_BACKEND = "disaggregation-transfer-backend"

_START = "vLLM refuses to start; clients get 503."


def connectors(flags: Flags) -> frozenset[str] | None:
    """The connectors of vLLM, those inside a MultiConnector too; None when unknown, empty when surely none."""
    name = flags.connector
    if name is UNKNOWN or name is None:
        return None if name is UNKNOWN else frozenset()
    inner = mapping(mapping(flags.kv_transfer).get("kv_connector_extra_config")).get("connectors")
    found = {text(mapping(c).get("kv_connector")) for c in listed(inner)}
    return frozenset(_SAME.get(c, c) for c in {name, *found} - {"", "MultiConnector"})


def _vllm(deployment: Deployment) -> Iterator[Engine]:
    return (e for e in deployment.phases if e.kind is Kind.VLLM)


def _at(engine: Engine) -> tuple[str | int, ...]:
    return engine.serving.flag_at("kv-transfer-config")


def _missing(deployment: Deployment) -> Iterator[Said]:
    for engine in _vllm(deployment):
        if engine.flags.connector is None and engine.flags.kv_transfer_text is None:
            yield Said(
                _at(engine),
                f"Engine {engine.name} has no --kv-transfer-config, so it computes every prompt itself",
                """add --kv-transfer-config '{"kv_connector": "NixlConnector", "kv_role": "kv_both"}'""",
            )
        elif engine.flags.connector is None:
            yield Said(
                _at(engine), f"--kv-transfer-config of engine {engine.name} names no kv_connector", "add kv_connector"
            )


def _misspelt(deployment: Deployment) -> Iterator[Said]:
    for engine in _vllm(deployment):
        outer = mapping(engine.flags.kv_transfer)
        inner = listed(mapping(outer.get("kv_connector_extra_config")).get("connectors"))
        for named in (outer, *map(mapping, inner)):
            name = text(named.get("kv_connector"))
            if not named.get("kv_connector_module_path") and (meant := meant_by(name)):
                yield Said(
                    _at(engine),
                    f"Engine {engine.name} asks for {name}, a connector that vLLM has not",
                    f"write {meant}",
                )


def meant_by(name: str) -> str:
    """The connector that a misspelt name means; empty where the name exists, or is like none that does."""
    low = {known.lower(): known for known in _NAMES}
    if not name or HOLE in name or name in _NAMES:
        return ""
    # A new version of one that is known is no mistake.
    if _VERSION.sub("", name) in {_VERSION.sub("", known) for known in _NAMES - {"NixlConnector"}}:
        return ""
    short = _SHORT.get(re.sub(r"(connector)?[-_]?(v\d+)?$", "", name.lower()))
    nearest = get_close_matches(name.lower(), low, n=1, cutoff=0.9)
    return short or (low[nearest[0]] if nearest else "")


def _connectors_differ(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        ours, theirs = connectors(prefill.flags), connectors(decode.flags)
        if (
            prefill.kind is decode.kind is Kind.VLLM
            and ours
            and theirs
            and not (ours & theirs or any(map(meant_by, ours | theirs)))
        ):
            yield Said(
                _at(decode),
                f"Prefill engine {prefill.name} speaks {_list(ours)}, decode engine {decode.name} speaks {_list(theirs)}",
                "name the same kv_connector in both",
            )


def _declared(deployment: Deployment) -> Iterator[Said]:
    at = ("spec", "serving", "disaggregation", "connector")
    asked = deployment.connector
    kinds = {e.kind for e in deployment.phases}
    alone = all(_caches_alone(e) for e in deployment.phases)
    if kinds == {Kind.SGLANG} and asked == "NixlV2":
        yield Said(at, "The engines are SGLang, and the sidecar is asked to speak NixlV2", "set connector: SGLang")
    if kinds == {Kind.VLLM} and asked == "SGLang":
        yield Said(at, "The engines are vLLM, and the sidecar is asked to speak SGLang", "set connector: NixlV2")
    for engine in _vllm(deployment) if asked != "SGLang" else ():
        found = connectors(engine.flags) or frozenset()
        spoken = {_SPOKEN[c] for c in found if c in _SPOKEN}
        others = {*_OTHERS, _CACHE} if alone else {*_OTHERS}
        if found and found <= {*_SPOKEN, *others} and asked not in spoken:
            yield Said(
                _at(engine),
                f"Engine {engine.name} speaks {_list(found)}, and the sidecar is asked to speak {asked}",
                f"set spec.serving.disaggregation.connector: {min(spoken)}" if spoken else "use NixlConnector",
            )


def _caches_alone(engine: Engine) -> bool:
    """Whether LMCache is told of no store that both engines share: by default it caches in the pod's memory."""
    container = engine.serving.container
    if _CACHE not in (connectors(engine.flags) or ()):
        return False
    told = json.dumps([container.get(key) for key in ("command", "args", "env")], default=str).lower()
    return (
        "lmcache_" not in told and "lmcache." not in told and not container.get("envFrom") and not engine.flags.is_open
    )


def _version(deployment: Deployment) -> Iterator[Said]:
    image = text(mapping(deployment.serving.get("sidecar")).get("image"))
    dialect = picker.dialect_of(image) if image else deployment.dialect
    if not deployment.pair or not isinstance(dialect, Dialect) or deployment.connector in dialect.connectors:
        return
    yield Said(
        ("spec", "serving", "disaggregation", "connector"),
        f"The sidecar of {dialect.name} does not speak {deployment.connector}, only {', '.join(dialect.connectors)}",
        "choose one of these, or a newer endpointPicker and sidecar",
    )


def _role_missing(deployment: Deployment) -> Iterator[Said]:
    for engine in _vllm(deployment):
        if engine.flags.kv_transfer and engine.flags.kv_role is None:
            yield Said(
                _at(engine), f"--kv-transfer-config of engine {engine.name} has no kv_role", "add kv_role: kv_both"
            )


def _role_wrong(deployment: Deployment) -> Iterator[Said]:
    for engine in _vllm(deployment):
        role = engine.flags.kv_role
        if isinstance(role, str) and role not in ROLES:
            yield Said(
                _at(engine), f"kv_role {role} of engine {engine.name} does not exist", f"use one of {', '.join(ROLES)}"
            )


def _role_swapped(deployment: Deployment) -> Iterator[Said]:
    wrong = {"Prefill": "kv_consumer", "Decode": "kv_producer"}
    for engine in _vllm(deployment):
        if engine.flags.kv_role == wrong[engine.phase]:
            yield Said(
                _at(engine),
                f"{engine.phase} engine {engine.name} has kv_role {engine.flags.kv_role}",
                "prefill produces and decode consumes: use kv_producer and kv_consumer, or kv_both in both",
            )


def _mode(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.phases:
        mode, right = engine.flags.get("disaggregation-mode"), engine.phase.lower()
        if engine.kind is not Kind.SGLANG or mode in (UNKNOWN, right):
            continue
        told = "no --disaggregation-mode" if mode is None else f"--disaggregation-mode {mode}"
        yield Said(
            engine.serving.flag_at("disaggregation-mode"),
            f"{engine.phase} engine {engine.name} has {told}",
            f"add --disaggregation-mode {right}",
        )


def _backend(deployment: Deployment) -> Iterator[Said]:
    for prefill, decode in deployment.pair:
        ours, theirs = (_transfers(e) for e in (prefill, decode))
        if prefill.kind is decode.kind is Kind.SGLANG and UNKNOWN not in (ours, theirs) and ours != theirs:
            yield Said(
                decode.serving.flag_at(_BACKEND),
                f"Prefill engine {prefill.name} transfers with {ours}, decode engine {decode.name} with {theirs}",
                "give both the same --disaggregation-transfer-backend; mooncake is SGLang's default",
            )


def _backend_wrong(deployment: Deployment) -> Iterator[Said]:
    for engine in deployment.phases:
        backend = _transfers(engine)
        told = {"fake": "transfers nothing", **{b.upper(): "does not exist" for b in _BACKENDS}}
        known = backend if isinstance(backend, str) and backend not in _BACKENDS else ""
        if engine.kind is Kind.SGLANG and (why := told.get(known) or told.get(known.upper())):
            yield Said(
                engine.serving.flag_at(_BACKEND),
                f"--{_BACKEND} {backend} of engine {engine.name} {why}",
                "use nixl or mooncake",
            )


def _transfers(engine: Engine) -> Value:
    return engine.flags.get(_BACKEND) or _BACKENDS[0]


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


TABLE = (
    rule("connector-missing", ERROR, (SILENT, "seen with v0.7.1"), _missing),
    rule("connector-unknown", ERROR, (_START, "vLLM's table of connectors (kv_connector/factory.py)"), _misspelt),
    rule("connectors-differ", ERROR, (SILENT, "seen with v0.7.1; mooncake answers 502"), _connectors_differ),
    rule("connector-not-spoken", ERROR, (SILENT, "seen with v0.7.1; mooncake answers 502"), _declared),
    rule(
        "connector-version",
        ERROR,
        ("The sidecar ends at once; clients get 503.", "sidecar's --kv-connector, by version"),
        _version,
    ),
    rule("kv-role-missing", ERROR, (_START, "vllm/config/kv_transfer.py"), _role_missing),
    rule("kv-role-unknown", ERROR, (_START, "vllm/config/kv_transfer.py"), _role_wrong),
    rule("kv-role-swapped", ERROR, (SILENT, "kv_producer sends, kv_consumer receives"), _role_swapped),
    rule(
        "sglang-mode",
        ERROR,
        (
            "SGLang serves the whole request itself, or waits for a partner that never comes.",
            "SGLang's server arguments",
        ),
        _mode,
    ),
    rule(
        "sglang-backend",
        ERROR,
        ("The engines never exchange a block; requests hang or fail.", "SGLang's server arguments"),
        _backend,
    ),
    rule(
        "sglang-backend-unknown",
        ERROR,
        ("SGLang refuses to start, or generates from blocks that never came.", "SGLang's server arguments"),
        _backend_wrong,
    ),
)
