"""The kinds a control plane knows: ours with schema and function, and Kubernetes' own."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from schemas import apis

from offline.findings import MissingPartError, did_you_mean
from offline.structural import Judge

_TEXT = {"type": "string"}
_LABELS = {
    "type": "object",
    "required": ["matchLabels"],
    "properties": {"matchLabels": {"type": "object", "additionalProperties": _TEXT}},
}
_NAMED = {"type": "object", "required": ["name"], "properties": {"name": _TEXT}}
_REFERENCE = {"apiVersion": _TEXT, "kind": _TEXT, "name": _TEXT, "namespace": _TEXT}
_CROSSPLANE = {
    "type": "object",
    "properties": {
        "compositionRef": _NAMED,
        "compositionSelector": _LABELS,
        "compositionRevisionRef": _NAMED,
        "compositionRevisionSelector": _LABELS,
        "compositionUpdatePolicy": {"type": "string", "enum": ["Automatic", "Manual"]},
        "resourceRefs": {
            "type": "array",
            "items": {"type": "object", "required": ["apiVersion", "kind"], "properties": _REFERENCE},
        },
    },
}
_CONDITION = ("lastTransitionTime", "message", "reason", "status", "type")
_CONDITIONS = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
    "items": {
        "type": "object",
        "required": ["lastTransitionTime", "reason", "status", "type"],
        "properties": {**dict.fromkeys(_CONDITION, _TEXT), "observedGeneration": {"type": "integer"}},
    },
}
_CLUSTER_SCOPED = {
    "APIService", "ClusterProviderConfig", "ClusterRole", "ClusterRoleBinding", "ClusterUsage", "CompositeResourceDefinition",
    "Composition", "CustomResourceDefinition", "DeviceClass", "Function", "GatewayClass", "IngressClass", "Namespace",
    "Node", "PersistentVolume", "PriorityClass", "Provider", "ResourceSlice", "RuntimeClass", "StorageClass",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "VolumeAttributesClass",
}  # fmt: skip
_BUILT_IN = {"v1", "apps", "batch", "policy", "autoscaling"}
_LEAVE_OUT = "; leave it out: only kinds of Modelplane, Kubernetes, Crossplane and Envoy Gateway are"
_BUILT_IN_SUFFIXES = (".k8s.io", ".x-k8s.io", ".crossplane.io", ".envoyproxy.io")


@dataclass(frozen=True)
class Kind:
    """One composite kind: its schema as Crossplane serves it, and the function that composes it."""

    definition: Mapping[str, Any] = field(repr=False)
    composition: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.definition["spec"]["names"]["kind"])

    @property
    def group(self) -> str:
        return str(self.definition["spec"]["group"])

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version['name']}"

    @property
    def namespaced(self) -> bool:
        return bool(self.definition["spec"]["scope"] == "Namespaced")

    @property
    def version(self) -> Mapping[str, Any]:
        versions: list[Mapping[str, Any]] = self.definition["spec"]["versions"]
        return next(v for v in versions if v.get("referenceable"))

    @property
    def step(self) -> Mapping[str, Any]:
        first: Mapping[str, Any] = self.composition["spec"]["pipeline"][0]
        return first

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The schema of the CRD that Crossplane makes of the definition."""
        schema: dict[str, Any] = copy.deepcopy(self.version["schema"]["openAPIV3Schema"])
        spec = schema.setdefault("properties", {}).setdefault("spec", {"type": "object"})
        status = schema["properties"].setdefault("status", {"type": "object"})
        spec.setdefault("properties", {})["crossplane"] = _CROSSPLANE
        status.setdefault("properties", {})["conditions"] = _CONDITIONS
        schema["properties"] |= {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}}
        schema["required"] = ["spec"]
        return schema

    @cached_property
    def judge(self) -> Judge:
        """Judges objects of this kind; made once."""
        return Judge(self.schema)


@dataclass(frozen=True)
class Kinds:
    """All composite kinds, and where their functions are found."""

    all: Sequence[Kind]
    functions: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def find(self, api_version: str, kind: str) -> Kind | None:
        group = api_version.rpartition("/")[0]
        return next((k for k in self.all if k.name == kind and k.group == group), None)

    def function(self, kind: Kind) -> Callable[[Any], Any]:
        """The function of `kind`, by the name its Composition gives."""
        name = str(kind.step["functionRef"]["name"]).removeprefix(apis.FUNCTION_PREFIX)
        if name in self.functions:
            return self.functions[name]
        try:
            module = importlib.import_module(name.replace("-", "_"))
        except ImportError as error:
            raise MissingPartError(f"The function {name} of {kind.name} cannot be loaded: {error}") from None
        if not callable(function := getattr(module, "function", None)):
            raise MissingPartError(f"The package of {name} has no `function` to compose a {kind.name} with")
        return function  # type: ignore[no-any-return]  # an attribute of a module is Any

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of a kind live in a namespace."""
        own = self.find(api_version, kind)
        return own.namespaced if own else kind not in _CLUSTER_SCOPED

    def refusal(self, api_version: str, kind: str) -> str | None:
        """Why a manifest of this kind cannot be read here; None if it can."""
        own = self.find(api_version, kind)
        if own and own.api_version != api_version:
            return f"{kind} is not served as {api_version}; use {own.api_version}"
        if own or _is_built_in(api_version):
            return None
        known = [k.name for k in self.all]
        if kind in known:
            right = next(k.api_version for k in self.all if k.name == kind)
            return f"{kind} is not in {api_version}; use {right}"
        advice = did_you_mean(kind, known) or _LEAVE_OUT
        return f"the kind {kind} of {api_version} is not known here{advice}"


def _is_built_in(api_version: str) -> bool:
    group = api_version.partition("/")[0]
    return group in _BUILT_IN or group.endswith(_BUILT_IN_SUFFIXES)


@cache
def load() -> Kinds:
    """The kinds of apis/."""
    try:
        return kinds(apis.definitions(), apis.compositions())
    except LookupError as error:
        raise MissingPartError(str(error)) from None


def kinds(
    definitions: Iterable[Mapping[str, Any]],
    compositions: Iterable[Mapping[str, Any]],
    functions: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Kinds:
    """Each definition with the composition that is for it."""
    by_kind = {c["spec"]["compositeTypeRef"]["kind"]: c for c in compositions}
    pairs = [Kind(d, by_kind[d["spec"]["names"]["kind"]]) for d in definitions]
    return Kinds(sorted(pairs, key=lambda k: k.name), functions or {})
