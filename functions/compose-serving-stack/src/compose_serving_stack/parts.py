"""The table of what the stack is made of, and which of it a ServingStack asks for."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from schemas.servingstack import Spec

Values = dict[str, Any]
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Part:
    """One chart, or a set of definitions, of a component."""

    component: str
    version: str
    chart: str = ""
    repository: str = ""
    namespace: str = ""
    values: str = ""
    kinds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    without: str = ""
    gateway: bool = False

    @property
    def release(self) -> str:
        """The Helm release: a name of our own, so that a chart that the cluster has already is never taken over."""
        return f"modelplane-{self.chart}"


@functools.cache
def table() -> tuple[Part, ...]:
    """Every part, in the order in which they are installed."""
    rows = yaml.safe_load((_HERE / "charts.yaml").read_text(encoding="utf-8"))
    return tuple(
        Part(**{**row, "kinds": tuple(row.get("kinds", ())), "needs": tuple(row.get("needs", ()))}) for row in rows
    )


def wanted(spec: Spec) -> tuple[Part, ...]:
    """The parts that `spec` asks for, at the versions that it asks for."""
    versions = spec.versions.manifest() if spec.versions else {}
    brings_gateway = spec.gateway is not None and spec.gateway.provider == "Existing"
    return tuple(
        Part(**{**vars(part), "version": versions.get(part.component, part.version)})
        for part in table()
        if _is_enabled(spec, part) and not (part.gateway and brings_gateway)
    )


def left(spec: Spec) -> dict[str, str]:
    """The components that `spec` leaves to the cluster, and what that means."""
    return {part.component: part.without for part in table() if part.without and not _is_enabled(spec, part)}


def companions(component: str) -> set[str]:
    """The components that `component` does not run without, wherever they come from."""
    own = [part for part in table() if part.component == component]
    gateways = {part.component for part in table() if part.gateway} if any(part.gateway for part in own) else set()
    return (gateways | {name for part in own for name in part.needs}) - {component}


def values(spec: Spec, part: Part) -> Values:
    """Helm values: ours, with those of the user over them. Definitions of a component take none."""
    if not part.values:
        return {}
    return _merged(_ours(part.values), _component(spec, part.component).get("values") or {})


@functools.cache
def _ours(file: str) -> Values:
    found: Values = yaml.safe_load((_HERE / "values" / file).read_text(encoding="utf-8"))
    return found


def _is_enabled(spec: Spec, part: Part) -> bool:
    return bool(_component(spec, part.component).get("enabled", True))


def _component(spec: Spec, name: str) -> Values:
    components = spec.components.manifest() if spec.components else {}
    found: Values = components.get(name) or {}
    return found


def _merged(ours: Values, theirs: Values) -> Values:
    merged = copy.deepcopy(ours)
    for key, value in theirs.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
