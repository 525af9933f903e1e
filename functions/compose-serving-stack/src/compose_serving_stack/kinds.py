"""Definitions of others that come with this function: put into its image from a pinned module, never committed."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from compose_serving_stack.parts import Part

Manifest = dict[str, Any]

READY_WHEN = (
    "has(object.status) && has(object.status.conditions) && "
    "object.status.conditions.exists(c, c.type == 'Established' && c.status == 'True')"
)
PREFIX = "kind-"
MISSING = (
    "this build carries no definitions of it; install them yourself and set spec.components.{}.enabled to false, "
    "or name the folder that has them to the function, as MODELPLANE_KINDS"
)


def of(part: Part) -> tuple[Manifest, ...]:
    """The definitions of `part`; none when this build was made without them."""
    return _read(part.kinds, os.environ.get("MODELPLANE_KINDS", ""))


def key(definition: Manifest) -> str:
    """What the Object is composed under."""
    return f"{PREFIX}{definition['metadata']['name']}"


@functools.cache
def _read(patterns: tuple[str, ...], given: str) -> tuple[Manifest, ...]:
    folder = Path(given) if given else Path(__file__).with_name("kinds")
    files = (file for pattern in patterns for file in sorted(folder.glob(pattern)))
    return tuple(definition for file in files for definition in _definitions(file))


def _definitions(file: Path) -> Iterator[Manifest]:
    for found in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        if found:
            found.pop("status", None)
            yield found
