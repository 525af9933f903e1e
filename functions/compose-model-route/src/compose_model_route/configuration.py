"""The picker's EndpointPickerConfig: the user's own as it is, or that of the dialect of its version."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from string import Template
from typing import Any

import yaml
from contract.picker import Dialect, block_size
from schemas.modelroute import Spec

Manifest = dict[str, Any]

# vLLM's on CUDA and ROCm; what the deployment could not read from the decode engine's flags.
ENGINE_BLOCK = 16
DECIDERS = {"PrefixBased": "prefix-based-pd-decider", "Always": "always-disagg-pd-decider"}


def configuration(spec: Spec, dialect: Dialect) -> str:
    """The whole configuration as JSON, the same bytes for the same wishes."""
    asked = spec.serving.endpointPicker
    if asked and asked.config:
        # The order of a request's fields is not kept; another order would start new pods.
        return json.dumps(asked.config, separators=(",", ":"), sort_keys=True)
    wish = spec.serving.disaggregation
    engine_block = wish.blockSizeTokens if wish and wish.blockSizeTokens else ENGINE_BLOCK
    decider = wish.decider if wish else "PrefixBased"
    block = block_size(dialect, engine_block)
    config = of_dialect(dialect, block, wish.nonCachedTokens if wish else None, decider)
    return json.dumps(config, separators=(",", ":"))


def of_dialect(dialect: Dialect, block: int, non_cached: int | None = None, decider: str = "PrefixBased") -> Manifest:
    """What the dialect's file says for a block size; `non_cached` defaults to it, zero would mean never."""
    filled = Template(_file(dialect.name)).substitute(
        block=block, nonCached=non_cached or block, decider=DECIDERS[decider]
    )
    config: Manifest = yaml.safe_load(filled)
    if decider == "Always":
        for plugin in config["plugins"]:
            if plugin["type"] == DECIDERS["Always"]:
                plugin.pop("parameters", None)
    return config


@functools.cache
def _file(name: str) -> str:
    return (files("compose_model_route") / "dialects" / f"{name}.yaml").read_text(encoding="utf-8")
