"""What is put on the API servers: the kinds of others, Crossplane's own objects, our XRDs and functions."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import yaml
from schemas import apis

from local import tools
from local.api import Api, Kind, Manifest
from local.fleet.nodes import Node
from local.pki import Pki

OWNER = "modelplane-up"
SYSTEM_NAMESPACE = "modelplane-system"
LOCAL_CLUSTER = "modelplane.ai/local-cluster"
REVISION = Kind("pkg.crossplane.io/v1", "FunctionRevision")
SECRET = Kind("v1", "Secret")
XRD = Kind("apiextensions.crossplane.io/v2", "CompositeResourceDefinition")
Until = Callable[[str, Callable[[], bool]], None]


def read(place: Path) -> Iterator[Manifest]:
    """Every manifest in a file, or in the files of a folder."""
    for file in sorted(place.glob("*.yaml")) if place.is_dir() else [place]:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        yield from (m for m in yaml.load_all(file.read_text(encoding="utf-8"), loader) if m)


def kinds(api: Api, folder: Path, until: Until) -> None:
    """Install the CRDs of a folder and wait until all of them are served."""
    names = []
    for crd in read(folder):
        crd.pop("status", None)
        api.apply(crd)
        names.append(served(crd))
    until(f"{folder.parent.parent.name}'s kinds", lambda: all(api.serves(kind) for kind in names))


def crossplane_account(api: Api, pki: Pki) -> None:
    """What `crossplane core init` expects to find."""
    namespace = "crossplane-system"
    api.apply(_namespace(namespace))
    api.apply(_namespace(SYSTEM_NAMESPACE))
    api.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "crossplane", "namespace": namespace}}
    )
    authority = {"tls.crt": _data(pki.ca), "tls.key": _data(pki.ca_key)}
    api.apply(_secret("crossplane-root-ca", namespace, authority))


def guards(pki: Pki, port: int) -> Iterator[Manifest]:
    """Crossplane's webhook that refuses to delete what a Usage protects."""
    for manifest in read(tools.files("crossplane") / "webhookconfigurations"):
        yield aimed(manifest, pki, port)


def aimed(manifest: Manifest, pki: Pki, port: int) -> Manifest:
    """A webhook configuration whose webhooks are answered by a process instead of a Service."""
    authority = _data(pki.ca)
    for webhook in manifest["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        webhook["clientConfig"] = {"url": f"https://127.0.0.1:{port}{path}", "caBundle": authority}
    return manifest


def compositions(api: Api, until: Until) -> None:
    """Install our XRDs and Compositions and wait until the kinds are served."""
    for manifest in (*apis.definitions(), *apis.compositions()):
        api.apply(manifest)
    established(api, apis.definitions(), until)


def established(api: Api, definitions: list[Manifest], until: Until) -> None:
    """Wait until the kinds of these definitions are served."""
    wanted = [served(xrd) for xrd in definitions]
    until("Modelplane's XRDs", lambda: _is_established(api, definitions))
    until("Modelplane's kinds", lambda: all(api.serves(kind) for kind in wanted))


def functions(api: Api, endpoint: str) -> None:
    """Tell Crossplane where our functions listen, without its package manager."""
    for name in apis.function_names():
        revision: Manifest = {
            "apiVersion": REVISION.api_version,
            "kind": REVISION.kind,
            "metadata": {
                "name": f"{name}-local",
                "labels": {"pkg.crossplane.io/package": f"{apis.FUNCTION_PREFIX}{name}"},
                "annotations": {"crossplane.io/paused": "true"},
            },
        }
        spec = {"desiredState": "Active", "image": f"modelplane.local/{name}:v0", "revision": 1}
        api.apply({**revision, "spec": spec})
        api.patch({**revision, "status": {"endpoint": endpoint, "capabilities": ["composition"]}}, "status")


def cluster_secrets(api: Api, kubeconfigs: Iterable[Path]) -> None:
    """One Secret per workload cluster; by its label the fleet process knows the cluster."""
    for index, file in enumerate(kubeconfigs, start=1):
        secret = _secret(f"cluster-{index}-kubeconfig", SYSTEM_NAMESPACE, {"kubeconfig": _data(file)})
        secret["metadata"]["labels"] = {LOCAL_CLUSTER: str(index)}
        api.apply(secret)


def workload_namespace(api: Api) -> None:
    """The namespace that the cluster's gateway lives in."""
    api.apply(_namespace(SYSTEM_NAMESPACE))


def gateway_kinds(api: Api, until: Until, whole: bool) -> None:
    """The kinds of the inference extension, and if `whole` those of the Gateway API, which come with a controller's chart."""
    for name in ("gateway-api", "inference-extension") if whole else ("inference-extension",):
        kinds(api, tools.files(name) / "crds", until)


def node(api: Api) -> None:
    """A node where nobody plays any, for the pods of the control plane's gateway."""
    manifest = Node("system-0").manifest()
    api.apply(manifest)
    # Admission marks a new node as not ready, and here is no controller that would look.
    api.patch({**manifest, "spec": {"taints": None}})
    resources = {"cpu": "32", "memory": "256Gi", "pods": "110"}
    ready = {"type": "Ready", "status": "True", "reason": "Played", "message": "Played by `modelplane up`"}
    status = {"capacity": resources, "allocatable": resources, "conditions": [ready]}
    api.patch({**manifest, "status": status}, "status")


def _is_established(api: Api, definitions: list[Manifest]) -> bool:
    """Whether Crossplane has established every XRD."""
    established = {xrd["metadata"]["name"] for xrd in api.find(XRD) if is_true(xrd, "Established")}
    return established >= {x["metadata"]["name"] for x in definitions}


def is_true(manifest: Manifest | None, name: str) -> bool:
    """Whether the object has this condition."""
    conditions = (manifest or {}).get("status", {}).get("conditions", [])
    return any(c["type"] == name and c["status"] == "True" for c in conditions)


def served(definition: Manifest) -> Kind:
    """The kind that a CRD or an XRD defines."""
    return Kind(f"{definition['spec']['group']}/{_version(definition)}", definition["spec"]["names"]["kind"])


def _version(crd: Manifest) -> str:
    return next(str(v["name"]) for v in crd["spec"]["versions"] if v.get("served", True))


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _secret(name: str, namespace: str, data: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}


def _data(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
