"""Rules about the plugins of a user's own picker configuration: which exist, and what they take."""

from __future__ import annotations

from collections.abc import Iterator

from contract import plugins
from contract.findings import Said
from contract.picker import Dialect
from contract.pickerconfig import (
    PREFIX_DECIDER,
    PREFIX_PARAMETERS,
    PREFIX_PRODUCER,
    PREFIX_SCORER,
    PickerConfig,
)
from contract.rules_picker import AT, CRASH, ERROR, OFF, SEEN, WARNING, configured, near, plugin_at, row


def _references(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    declared = [p.name for p in config.plugins]
    for profile in config.profiles:
        for index, name in enumerate(profile.references):
            if name and name not in declared:
                yield Said(
                    (*AT, "schedulingProfiles", profile.index, "plugins", index),
                    f"Profile {profile.name} refers to {name}, which is not declared",
                    f"add it to plugins{near(name, declared)}",
                )


def _plugin_version(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    for plugin in config.plugins:
        known = plugins.KNOWN.get(plugin.type)
        if known and plugins.is_before(dialect.name, known.since):
            yield Said(
                plugin_at(plugin, "type"),
                f"Picker {dialect.name} has no {plugin.type}; it came with {known.since}",
                "remove it, or use that version",
            )
        if known and plugins.has_passed(dialect.name, known.gone):
            yield Said(
                plugin_at(plugin, "type"),
                f"Picker {dialect.name} has no {plugin.type} any more",
                f"use {known.instead}",
            )


def _plugin_unknown(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    for plugin in config.plugins:
        if plugin.type not in plugins.KNOWN:
            nearest = near(plugin.type, list(plugins.KNOWN))
            yield Said(
                plugin_at(plugin, "type"),
                f"No picker from v0.7 to v0.11 is known to have a plugin {plugin.type or 'without a type'}",
                f"check the name{nearest}",
            )


def _plugin_old(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    for plugin in config.plugins:
        known = plugins.KNOWN.get(plugin.type, plugins.Known())
        if plugins.has_passed(dialect.name, known.deprecated) and not plugins.has_passed(dialect.name, known.gone):
            yield Said(
                plugin_at(plugin, "type"),
                f"{plugin.type} is deprecated in picker {dialect.name}",
                f"use {known.instead}",
            )


def _misplaced(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    wrong, right = (PREFIX_SCORER, PREFIX_PRODUCER) if dialect.prefix_producer else (PREFIX_PRODUCER, PREFIX_SCORER)
    for plugin in config.plugins:
        found = [p for p in PREFIX_PARAMETERS if p in plugin.parameters]
        if plugin.type == wrong and found:
            yield Said(
                plugin_at(plugin, "parameters"),
                f"In picker {dialect.name}, {', '.join(found)} belong to {right}",
                f"move them to {right}",
            )


def _unknown_parameters(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    for plugin in config.plugins if dialect.name in plugins.STRICT else ():
        known = plugins.PARAMETERS.get(plugin.type, frozenset(plugin.parameters))
        for name in sorted(set(plugin.parameters) - known):
            yield Said(
                plugin_at(plugin, "parameters", name),
                f"{plugin.type} of picker {dialect.name} has no parameter {name}",
                f"remove it{near(name, sorted(known))}",
            )


def _no_number(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    for plugin in config.plugins:
        for name in sorted(plugins.NUMBERS & set(plugin.parameters)):
            value = plugin.parameters[name]
            if plugin.type in plugins.PARAMETERS and (not isinstance(value, int) or isinstance(value, bool)):
                yield Said(
                    plugin_at(plugin, "parameters", name), f"{name} is {value!r}, no whole number", "write it unquoted"
                )


def _parameters(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    for check in (_misplaced, _unknown_parameters, _no_number):
        yield from check(config, dialect)


def _auto_tune(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    prefix = config.prefix
    if prefix and prefix.parameters.get("autoTune") is not False:
        yield Said(
            plugin_at(prefix, "parameters"),
            f"autoTune of {prefix.name} is not false, so its blocks are what engines report, not what is written here",
            "set autoTune: false and blockSizeTokens",
        )


def _no_prefix(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    decider = config.named(config.decider)
    by_default = dialect.api_version.startswith("llm-d")
    if (
        decider
        and decider.type == PREFIX_DECIDER
        and not by_default
        and not any("prefix-cache" in p.type for p in config.plugins)
    ):
        right = PREFIX_PRODUCER if dialect.prefix_producer else PREFIX_SCORER
        yield Said((*AT, "plugins"), f"Nothing tells {decider.name} what is cached", f"declare {right}")


TABLE = (
    row("picker-reference", ERROR, (CRASH, "the picker's configuration loader"), configured(_references)),
    row(
        "picker-plugin-version", ERROR, (CRASH, "the plugins that each version registers"), configured(_plugin_version)
    ),
    row(
        "picker-plugin-unknown",
        WARNING,
        ("A picker that has no such plugin ends at once; clients get 500.", "as above"),
        configured(_plugin_unknown),
    ),
    row("picker-plugin-old", WARNING, ("It stops working with v0.11.", "as above"), configured(_plugin_old)),
    row(
        "picker-parameters",
        ERROR,
        ("From v0.9 on the picker ends at once and clients get 500; before, the parameters are not used.", SEEN),
        configured(_parameters),
    ),
    row(
        "picker-auto-tune",
        WARNING,
        ("Prefixes are cut into other blocks than the ones written here.", "sources of the prefix plugins"),
        configured(_auto_tune),
    ),
    row("picker-no-prefix", ERROR, (OFF, "sources of prefix-based-pd-decider"), configured(_no_prefix)),
)
