"""The only reader of apis/: every XRD and every Composition, sorted by name."""

from __future__ import annotations

import copy
import functools
import os
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

# A Function that is installed as a dependency is named after its repository's path; ours is modelplane/<name>.
FUNCTION_PREFIX = "modelplane-"


class UnknownKindError(LookupError):
    """No XRD in apis/ defines this kind."""


class ApisNotFoundError(LookupError):
    """The folder with the XRDs is not where the package expects it."""


def definitions() -> list[Manifest]:
    """Every CompositeResourceDefinition."""
    return _read("definition.yaml")


def compositions() -> list[Manifest]:
    """Every Composition, one per kind."""
    return _read("composition.yaml")


def definition(kind: str) -> Manifest:
    """The CompositeResourceDefinition that defines `kind`."""
    by_kind = {xrd["spec"]["names"]["kind"]: xrd for xrd in _files("definition.yaml", folder())}
    if kind in by_kind:
        return copy.deepcopy(by_kind[kind])
    known = ", ".join(sorted(by_kind))
    raise UnknownKindError(f"No kind is called {kind}; Modelplane's kinds are {known}")


def function_names() -> list[str]:
    """The functions that the Compositions call, each once, as their folders and steps are named."""
    steps = (step for each in compositions() for step in each["spec"]["pipeline"])
    return sorted({step["functionRef"]["name"].removeprefix(FUNCTION_PREFIX) for step in steps})


def folder() -> Path:
    """Where the XRDs are: MODELPLANE_APIS alone, or else what the wheel brings, or apis/ of the checkout."""
    here = Path(__file__).resolve()
    given = os.environ.get("MODELPLANE_APIS")
    places = [Path(given)] if given else [here.with_name("definitions"), *(up / "apis" for up in here.parents[4:5])]
    for place in places:
        if place.is_dir():
            return place
    raise ApisNotFoundError(
        f"No folder with the API definitions; looked at {', '.join(map(str, places))}. Set MODELPLANE_APIS"
    )


@functools.cache
def _files(name: str, place: Path) -> tuple[Manifest, ...]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(yaml.load(path.read_text(encoding="utf-8"), loader) for path in sorted(place.glob(f"*/{name}")))


def _read(name: str) -> list[Manifest]:
    return copy.deepcopy(list(_files(name, folder())))
