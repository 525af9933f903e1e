"""A deployment that serves is changed, live: at every moment an endpoint is left, and no pod of two revisions is behind one.

The tests of a class follow one another on one deployment of two replicas. `Watched` sees every version, not looks.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from local.testing import Kubectl, Manifest, Plane

pytestmark = pytest.mark.e2e

DRAIN = 1
FLEET = """
apiVersion: modelplane.ai/v1alpha1
kind: InferenceClass
metadata: {name: h100}
spec:
  devices:
  - {name: gpu, driver: gpu.nvidia.com, deviceClassName: gpu.nvidia.com, attributes: {model: {string: H100}}}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceClass
metadata: {name: b200}
spec:
  devices:
  - {name: gpu, driver: gpu.nvidia.com, deviceClassName: gpu.nvidia.com, attributes: {model: {string: B200}}}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: west}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: west-kubeconfig}}}
  nodePools:
  - {name: h100, className: h100, nodeCount: 2}
  - {name: b200, className: b200, nodeCount: 1}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: east}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: east-kubeconfig}}}
  nodePools:
  - {name: b200, className: b200, nodeCount: 2}
"""


@dataclass
class Watched:
    """Every version of every object of a kind, in the order in which the API server told them."""

    seen: list[tuple[float, dict[str, Manifest]]] = field(default_factory=list)
    """When, and all objects that there were from then on, by name; what is being deleted is none."""

    def follow(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        decoder, text, now = json.JSONDecoder(), "", {}
        for line in process.stdout:
            text += line
            try:
                event, end = decoder.raw_decode(text)
            except json.JSONDecodeError:
                continue
            text, found = text[end:].lstrip(), event["object"]
            now = {k: v for k, v in now.items() if k != found["metadata"]["name"]}
            if event["type"] != "DELETED" and "deletionTimestamp" not in found["metadata"]:
                now[found["metadata"]["name"]] = found
            self.seen.append((time.monotonic(), now))

    def fewest(self, since: int = 0) -> int:
        return min(len(objects) for _, objects in self.seen[since:])

    def names(self) -> set[str]:
        return set(self.seen[-1][1])


def watch(kubectl: Kubectl, *what: str) -> Iterator[Watched]:
    command = [str(kubectl.binary), f"--kubeconfig={kubectl.kubeconfig}", "get", *what]
    options = ["--watch", "--output-watch-events", "-o", "json"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    watched = Watched()
    thread = threading.Thread(target=watched.follow, args=(process,), daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        process.terminate()
        process.wait()
        thread.join()


def engine(name: str = "main", model: str = "H100", image: str = "vllm/vllm-openai:v0.19.1", **more: Any) -> Manifest:
    cel = f'device.driver == "gpu.nvidia.com" && device.attributes["gpu.nvidia.com"].model == "{model}"'
    pod: Manifest = {"containers": [{"name": "engine", "image": image, "args": ["serve", "qwen"]}], **more}
    devices = [{"name": "gpu", "count": 1, "selectors": [{"cel": cel}]}]
    member = {"role": "Standalone", "nodeSelector": {"devices": devices}, "template": {"spec": pod}}
    return {"name": name, "copies": 1, "members": [member]}


def deployment(*engines: Manifest, **more: Any) -> str:
    spec = {"replicas": 2, "rollout": {"drainSeconds": DRAIN}, "engines": list(engines), **more}
    head = {"apiVersion": "modelplane.ai/v1alpha1", "kind": "ModelDeployment"}
    return json.dumps({**head, "metadata": {"name": "qwen", "namespace": "default"}, "spec": spec})


def apply(plane: Plane, *engines: Manifest, **more: Any) -> None:
    plane.kubectl("apply", "-f", "-", stdin=deployment(*engines, **more))


def replicas(plane: Plane) -> dict[str, Manifest]:
    return {r["metadata"]["name"]: r for r in plane.kubectl.get("mr")}


def images(plane: Plane) -> dict[str, str]:
    return {
        n: r["spec"]["engines"][0]["members"][0]["template"]["spec"]["containers"][0]["image"]
        for n, r in replicas(plane).items()
    }


def rolled(plane: Plane, watched: Watched, **of: Any) -> Callable[[], bool]:
    """Whether two replicas serve, all of the present spec, and nothing is on its way any more."""

    def met() -> bool:
        found = plane.kubectl.one("md", "qwen")
        told = found.get("status", {}).get("replicas", {})
        seen = any(
            c.get("observedGeneration", 0) >= found["metadata"]["generation"]
            for c in found.get("status", {}).get("conditions", [])
            if c["type"] == "Synced"
        )
        settled = (told.get("summary"), told.get("updated")) == ("2/2", "2/2") and "turns" not in found["status"]
        return seen and settled and watched.names() == set(replicas(plane)) and len(watched.names()) == 2

    return met


def says(plane: Plane, type: str, text: str) -> Callable[[], bool]:
    return lambda: text in plane.condition("md", "qwen", type).get("message", "")


class TestTwoReplicas:
    """One deployment of two, changed in every way."""

    @pytest.fixture(scope="class")
    def endpoints(self, plane: Plane) -> Iterator[Watched]:
        plane.clear()
        plane.kubectl("apply", "-f", "-", stdin=FLEET)
        plane.wait("the fleet is reached", lambda: plane.condition("ic", "east", "Ready").get("status") == "True")
        apply(plane, engine())
        for watched in watch(plane.kubectl, "me"):
            plane.wait("two replicas serve", lambda: len(watched.seen) and len(watched.names()) == 2)
            watched.seen[:] = watched.seen[-1:]
            yield watched

    def test_another_image_leaves_one_endpoint_at_every_moment(self, plane: Plane, endpoints: Watched) -> None:
        apply(plane, engine(image="vllm/vllm-openai:v0.20.0"))
        plane.wait("the image is everywhere", rolled(plane, endpoints))
        assert set(images(plane).values()) == {"vllm/vllm-openai:v0.20.0"}
        assert endpoints.fewest() == 1
