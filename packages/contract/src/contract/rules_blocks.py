"""Rules about the size of KV blocks in the picker and in the engine, and the threshold that is counted in them."""

from __future__ import annotations

from collections.abc import Iterator

from contract import picker
from contract.findings import Said
from contract.picker import Dialect
from contract.pickerconfig import (
    PREFIX_DECIDER,
)
from contract.read import Deployment, Path
from contract.rules_picker import AT, ERROR, WARNING, plugin_at, row

DISAGGREGATION: Path = ("spec", "serving", "disaggregation")


def _config_blocks(deployment: Deployment) -> Iterator[Said]:
    config, dialect = deployment.config, deployment.dialect
    written = config.prefix.parameters.get("blockSizeTokens") if config and config.prefix else None
    if config and config.prefix and dialect and (said := _contradiction(deployment, dialect, written)):
        yield Said(plugin_at(config.prefix, "parameters", "blockSizeTokens"), *said)


def _blocks(deployment: Deployment) -> Iterator[Said]:
    dialect = deployment.dialect
    written = deployment.disaggregation.get("blockSizeTokens")
    if dialect and deployment.config is None and (said := _contradiction(deployment, dialect, written)):
        yield Said((*DISAGGREGATION, "blockSizeTokens"), *said)


def _contradiction(deployment: Deployment, dialect: Dialect, written: object) -> tuple[str, str] | None:
    """What is wrong with the picker's block size, and the fix."""
    engine = deployment.decode.flags.block_size if deployment.decode else None
    if not isinstance(written, int) or not engine or written <= 0:
        return None
    right = picker.block_size(dialect, engine)
    fits = written % engine == 0 if dialect.min_block_size > 1 else written == engine
    return (
        None
        if fits
        else (f"The picker's blocks have {written} tokens, the decode engine's have {engine}", f"write {right}")
    )


def _small(deployment: Deployment) -> Iterator[Said]:
    dialect, written = deployment.dialect, _written_block(deployment)
    if dialect and isinstance(written, int) and 0 < written < dialect.min_block_size:
        at = (*AT, "plugins") if deployment.config else (*DISAGGREGATION, "blockSizeTokens")
        yield Said(
            at,
            f"Picker {dialect.name} enlarges blocks of {written} tokens to {dialect.min_block_size}",
            f"write {dialect.min_block_size}",
        )


def _written_block(deployment: Deployment) -> object:
    if deployment.config:
        return deployment.config.prefix.parameters.get("blockSizeTokens") if deployment.config.prefix else None
    return deployment.disaggregation.get("blockSizeTokens")


def _threshold(deployment: Deployment) -> Iterator[Said]:
    dialect, decode = deployment.dialect, deployment.decode
    if not dialect or not decode:
        return
    written = _written_block(deployment)
    block = written if isinstance(written, int) else picker.block_size(dialect, decode.flags.block_size or 16)
    tokens, at = deployment.disaggregation.get("nonCachedTokens"), (*DISAGGREGATION, "nonCachedTokens")
    if deployment.config:
        decider = deployment.config.named(deployment.config.decider)
        tokens = decider.parameters.get("nonCachedTokens") if decider and decider.type == PREFIX_DECIDER else None
        at = plugin_at(decider, "parameters", "nonCachedTokens") if decider else AT
    if isinstance(tokens, int) and 0 < tokens < block:
        yield Said(
            at,
            f"nonCachedTokens {tokens} is less than the {block} tokens of the picker's blocks",
            f"set it to {block} or more",
        )


def _overridden(deployment: Deployment) -> Iterator[Said]:
    if deployment.pair and deployment.config:
        for name in sorted({"nonCachedTokens", "blockSizeTokens"} & set(deployment.disaggregation)):
            yield Said(
                (*DISAGGREGATION, name),
                f"{name} is not used beside endpointPicker.config",
                "write it there, and remove it here",
            )


TABLE = (
    row(
        "picker-config-block-size",
        ERROR,
        ("Prefixes never match what the engine has cached.", "blocks must align"),
        _config_blocks,
    ),
    row(
        "block-size-contradicts",
        ERROR,
        ("Prefixes never match what the engine has cached.", "blocks must align"),
        _blocks,
    ),
    row("block-size-small", WARNING, ("The picker silently works with larger blocks.", "seen with v0.10.0"), _small),
    row(
        "threshold-below-block",
        WARNING,
        ("A prompt that is fully cached is prefilled remotely every time.", "seen with v0.7.1 and v0.8.0"),
        _threshold,
    ),
    row(
        "picker-config-wins",
        WARNING,
        ("The value here has no effect.", "the configuration is used as it is"),
        _overridden,
    ),
)
