"""Rules about the sidecar in the decode pods: its version, and the port where it finds prefill's bootstrap server."""

from __future__ import annotations

from collections.abc import Iterator

from contract import picker
from contract.findings import Said
from contract.flags import Engine as Kind
from contract.flags import Value
from contract.picker import Dialect
from contract.read import Deployment, mapping, text
from contract.rules_phases import ERROR, rule

# sglangBootstrapPort and defaultMooncakeBootstrapPort of the sidecar; its variables for them are not set here.
_BOOTSTRAP = 8998
_FLAG, _VARIABLE = "disaggregation-bootstrap-port", "VLLM_MOONCAKE_BOOTSTRAP_PORT"
_STRANGE = "--model-server-port"


def image_dialect(deployment: Deployment) -> Dialect | None:
    """The dialect of the sidecar that the user names; None where none is named, or its tag tells nothing."""
    image = text(mapping(deployment.serving.get("sidecar")).get("image"))
    found = picker.dialect_of(image) if image else None
    return found if isinstance(found, Dialect) else None


def _is_upstream(deployment: Deployment) -> bool:
    image = text(mapping(deployment.serving.get("sidecar")).get("image"))
    names = {d.sidecar_repository.rsplit("/", 1)[-1] for d in picker.DIALECTS.values()}
    return not image or image.rsplit("/", 1)[-1].partition(":")[0] in names


def _version(deployment: Deployment) -> Iterator[Said]:
    ours, image = deployment.dialect, image_dialect(deployment)
    if not ours or not image or ours.engine_port_flag != _STRANGE or image.engine_port_flag == _STRANGE:
        return
    yield Said(
        ("spec", "serving", "sidecar", "image"),
        f"The sidecar is of {image.name} and the endpoint picker of {ours.name}; that sidecar has no {_STRANGE}",
        "take both from one release, or leave sidecar.image out",
    )


def _bootstrap(deployment: Deployment) -> Iterator[Said]:
    # A sidecar of one's own may bring the variable that names another port.
    prefill = deployment.prefill if deployment.pair and _is_upstream(deployment) else None
    if prefill is None:
        return
    port: Value | None = None
    name, at = f"--{_FLAG}", prefill.serving.flag_at(_FLAG)
    if prefill.kind is Kind.SGLANG and deployment.connector == "SGLang":
        port = prefill.flags.get(_FLAG)
    if prefill.kind is Kind.VLLM and deployment.connector == "Mooncake":
        port, name, at = prefill.flags.env.get(_VARIABLE), _VARIABLE, prefill.serving.env_at(_VARIABLE)
    if isinstance(port, str) and port.isdigit() and int(port) != _BOOTSTRAP:
        yield Said(
            at,
            f"Prefill engine {prefill.name} has its bootstrap server on port {port}; the sidecar names {_BOOTSTRAP} to decode",
            f"remove {name}; {_BOOTSTRAP} is its default",
        )


TABLE = (
    rule(
        "sidecar-version",
        ERROR,
        ("The sidecar ends at once; clients get 503.", "sidecar's flags, by version"),
        _version,
    ),
    rule(
        "bootstrap-port",
        ERROR,
        ("Decode never finds prefill: requests hang or fail.", "sources of the sidecar, v0.7 to v0.10"),
        _bootstrap,
    ),
)
