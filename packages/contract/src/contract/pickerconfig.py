"""An EndpointPickerConfig that its user wrote, as far as the rules look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HANDLERS = ("disagg-profile-handler", "pd-profile-handler")
PREFIX_DECIDER = "prefix-based-pd-decider"
HEADERS = ("disagg-headers-handler", "prefill-header-handler")
PREFIX_SCORER, PREFIX_PRODUCER = "prefix-cache-scorer", "approx-prefix-cache-producer"
PREFIX_PARAMETERS = (
    "autoTune",
    "blockSizeTokens",
    "maxPrefixBlocksToMatch",
    "maxPrefixTokensToMatch",
    "lruCapacityPerServer",
)


@dataclass(frozen=True)
class Plugin:
    """One declared plugin, by its place in the list."""

    index: int
    type: str
    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Profile:
    """One scheduling profile and the names of the plugins that it refers to."""

    index: int
    name: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class PickerConfig:
    """The whole configuration."""

    raw: Mapping[str, Any]

    api_version: str
    kind: str
    gates: tuple[str, ...]
    plugins: tuple[Plugin, ...]
    profiles: tuple[Profile, ...]

    def of_type(self, *types: str) -> Plugin | None:
        """The first plugin that is of one of these types."""
        return next((p for p in self.plugins if p.type in types), None)

    def named(self, name: str) -> Plugin | None:
        """The plugin of that name."""
        return next((p for p in self.plugins if p.name == name), None)

    def profile(self, name: str) -> Profile | None:
        """The profile of that name."""
        return next((p for p in self.profiles if p.name == name), None)

    def types_in(self, profile: Profile) -> tuple[str, ...]:
        """The types of the plugins that a profile refers to."""
        found = (self.named(name) for name in profile.references)
        return tuple(p.type for p in found if p)

    @property
    def handler(self) -> Plugin | None:
        """The plugin that decides which profiles a request goes through."""
        return self.of_type(*HANDLERS)

    @property
    def decider(self) -> str:
        """The name of the plugin that decides whether a prefill is remote; empty when none is wired."""
        parameters = self.handler.parameters if self.handler else {}
        nested = _mapping(parameters.get("deciders")).get("prefill")
        return _text(nested or parameters.get("prefillDeciderPluginName") or parameters.get("deciderPluginName"))

    def profile_name(self, phase: str) -> str:
        """The name under which the handler looks for a phase's profile."""
        parameters = self.handler.parameters if self.handler else {}
        given = _mapping(parameters.get("profiles")).get(phase) or parameters.get(f"{phase}Profile")
        return _text(given) or phase

    @property
    def prefix(self) -> Plugin | None:
        """The plugin whose parameters say how prefixes are matched."""
        candidates = [p for p in self.plugins if p.type in (PREFIX_PRODUCER, PREFIX_SCORER)]
        return next((p for p in candidates if p.parameters), candidates[0] if candidates else None)


def read(config: Mapping[str, Any]) -> PickerConfig:
    """Read a configuration; what has another shape is passed over."""
    gates = tuple(g for g in _listed(config.get("featureGates")) if isinstance(g, str))
    plugins = tuple(_plugins(_listed(config.get("plugins"))))
    profiles = tuple(_profiles(_listed(config.get("schedulingProfiles"))))
    return PickerConfig(config, _text(config.get("apiVersion")), _text(config.get("kind")), gates, plugins, profiles)


def _plugins(plugins: Sequence[Any]) -> Iterator[Plugin]:
    for index, plugin in enumerate(map(_mapping, plugins)):
        type = _text(plugin.get("type"))
        yield Plugin(index, type, _text(plugin.get("name")) or type, _mapping(plugin.get("parameters")))


def _profiles(profiles: Sequence[Any]) -> Iterator[Profile]:
    for index, profile in enumerate(map(_mapping, profiles)):
        references = (_text(_mapping(p).get("pluginRef")) for p in _listed(profile.get("plugins")))
        yield Profile(index, _text(profile.get("name")), tuple(references))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
