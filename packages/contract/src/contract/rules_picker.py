"""Rules about the endpoint picker: its version, and how a user's own configuration wires prefill and decode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from contract.findings import Rule, Said, Severity
from contract.picker import UPSTREAM, Dialect, UnknownVersion, dialect_of
from contract.pickerconfig import (
    HEADERS,
    PREFIX_DECIDER,
    PickerConfig,
    Plugin,
)
from contract.read import Deployment, Path, mapping, text

AT: Path = ("spec", "serving", "endpointPicker", "config")

GATE = "prepareDataPlugins"

_FILTERS = {"prefill": ("prefill-filter", "decode-filter"), "decode": ("decode-filter", "prefill-filter")}

_ANY_FILTER = ("by-label", "by-label-selector", "label-selector-filter")

ERROR, WARNING = Severity.ERROR, Severity.WARNING

CRASH = "The picker ends at once; clients get 500."

OFF = "Requests answer 200 from decode alone."

SEEN = "seen with v0.7.1, v0.8.0 and v0.10.0"


def configured(check: Callable[[PickerConfig, Dialect], Iterator[Said]]) -> Callable[[Deployment], Iterator[Said]]:
    """A check of the user's own configuration, for a version that is known."""

    def checked(deployment: Deployment) -> Iterator[Said]:
        if deployment.config and deployment.dialect:
            yield from check(deployment.config, deployment.dialect)

    return checked


def plugin_at(plugin: Plugin, *below: str) -> Path:
    """The path of a declared plugin, or of something below it."""
    return (*AT, "plugins", plugin.index, *below)


def row(id: str, severity: Severity, told: tuple[str, str], check: Callable[[Deployment], Iterator[Said]]) -> Rule:
    """One row of a table; `told` is what breaks, and how that is known."""
    return Rule(id, severity, told[0], told[1], check)


def near(name: str, known: list[str]) -> str:
    """The end of a sentence that suggests the nearest known name."""
    found = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def _version(deployment: Deployment) -> Iterator[Said]:
    if deployment.pair and isinstance(deployment.asked_dialect, UnknownVersion):
        sentence = deployment.asked_dialect.sentence
        yield Said(
            ("spec", "serving", "endpointPicker"),
            sentence[:1].upper() + sentence[1:],
            "set endpointPicker.version to one of these, such as v0.10.0",
        )


def _tag_contradicts(deployment: Deployment) -> Iterator[Said]:
    asked = mapping(deployment.serving.get("endpointPicker"))
    image, ours = text(asked.get("image")), deployment.dialect
    tagged = dialect_of(image)
    if ours and isinstance(tagged, Dialect) and tagged is not ours and image.startswith(UPSTREAM):
        yield Said(
            ("spec", "serving", "endpointPicker", "version"),
            f"version says {ours.name}, and the image is {tagged.name}",
            "remove version; the image's tag tells it",
        )


def _versions(deployment: Deployment) -> Iterator[Said]:
    yield from _version(deployment)
    yield from _tag_contradicts(deployment) if mapping(deployment.serving.get("endpointPicker")).get("image") else ()


