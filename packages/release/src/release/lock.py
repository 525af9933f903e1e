"""All that a fleet fetches: packages, charts, images, models, and the kinds of others; by digest where one is known."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from contract import read
from offline.remote import CLUSTER_LABEL
from schemas import apis

from release import compatibility, names
from release.packages import INDEX, dependencies

Manifest = Mapping[str, Any]
Row = dict[str, Any]


def lock(rendered: Sequence[Manifest], packages: Path | None) -> dict[str, list[Row]]:
    """What `rendered`, all objects on all clusters, needs beside the packages of this version."""
    return {
        "packages": [*_packages(packages), *_providers()],
        "charts": _charts(rendered),
        "images": _images(rendered),
        "models": _models(rendered),
        "testedWith": [{"name": row.name, "where": row.where, "version": row.version} for row in compatibility.table()],
    }


def images_of(manifest: Any) -> Iterator[str]:
    """Every image that is named anywhere in a manifest."""
    if isinstance(manifest, Mapping):
        if isinstance(manifest.get("image"), str):
            yield manifest["image"]
        for value in manifest.values():
            yield from images_of(value)
    elif isinstance(manifest, list | tuple):
        for value in manifest:
            yield from images_of(value)


def _packages(folder: Path | None) -> list[Row]:
    digests = {}
    if folder:
        built = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        digests = {row["name"]: row["digest"] for row in built if row["version"] == names.version()}
    return [
        {"package": f"{names.package(name)}:{names.version()}", "digest": digests.get(name)}
        for name in (names.CONFIGURATION, *apis.function_names())
    ]


def _providers() -> list[Row]:
    """At the version that is tested, which is the least that the Configuration asks for."""
    return [
        {"package": f"{needed['package']}:{needed['version'].lstrip('>=')}", "digest": None}
        for needed in dependencies()["dependsOn"]
    ]


def _charts(rendered: Iterable[Manifest]) -> list[Row]:
    needed = defaultdict(set)
    for manifest in rendered:
        if manifest["kind"] == "Release":
            chart = manifest["spec"]["forProvider"]["chart"]
            named = chart.get("url") or f"{chart['repository']}/{chart['name']}"
            needed[named, str(chart.get("version") or "")].add(_described(manifest))
    return [
        {"chart": chart, "version": version or None, "neededBy": sorted(needed[chart, version])}
        for chart, version in sorted(needed)
    ]


def _images(rendered: Iterable[Manifest]) -> list[Row]:
    needed = defaultdict(set)
    for manifest in rendered:
        if CLUSTER_LABEL in manifest["metadata"].get("annotations", {}):
            for image in images_of(manifest):
                needed[image].add(_described(manifest))
    return [
        {"image": image, "digest": image.partition("@")[2] or None, "neededBy": sorted(needed[image])}
        for image in sorted(needed)
    ]


def _models(rendered: Iterable[Manifest]) -> list[Row]:
    needed = defaultdict(set)
    for manifest in rendered:
        for model, revision in _named(manifest):
            needed[model, revision].add(_described(manifest))
    return [
        {"model": model, "revision": revision or None, "neededBy": sorted(needed[model, revision])}
        for model, revision in sorted(needed)
    ]


def _named(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The models in a manifest: on the command lines of its engines, or what a cache fetches."""
    if manifest["kind"] == "ModelCache":
        source = manifest["spec"].get("huggingFace", {})
        yield source.get("repo", ""), source.get("revision", "")
    if manifest["kind"] == "ModelDeployment":
        for engine in read.read(manifest).engines:
            model = engine.flags.model
            # A path is not fetched: somebody has put it there.
            if model and not model.startswith("/"):
                yield model, engine.flags.text("revision") or ""


def _described(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    place = metadata.get("annotations", {}).get(CLUSTER_LABEL)
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    return f"{manifest['kind']} {name}" + (f" on {place}" if place else "")
