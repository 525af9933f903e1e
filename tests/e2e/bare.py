"""A control plane with bare workload clusters, as the tests of the serving stack speak to it."""

from __future__ import annotations

import base64
import copy
import os
import signal
from dataclasses import dataclass
from typing import Any

import local
import yaml
from compose_serving_stack import parts
from local import charts
from local.testing import Kubectl, Manifest, Plane

RELEASES = "releases.helm.m.crossplane.io"
PARTS = {part.component: part for part in parts.table() if part.values}
COMPONENTS = list(dict.fromkeys(part.component for part in parts.table()))
NFD = PARTS["nodeFeatureDiscovery"]


@dataclass(frozen=True)
class Bare:
    """The control plane, and the processes behind it."""

    plane: Plane
    processes: local.Cluster

    @property
    def west(self) -> Kubectl:
        return self.plane.workload(1)

    def stack(self) -> Manifest:
        return self.plane.kubectl.one("ss", "west", "-n", "modelplane-system")

    def component(self, name: str) -> Manifest:
        rows = self.stack().get("status", {}).get("components", [])
        return next((row for row in rows if row["name"] == name), {})

    def override(self, **overrides: Any) -> None:
        patch = yaml.safe_dump({"spec": {"servingStack": overrides}})
        self.plane.kubectl("patch", "ic", "west", "--type=merge", "-p", patch)

    def says(self, cluster: str, type: str, reason: str, *words: str, patience: float = 60) -> None:
        """Wait until the InferenceCluster's condition has that reason and all of the words."""
        got: Manifest = {}

        def met() -> bool:
            got.update(self.plane.condition("ic", cluster, type))
            return got.get("reason") == reason and all(word in got.get("message", "") for word in words)

        try:
            self.plane.wait(f"{cluster}'s {type} is {reason} with {words}", met, patience)
        except AssertionError as e:
            raise AssertionError(f"it says {got}: {e}") from None

    def is_ready_again(self) -> None:
        self.says("west", "StackReady", "Ready", patience=120)

    def kill(self, name: str) -> None:
        """Without a chance to finish what it does."""
        record = self.processes.state.book.find(name)
        assert record
        os.kill(record.pid, signal.SIGKILL)
        self.plane.wait(f"{name} is gone", lambda: not record.alive, 10)

    def restart(self) -> None:
        local.up(local.Options(state=self.processes.state.folder, kubeconfig=False))

    def pods(self, namespace: str) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.west.get("pods", "-n", namespace)}


def releases(bare: Bare) -> list[Manifest]:
    return bare.plane.kubectl.get(RELEASES, "-n", "modelplane-system", "-l", "modelplane.ai/cluster=west")


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def push(bare: Bare, version: str, more: dict[str, bytes]) -> None:
    """Another version of Node Feature Discovery's chart, with files beside its own."""
    (chart,) = (c for c in charts.published() if c.name == NFD.chart)
    changed = charts.pack(chart.name, version, {**charts.unpack(chart), **more})
    charts.push(bare.processes.registry.removeprefix("oci://").partition("/")[0], changed)


def east(cluster: local.Cluster, west: Manifest) -> list[Manifest]:
    kubeconfig = yaml.safe_load(cluster.workload_kubeconfig(2).read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    found = copy.deepcopy(west)
    found["metadata"]["name"] = "east"
    found["spec"]["cluster"]["existing"]["secretRef"]["name"] = "east"
    return [secret(yaml.safe_dump(kubeconfig)), found]


def north(west: Manifest) -> Manifest:
    """A cluster for which nothing is installed."""
    found = copy.deepcopy(west)
    found["metadata"]["name"] = "north"
    found["spec"]["cluster"]["existing"]["secretRef"]["name"] = "north-kubeconfig"
    found["spec"]["servingStack"] = {"components": {name: {"enabled": False} for name in COMPONENTS}}
    return found


def secret(kubeconfig: str) -> Manifest:
    data = {"kubeconfig": base64.b64encode(kubeconfig.encode()).decode()}
    metadata = {"name": "east", "namespace": "modelplane-system"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
