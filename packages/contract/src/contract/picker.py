"""The versions of the endpoint picker and of the sidecar, and how their configurations differ: facts, no code.

Seen working: v0.7, v0.8, v0.10. From their sources: v0.9, v0.11 (`design/contract.md`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_X_K8S = "inference.networking.x-k8s.io/v1alpha1"
_LLM_D = "llm-d.ai/v1alpha1"
_OLD = "ghcr.io/llm-d/llm-d-inference-scheduler", "ghcr.io/llm-d/llm-d-routing-sidecar"
_NEW = "ghcr.io/llm-d/llm-d-router-endpoint-picker", "ghcr.io/llm-d/llm-d-router-disagg-sidecar"

UPSTREAM = tuple(f"{image}:" for image in (_OLD[0], _NEW[0]))
DEFAULT_VERSION = "v0.10.0"


@dataclass(frozen=True)
class Dialect:
    """What a version of the picker takes, and what its sidecar is called with."""

    version: str
    """The release that the defaults name, such as v0.10.0."""
    api_version: str
    deprecated_api_versions: tuple[str, ...]
    picker_repository: str
    sidecar_repository: str
    engine_port_flag: str
    """The sidecar's flag for the port of the engine behind it."""
    metric_prefix: str
    """How the names of the picker's own metrics begin."""
    prepare_data_gate: bool
    """featureGates: [prepareDataPlugins] is required; where it is not required, it crashes the picker."""
    prefix_producer: bool
    """The prefix parameters stand on approx-prefix-cache-producer, not on prefix-cache-scorer."""
    headers_handler: bool
    """disagg-headers-handler must be declared, or prefill is silently never remote."""
    decider_first: bool
    """The decider must be declared before disagg-profile-handler."""
    strict_parameters: bool
    """A parameter that a plugin does not know crashes the picker."""
    prefix_limit: str
    """The parameter that bounds the prefix looked at."""
    min_block_size: int
    """Blocks with fewer tokens are enlarged to this."""
    min_is_block_size: bool
    """nonCachedTokens below the block size prefills remotely what is cached."""
    falls_back: bool
    """A request is decoded alone when no prefill pod is Ready; otherwise it fails."""
    load_producer: bool
    """inflight-load-producer and active-request-scorer exist and are in the default configuration."""
    connectors: tuple[str, ...]
    """The values of serving.disaggregation.connector that its sidecar speaks."""

    @property
    def name(self) -> str:
        """The minor release, such as v0.10."""
        return self.version.rsplit(".", 1)[0]

    @property
    def picker_image(self) -> str:
        return f"{self.picker_repository}:{self.version}"

    @property
    def sidecar_image(self) -> str:
        return f"{self.sidecar_repository}:{self.version}"


@dataclass(frozen=True)
class UnknownVersion:
    """No dialect is known for what was asked; `sentence` says what to do."""

    sentence: str


_CONNECTORS = ("NixlV2", "SGLang")

V0_7 = Dialect(
    version="v0.7.1",
    api_version=_X_K8S,
    deprecated_api_versions=(),
    picker_repository=_OLD[0],
    sidecar_repository=_OLD[1],
    engine_port_flag="--vllm-port",
    metric_prefix="llm_d_inference_scheduler",
    prepare_data_gate=True,
    prefix_producer=False,
    headers_handler=True,
    decider_first=True,
    strict_parameters=False,
    prefix_limit="maxPrefixBlocksToMatch",
    min_block_size=1,
    min_is_block_size=True,
    falls_back=True,
    load_producer=False,
    connectors=_CONNECTORS,
)
V0_8 = replace(V0_7, version="v0.8.0", prepare_data_gate=False, prefix_producer=True)
V0_9 = replace(
    V0_8,
    version="v0.9.0",
    api_version=_LLM_D,
    deprecated_api_versions=(_X_K8S,),
    picker_repository=_NEW[0],
    sidecar_repository=_NEW[1],
    headers_handler=False,
    strict_parameters=True,
    min_is_block_size=False,
    connectors=(*_CONNECTORS, "Mooncake"),
)
V0_10 = replace(
    V0_9,
    version=DEFAULT_VERSION,
    engine_port_flag="--model-server-port",
    metric_prefix="llm_d_epp",
    decider_first=False,
    prefix_limit="maxPrefixTokensToMatch",
    min_block_size=64,
    load_producer=True,
)
V0_11 = replace(V0_10, version="v0.11.0", deprecated_api_versions=(), falls_back=False)
DIALECTS = {d.name: d for d in (V0_7, V0_8, V0_9, V0_10, V0_11)}
DEFAULT = DIALECTS[DEFAULT_VERSION.rsplit(".", 1)[0]]

_RELEASE = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)?(?:[-+].*)?")


def dialect_of(image: str | None = None, version: str | None = None) -> Dialect | UnknownVersion:
    """The dialect of a picker; the version that is stated wins over the image's tag."""
    known = ", ".join(DIALECTS)
    if version:
        found = _known(version)
        return found or UnknownVersion(f"version {version} of the endpoint picker is not known; known are {known}")
    if not image:
        return DEFAULT
    tag = _tag(image)
    release = _RELEASE.fullmatch(tag)
    if release is None:
        told = f"the tag {tag}" if tag else "an image without a tag" if "@" not in image else "a digest"
        return UnknownVersion(f"{told} does not tell the endpoint picker's version; known are {known}")
    return _known(tag) or UnknownVersion(f"version {tag} of the endpoint picker is not known; known are {known}")


def block_size(dialect: Dialect, engine_block: int) -> int:
    """The picker's block size for an engine's: a multiple of it, and no smaller than the picker works with."""
    engine_block = max(engine_block, 1)
    return engine_block * -(-dialect.min_block_size // engine_block)


def _known(release: str) -> Dialect | None:
    match = _RELEASE.fullmatch(release)
    return DIALECTS.get(f"v{match.group(1)}.{match.group(2)}") if match else None


def _tag(image: str) -> str:
    name = image.partition("@")[0].rsplit("/", 1)[-1]
    return name.partition(":")[2]
