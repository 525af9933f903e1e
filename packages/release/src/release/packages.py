"""Crossplane packages, built by Crossplane's own command line: one per function, one Configuration over them."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from local import tools
from schemas import apis

from release import image, names, sbom
from release.architecture import BUILDER, Architecture
from release.errors import ReleaseError
from release.functions import Images

Manifest = dict[str, Any]
INDEX = "index.json"
INSTALL = "install.yaml"
_DEPENDENCIES = Path(__file__).with_name("dependencies.yaml")


@dataclass(frozen=True)
class Built:
    """One package file: what it is called in a registry, and by which digest."""

    name: str
    kind: str
    package: str
    version: str
    file: str
    sha256: str
    digest: str


def build(folder: Path, cache: Path, only: Collection[str] = (), on: Architecture = BUILDER) -> Iterator[Built]:
    """Every package into `folder`, or only some functions', each told when it is built; then the index of them."""
    folder.mkdir(parents=True, exist_ok=True)
    images, found = Images(cache, on), []
    for function in only or apis.function_names():
        archive = image.docker_archive(images.image(function))
        found.append(_build(folder, function, {"crossplane": function_metadata(function)}, archive))
        _write(folder / f"{function}-{names.version()}.cdx.json", sbom.of_function(function, on))
        yield found[-1]
    manifests = {f"{m['kind']}-{m['metadata']['name']}": m for m in (*apis.definitions(), *apis.compositions())}
    found.append(_build(folder, names.CONFIGURATION, {"crossplane": configuration_metadata(), **manifests}))
    yield found[-1]
    _write(folder / INSTALL, install_manifests())
    _write(folder / INDEX, json.dumps([asdict(built) for built in found], indent=1) + "\n")


def install_manifests() -> str:
    """All of install/ as one file: what a control plane needs beside packages."""
    files = sorted(
        (names.checkout() / "install").glob("*.yaml"), key=lambda file: (file.stem != "namespace", file.stem)
    )
    return "---\n".join(file.read_text(encoding="utf-8") for file in files)


def function_metadata(function: str) -> Manifest:
    """The crossplane.yaml of a Function package."""
    what = f"Composes for Modelplane: {function.removeprefix('compose-').replace('-', ' ')}."
    return {**_metadata("Function", function, what), "spec": {**_requirements(), "capabilities": ["composition"]}}


def configuration_metadata() -> Manifest:
    """The crossplane.yaml of the Configuration: it brings the functions of its own version, and the providers."""
    functions = [
        {
            "apiVersion": "pkg.crossplane.io/v1",
            "kind": "Function",
            "package": names.package(f),
            "version": names.version(),
        }
        for f in apis.function_names()
    ]
    spec = {**_requirements(), "dependsOn": [*functions, *dependencies()["dependsOn"]]}
    what = "A fleet control plane for LLM inference: its kinds, and how they are composed."
    return {**_metadata("Configuration", names.CONFIGURATION, what), "spec": spec}


def _metadata(kind: str, name: str, description: str) -> Manifest:
    annotations = {"meta.crossplane.io/license": "Apache-2.0", "meta.crossplane.io/description": description}
    return {
        "apiVersion": "meta.pkg.crossplane.io/v1",
        "kind": kind,
        "metadata": {"name": name, "annotations": annotations},
    }


def _requirements() -> Manifest:
    return {"crossplane": dependencies()["crossplane"]}


def dependencies() -> Manifest:
    """What dependencies.yaml says."""
    found: Manifest = yaml.safe_load(_DEPENDENCIES.read_text(encoding="utf-8"))
    return found


def _build(folder: Path, name: str, manifests: Mapping[str, Manifest], runtime: bytes = b"") -> Built:
    target = folder / f"{name}-{names.version()}.xpkg"
    with tempfile.TemporaryDirectory() as work:
        root, archive = Path(work, "package"), Path(work, "runtime.tar")
        root.mkdir()
        for stem, manifest in manifests.items():
            (root / f"{stem}.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
        command = [
            "xpkg",
            "build",
            f"--package-root={root}",
            f"--package-file={target}",
            f"--examples-root={work}/none",
        ]
        if runtime:
            archive.write_bytes(runtime)
            command.append(f"--embed-runtime-image-tarball={archive}")
        _run("crossplane-cli", *command)
    kind = str(manifests["crossplane"]["kind"])
    digest = _run("crane", "digest", f"--tarball={target}").strip()
    return Built(name, kind, names.package(name), names.version(), target.name, _hash(target), digest)


def _run(tool: str, *arguments: str) -> str:
    done = subprocess.run([str(tools.path(tool)), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{tool} {arguments[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _hash(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
