"""Rules about the shape of a user's own picker configuration, which every version decodes strictly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contract.findings import Said
from contract.picker import Dialect
from contract.pickerconfig import PickerConfig
from contract.read import Path, listed, mapping
from contract.rules_picker import AT, CRASH, ERROR, configured, near, plugin_at, row

_PLUGIN, _PROFILE, _REFERENCE = ("type", "name", "parameters"), ("name", "plugins"), ("pluginRef", "weight")


def _shape(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    if "metadata" in config.raw:
        yield Said((*AT, "metadata"), "The configuration has no field metadata", "remove it")
    for index, plugin in enumerate(listed(config.raw.get("plugins"))):
        yield from _fields((*AT, "plugins", index), plugin, _PLUGIN)
    for index, profile in enumerate(listed(config.raw.get("schedulingProfiles"))):
        at: Path = (*AT, "schedulingProfiles", index)
        yield from _fields(at, profile, _PROFILE)
        for place, reference in enumerate(listed(mapping(profile).get("plugins"))):
            yield from _fields((*at, "plugins", place), reference, _REFERENCE)
            yield from _reference((*at, "plugins", place), mapping(reference))


def _fields(at: Path, value: Any, known: tuple[str, ...]) -> Iterator[Said]:
    if not isinstance(value, Mapping):
        yield Said(at, f"{value!r} is no object", f"write {known[0]}: and what it names")
        return
    for name in sorted(str(k) for k in set(value) - set(known)):
        yield Said(
            (*at, name), f"There is no field {name}, only {', '.join(known)}", f"remove it{near(name, list(known))}"
        )


def _reference(at: Path, reference: Mapping[str, Any]) -> Iterator[Said]:
    weight = reference.get("weight")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float)):
        yield Said((*at, "weight"), f"weight is {weight!r}, no number", "write it unquoted")


def _twice(config: PickerConfig, _: Dialect) -> Iterator[Said]:
    handlers = [p for p in config.plugins if p.type.endswith("profile-handler")]
    for plugin in handlers[1:]:
        yield Said(
            plugin_at(plugin), f"{handlers[0].type} and {plugin.type} are both declared; only one may be", "remove one"
        )
    for index, plugin in enumerate(config.plugins):
        if plugin.name and plugin.name in (p.name for p in config.plugins[:index]):
            yield Said(
                plugin_at(plugin), f"Two plugins are called {plugin.name}", "remove one, or give it another name"
            )
    for index, profile in enumerate(config.profiles):
        if profile.name in (p.name for p in config.profiles[:index]):
            yield Said((*AT, "schedulingProfiles", index), f"Two profiles are called {profile.name}", "remove one")


TABLE = (
    row("picker-shape", ERROR, (CRASH, "the picker's configuration loader, v0.7 to v0.10"), configured(_shape)),
    row("picker-twice", ERROR, (CRASH, "the picker's configuration loader, v0.7 to v0.10"), configured(_twice)),
)
