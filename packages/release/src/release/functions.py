"""The image of each function: a runtime that all share, the wheels and packages that this one needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from local import tools

from release import bytecode, names, runtime, tree, wheels
from release.architecture import BUILDER, Architecture
from release.image import Image
from release.tree import Node

SHARED = "modelplane-kit"
# Definitions of others that a function installs on clusters: of which tool, and in which folder it looks for them.
DEFINITIONS = {"compose-serving-stack": ("inference-extension", "compose_serving_stack/kinds/")}


@dataclass
class Images:
    """Makes images; what several of them need is made once."""

    cache: Path
    on: Architecture = BUILDER
    _layers: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    _runtime: dict[str, Node] = field(default_factory=dict)

    def image(self, function: str) -> Image:
        """The image of one function. Layers that many have come first, so that they are fetched once."""
        needed = wheels.closure(function)
        ours = {name for name in needed if name in wheels.members()}
        shared = wheels.closure(SHARED) - set(wheels.members())
        layers = [self._runtime_layer(), self._wheels(shared)]
        if more := needed - ours - shared:
            layers.append(self._wheels(more))
        if function in runtime.FETCHING:
            layers.append(tree.archive(runtime.fetching(self.cache, self.on)))
        layers.append(self._compiled({**wheels.sources(ours, runtime.SITE), **definitions(function)}))
        labels = {
            "org.opencontainers.image.title": function,
            "org.opencontainers.image.version": names.version(),
            "org.opencontainers.image.licenses": "Apache-2.0",
        }
        name = f"{names.package(function)}:{names.version()}"
        return Image(name, function.replace("-", "_"), tuple(layers), labels, self.on.name)

    def _compiler(self) -> dict[str, Node]:
        """The runtime of the machine that builds: what it compiles is the same for all."""
        if not self._runtime:
            self._runtime = runtime.files(self.cache)
        return self._runtime

    def _runtime_layer(self) -> bytes:
        if () not in self._layers:
            files = runtime.files(self.cache, self.on)
            modules = bytecode.compiled(files, self._compiler())
            self._layers[()] = tree.archive({**files, **modules}, runtime.FOLDERS)
        return self._layers[()]

    def _wheels(self, distributions: set[str]) -> bytes:
        key = tuple(sorted(distributions))
        if key not in self._layers:
            self._layers[key] = self._compiled(wheels.install(key, runtime.SITE, runtime.dropped("wheels"), self.on))
        return self._layers[key]

    def _compiled(self, files: dict[str, Node]) -> bytes:
        return tree.archive({**files, **bytecode.compiled(files, self._compiler())})


def definitions(function: str) -> dict[str, Node]:
    """The definitions of others that come with a function, from the pinned module: they are never committed."""
    if function not in DEFINITIONS:
        return {}
    tool, folder = DEFINITIONS[function]
    return tree.read(tools.files(tool) / "crds", f"{runtime.SITE}{folder}")
