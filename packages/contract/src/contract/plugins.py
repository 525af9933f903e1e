"""The picker's plugins that people use, and the versions that have them: facts, no code."""

from __future__ import annotations

from dataclasses import dataclass

ORDER = ("v0.7", "v0.8", "v0.9", "v0.10", "v0.11")


@dataclass(frozen=True)
class Known:
    """The first version that has a plugin, the first that deprecates it, the first that lacks it again."""

    since: str = "v0.7"
    deprecated: str = ""
    gone: str = ""
    instead: str = ""


_ALWAYS = (
    "active-request-scorer always-disagg-multimodal-decider always-disagg-pd-decider context-length-aware "
    "core-metrics-extractor data-parallel-profile-handler decode-filter disagg-profile-handler encode-filter "
    "kv-cache-utilization-scorer load-aware-scorer lora-affinity-scorer max-score-picker metrics-data-source "
    "model-server-protocol-models models-data-source no-hit-lru-scorer openai-parser precise-prefix-cache-scorer "
    "prefill-filter prefix-based-pd-decider prefix-cache-scorer queue-scorer random-picker running-requests-size-scorer "
    "session-affinity-scorer single-profile-handler weighted-random-picker"
)
_HANDLER = "disagg-profile-handler"
_SELECTOR = "label-selector-filter"
_SINCE_9 = (
    "anthropic-parser endpoint-notification-source label-selector-filter mm-embeddings-cache-producer "
    "mm-embeddings-cache-scorer models-data-extractor precise-prefix-cache-producer session-affinity-filter "
    "session-id-producer token-producer vllmhttp-parser"
)
_SINCE_10 = (
    "burst-prefix-cache-producer endpoint-attribute-filter endpoint-attribute-scorer header-label-affinity-scorer "
    "header-profile-handler topology-affinity-filter topology-affinity-scorer utilization-filter"
)
KNOWN: dict[str, Known] = {
    **{name: Known() for name in _ALWAYS.split()},
    **{name: Known("v0.9") for name in _SINCE_9.split()},
    **{name: Known("v0.10") for name in _SINCE_10.split()},
    "approx-prefix-cache-producer": Known("v0.8"),
    "inflight-load-producer": Known("v0.8"),
    "disagg-headers-handler": Known(deprecated="v0.9", gone="v0.11", instead=_HANDLER),
    "prefill-header-handler": Known(deprecated="v0.7", gone="v0.11", instead=_HANDLER),
    "pd-profile-handler": Known(deprecated="v0.7", gone="v0.11", instead=_HANDLER),
    "by-label": Known(deprecated="v0.9", gone="v0.11", instead=_SELECTOR),
    "by-label-selector": Known(deprecated="v0.9", gone="v0.11", instead=_SELECTOR),
}


_PREFIX = "autoTune blockSizeTokens blockSize maxPrefixBlocksToMatch maxPrefixTokensToMatch lruCapacityPerServer"
_DISAGG = (
    "stageOrder profiles deciders decodeProfile prefillProfile encodeProfile prefillDeciderPluginName "
    "encodeDeciderPluginName deciderPluginName"
)
# Everything that these plugins take in v0.9 or v0.10, where one that a plugin does not know ends the picker.
PARAMETERS: dict[str, frozenset[str]] = {
    "approx-prefix-cache-producer": frozenset(_PREFIX.split()),
    "prefix-based-pd-decider": frozenset({"nonCachedTokens", "promptTokens"}),
    "disagg-profile-handler": frozenset(_DISAGG.split()),
}
STRICT = ("v0.9", "v0.10")
NUMBERS = frozenset(_PREFIX.split()[1:]) | {"nonCachedTokens", "promptTokens"}


def is_before(version: str, other: str) -> bool:
    """Whether `version` is older than `other`; nothing is older than no version."""
    return bool(other) and ORDER.index(version) < ORDER.index(other)


def has_passed(version: str, other: str) -> bool:
    """Whether `other` names a version, and `version` is that one or newer."""
    return bool(other) and not is_before(version, other)