def _api_version(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    if config.api_version not in (dialect.api_version, *dialect.deprecated_api_versions):
        told = config.api_version or "missing"
        yield Said(
            (*AT, "apiVersion"),
            f"apiVersion is {told}; picker {dialect.name} reads {dialect.api_version}",
            f"write {dialect.api_version}",
        )


def _kind(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    if config.kind != "EndpointPickerConfig":
        yield Said(
            (*AT, "kind"),
            f"kind is {config.kind or 'missing'}; picker {dialect.name} reads EndpointPickerConfig",
            "write kind: EndpointPickerConfig",
        )


def _api_version_old(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    if config.api_version in dialect.deprecated_api_versions:
        yield Said(
            (*AT, "apiVersion"),
            f"apiVersion {config.api_version} is deprecated in picker {dialect.name}",
            f"write {dialect.api_version}",
        )


def _gate_missing(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    if dialect.prepare_data_gate and GATE not in config.gates:
        yield Said(
            (*AT, "featureGates"),
            f"Picker {dialect.name} prepares no prefix data for its decider",
            f"add featureGates: [{GATE}]",
        )


def _gate_forbidden(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    if not dialect.prepare_data_gate and GATE in config.gates:
        yield Said((*AT, "featureGates"), f"Picker {dialect.name} does not know the gate {GATE}", "remove it")


def _handler(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    if config.handler is None:
        yield Said((*AT, "plugins"), "No profile handler sends requests to prefill", "declare disagg-profile-handler")


def _decider_unwired(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    if config.handler and not config.decider:
        yield Said(
            plugin_at(config.handler, "parameters"),
            f"{config.handler.type} has no decider, so nothing is ever prefilled remotely",
            f"set parameters: {{deciders: {{prefill: {PREFIX_DECIDER}}}}} and declare that plugin",
        )


def _decider_undeclared(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    if config.handler and config.decider and config.named(config.decider) is None:
        yield Said(
            plugin_at(config.handler, "parameters"),
            f"The decider {config.decider} is not declared",
            "add it to plugins, before the handler",
        )


def _decider_off(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    decider = config.named(config.decider)
    if decider and decider.type == PREFIX_DECIDER and not decider.parameters.get("nonCachedTokens"):
        yield Said(
            plugin_at(decider, "parameters"),
            f"nonCachedTokens of {decider.name} is 0, which means that nothing is ever prefilled remotely",
            "set it to the picker's block size or more",
        )


def _decider_order(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    decider, handler = config.named(config.decider), config.handler
    if dialect.decider_first and decider and handler and decider.index > handler.index:
        yield Said(
            plugin_at(decider),
            f"{decider.name} is declared after {handler.type}, which needs it",
            "move it before the handler",
        )


def _headers(config: PickerConfig, dialect: Dialect) -> Iterator[Said]:
    if dialect.headers_handler and config.handler and config.of_type(*HEADERS) is None:
        yield Said(
            (*AT, "plugins"),
            f"Picker {dialect.name} tells the sidecar no prefill pod without disagg-headers-handler",
            "declare it",
        )


def _profiles(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    for phase in ("prefill", "decode") if config.handler else ():
        name = config.profile_name(phase)
        if config.profile(name) is None:
            told = ", ".join(p.name for p in config.profiles) or "none"
            yield Said(
                (*AT, "schedulingProfiles"),
                f"No profile is called {name}; there are: {told}",
                f"call the {phase} profile {name}",
            )


def _filter_swapped(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    for phase, (_right, wrong) in _FILTERS.items() if config.handler else ():
        profile = config.profile(config.profile_name(phase))
        if profile and wrong in config.types_in(profile):
            yield Said(
                (*AT, "schedulingProfiles", profile.index),
                f"Profile {profile.name} has {wrong}",
                f"use {phase}-filter there",
            )


def _filter_missing(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    for phase, filters in _FILTERS.items() if config.handler else ():
        profile = config.profile(config.profile_name(phase))
        if profile and not {*filters, *_ANY_FILTER} & set(config.types_in(profile)):
            yield Said(
                (*AT, "schedulingProfiles", profile.index),
                f"Profile {profile.name} has no filter, so it chooses among the pods of both phases",
                f"refer to {phase}-filter first",
            )


TABLE = (
    row("picker-version", ERROR, ("Nobody knows which configuration it takes.", "sources of the picker"), _versions),
    row("picker-api-version", ERROR, (CRASH, SEEN), configured(_api_version)),
    row(
        "picker-api-version-old",
        WARNING,
        ("It stops working with a later version.", "seen with v0.10.0"),
        configured(_api_version_old),
    ),
    row("picker-kind", ERROR, (CRASH, "the picker's configuration loader"), configured(_kind)),
    row("picker-gate-missing", ERROR, (OFF, "seen with v0.7.1"), configured(_gate_missing)),
    row("picker-gate-unknown", ERROR, (CRASH, "seen with v0.8.0 and v0.10.0"), configured(_gate_forbidden)),
    row("picker-no-handler", ERROR, (OFF, "sources of the picker"), configured(_handler)),
    row("picker-decider-unwired", ERROR, (OFF, "seen with v0.7.1"), configured(_decider_unwired)),
    row(
        "picker-decider-undeclared",
        ERROR,
        (CRASH, "sources of disagg-profile-handler"),
        configured(_decider_undeclared),
    ),
    row("picker-decider-off", ERROR, (OFF, "seen with v0.7.1"), configured(_decider_off)),
    row("picker-decider-order", ERROR, (CRASH, "seen with v0.7.1; sources of v0.9"), configured(_decider_order)),
    row(
        "picker-headers-handler",
        ERROR,
        (OFF + " The picker's own counter says otherwise.", "seen with v0.7.1"),
        configured(_headers),
    ),
    row(
        "picker-profile-name",
        ERROR,
        (
            "Without the decode profile requests get 429, without the prefill profile they answer 200 from decode alone.",
            "seen with v0.7.1",
        ),
        configured(_profiles),
    ),
    row(
        "picker-filter-swapped",
        ERROR,
        ("Requests hang, or prefill never runs on prefill pods.", "seen with v0.7.1"),
        configured(_filter_swapped),
    ),
    row(
        "picker-filter-missing",
        WARNING,
        ("Half of the requests decode on prefill pods.", "seen with v0.7.1"),
        configured(_filter_missing),
    ),
)
