"""A cluster that is bare when a whole page is applied to its control plane, as tests speak to it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import breaking
import yaml
from breaking import ROOT
from compose_serving_stack import parts
from hub import COMMIT, REPO, Hub
from local.testing import Kubectl, Manifest, Plane

EXAMPLE = ROOT / "examples/12-from-nothing/fleet.yaml"
LAST = "model-3.safetensors"
SHARDS = {name: bytes(range(256)) * 80_000 for name in ("model-1.safetensors", "model-2.safetensors", LAST)}
WEIGHTS = {"config.json": b"{}", **SHARDS}
# Of the charts that the example asks for; what plays the others says so in docs/reference/data-path.md.
REAL = {"envoy-gateway-system", "envoy-ai-gateway-system", "lws-system"}


@dataclass(frozen=True)
class Bare:
    """A cluster that was bare when the example was applied, and where its weights come from."""

    plane: Plane
    hub: Hub

    @property
    def west(self) -> Kubectl:
        return self.plane.workload(1)

    def cache(self, name: str = "qwen") -> Manifest:
        """What the ModelCache says of the cluster."""
        rows = self.plane.kubectl.one("mc", name).get("status", {}).get("clusters") or [{}]
        return dict(rows[0])

    def fetching(self) -> list[Manifest]:
        """The pods of the cache's Jobs, without what they did before."""
        found = self.west.get("pods", "-n", "mp-default", "-l", "batch.kubernetes.io/job-name")
        return [p for p in found if not p["metadata"].get("deletionTimestamp")]

    def apply(self, *manifests: Manifest) -> None:
        self.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def change(self, cache: str, **source: Any) -> None:
        patch = yaml.safe_dump({"spec": {"huggingFace": source}})
        self.plane.kubectl("patch", "mc", cache, "--type=merge", "-p", patch)

    def says(self, cache: str, phase: str, words: str = "") -> None:
        """Wait until the cache is in that phase, for a reason with those words."""

        def met() -> bool:
            row = self.cache(cache)
            return row.get("phase") == phase and words in row.get("message", "")

        self.plane.wait(f"{cache} is {phase}: {words}", met, patience=180)

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """What serves is the same pods, ready, when the block ends."""
        before = self.engines()
        yield
        assert self.engines() == before
        assert self.is_true("md", "qwen", "Ready")

    def engines(self) -> set[str]:
        """The pods of the model."""
        found = self.west.get("pods", "-n", "mp-default", "-l", "modelplane.ai/deployment=qwen")
        return {pod["metadata"]["uid"] for pod in found}

    def pods(self) -> set[str]:
        """Every pod of REAL and of the models."""
        return {p["metadata"]["uid"] for p in self.west.get("pods", "-A") if space(p) in {*REAL, "mp-default"}}

    def components(self) -> list[Manifest]:
        """What the stack says of each component."""
        return list(self.plane.kubectl.one("ss", "west", "-n", "modelplane-system")["status"]["components"])

    def is_left(self, component: str) -> bool:
        """Whether the stack says that a component is the cluster's own."""
        told = {row["name"]: row.get("message", "") for row in self.components()}
        return "left to the cluster: " in told[component]

    def switch_off(self, component: str) -> None:
        patch = yaml.safe_dump({"spec": {"servingStack": {"components": {component: {"enabled": False}}}}})
        self.plane.kubectl("patch", "ic", "west", "--type=merge", "-p", patch)

    def ready(self) -> set[str]:
        """The namespaces of REAL whose pods that run are all ready."""
        pods = [p for p in self.west.get("pods", "-A") if p["status"]["phase"] == "Running"]
        waiting = {space(p) for p in pods if not all(c["ready"] for c in p["status"]["containerStatuses"])}
        return REAL & ({space(p) for p in pods} - waiting)

    def is_true(self, kind: str, name: str, type: str) -> bool:
        return bool(self.plane.condition(kind, name, type).get("status") == "True")


def as_other(route: Manifest, hostname: str) -> Manifest:
    """The same route for another host."""
    spec = {**route["spec"], "hostnames": [hostname]}
    metadata = {"name": "other", "namespace": route["metadata"]["namespace"]}
    return {"apiVersion": route["apiVersion"], "kind": route["kind"], "metadata": metadata, "spec": spec}


def space(pod: Manifest) -> str:
    return str(pod["metadata"]["namespace"])


def asked_for() -> list[str]:
    return [name for name in dict.fromkeys(p.component for p in parts.table()) if name != "certManager"]


def page(hub: Hub, stack: dict[str, Any]) -> list[Manifest]:
    """The example; only the registry, the hub and the machine are others."""
    documents = list(yaml.safe_load_all(EXAMPLE.read_text()))
    found = {m["kind"]: m for m in documents}
    own = found["InferenceCluster"]["spec"]["servingStack"]
    own["registry"], own["components"] = stack["registry"], {**own["components"], **stack["components"]}
    found["ModelCache"]["spec"]["huggingFace"] |= {"repo": REPO, "endpoint": hub.endpoint, "sizeGiB": 1}
    return documents


def cache_of(hub: Hub, name: str, **source: Any) -> Manifest:
    """Another cache of the same weights."""
    (example,) = (m for m in yaml.safe_load_all(EXAMPLE.read_text()) if m["kind"] == "ModelCache")
    example["metadata"]["name"] = name
    asked = {"repo": REPO, "endpoint": hub.endpoint, "sizeGiB": 1, "revision": COMMIT}
    example["spec"]["huggingFace"] = {**asked, **source}
    return dict(example)


def storage() -> Manifest:
    """The example's class of volumes, as one that lets them grow."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "shared"},
        "provisioner": "played.here",
        "allowVolumeExpansion": True,
    }


def secret(name: str, key: str, value: str) -> Manifest:
    data = {key: base64.b64encode(value.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}, "data": data}


def group() -> str:
    """A leader and a worker that need no device."""
    container = {"name": "engine", "image": "curlimages/curl:8.9.1", "command": ["sleep", "infinity"]}
    template = {"size": 2, "workerTemplate": {"spec": {"containers": [container], "terminationGracePeriodSeconds": 0}}}
    group = {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": "pair", "namespace": "default"},
        "spec": {"replicas": 1, "leaderWorkerTemplate": template},
    }
    return yaml.safe_dump(group)


def split() -> Manifest:
    """The example of prefill and decode, on the example's two nodes."""
    nodes = next(m for m in yaml.safe_load_all(EXAMPLE.read_text()) if m["kind"] == "ModelDeployment")
    (node,) = nodes["spec"]["engines"][0]["members"]
    found: Manifest = yaml.safe_load(breaking.deployment())
    found["metadata"]["name"] = "split"
    for engine in found["spec"]["engines"]:
        engine["copies"] = 1
        engine["members"][0]["nodeSelector"] = node["nodeSelector"]
    return found
