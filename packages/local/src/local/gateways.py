"""The gateways' own controllers on an API server: charts rendered with the serving stack's values, and put there.

What runs them is not decided here: they are Deployments, and whoever runs pods runs them. See design/data-path.md.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local import charts, tools
from local.api import Api, Manifest
from local.errors import LocalError
from local.install import Until, read, served
from local.processes import write

Values = dict[str, Any]
_CRD = "CustomResourceDefinition"
# What pods hang on goes before them.
_FIRST = (_CRD, "ServiceAccount", "ConfigMap", "Secret", "Service")
_LAST = ("Deployment", "Job")
_LOCAL = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Installation:
    """One chart, at its tested version, as it is installed in a namespace."""

    chart: str
    namespace: str
    values: Values


def of_the_stack() -> tuple[Installation, ...]:
    """The charts of Envoy Gateway and Envoy AI Gateway as a ServingStack installs them; a user gives values as we do here."""
    from compose_serving_stack import parts  # noqa: PLC0415  # Most processes that import us install nothing.
    from schemas.servingstack import Spec  # noqa: PLC0415  # As above.

    spec = Spec.model_validate({"providerConfigName": "local", "components": components()})
    return tuple(
        Installation(part.chart, part.namespace, parts.values(spec, part))
        for part in parts.wanted(spec)
        if part.chart and part.gateway
    )


def components() -> dict[str, dict[str, Values]]:
    """What a ServingStack's components are given where pods run on this machine."""
    return {name: {"values": values} for name, values in yaml.safe_load(_LOCAL.read_text()).items()}


def of_the_control_plane() -> tuple[Installation, ...]:
    """Envoy Gateway alone, as it is installed beside Crossplane: no InferencePool is behind the control plane's gateway."""
    values = yaml.safe_load(_LOCAL.read_text())["envoyGateway"]
    # What a service is published with: Backends, for names and certificates of their own.
    values["config"]["envoyGateway"]["extensionApis"] = {"enableBackend": True}
    return (Installation("gateway-helm", "envoy-gateway-system", {"topologyInjector": {"enabled": False}, **values}),)


def front() -> list[Manifest]:
    """The GatewayClass, the Gateway and its policy as a ServingStack makes them."""
    from compose_serving_stack import gateway  # noqa: PLC0415  # As above.
    from schemas.servingstack import Gateway  # noqa: PLC0415  # As above.

    return list(gateway.manifests(Gateway()).values())


def install(api: Api, wanted: Iterable[Installation], folder: Path, until: Until) -> None:
    """Put on the API server what is missing of these charts, as Helm would; `folder` keeps what was rendered.

    Nothing is waited for but the kinds: controllers come up when their pods are run.
    """
    for installation in wanted:
        found = rendered(installation, folder)
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": installation.namespace}})
        kinds = [m for m in found if m["kind"] == _CRD]
        for manifest in kinds:
            api.create(manifest)
        _await(api, kinds, until)
        for manifest in found[len(kinds) :]:
            api.create(manifest)


def rendered(installation: Installation, folder: Path) -> list[Manifest]:
    """The chart's manifests in the order of their creation; rendered once, since each rendering makes new certificates."""
    file = folder / f"{installation.chart}.yaml"
    if not file.exists():
        write(file, _render(installation, folder))
    return sorted(read(file), key=_rank)


def _await(api: Api, kinds: Iterable[Manifest], until: Until) -> None:
    for crd in kinds:
        kind = served(crd)
        until(f"the kind {kind.kind}", lambda kind=kind: api.serves(kind))  # type: ignore[misc]  # Bound at once.


def _rank(manifest: Manifest) -> int:
    kind = manifest["kind"]
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST) + (kind in _LAST)


def _render(installation: Installation, folder: Path) -> str:
    chart = charts.one(installation.chart)
    archive, values = folder / f"{chart.name}.tgz", folder / f"{chart.name}.values.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(chart.archive)
    write(values, yaml.safe_dump(installation.values))
    version = tools.table()["kubernetes"].version
    told = ["--namespace", installation.namespace, "--values", str(values), "--include-crds", "--kube-version", version]
    argv = [str(tools.path("helm")), "template", chart.name, str(archive), *told]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(
            f"Chart {chart.name} {chart.version} cannot be rendered with our values: {done.stderr.strip()}"
        )
    return done.stdout
