"""The fleet that faults are done to, on a control plane of its own, and the hands that do them."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import local
import yaml
from local import ports
from local.commands import Commands
from local.processes import Record, stop
from local.testing import Kubectl, Plane, plane_of

from matrix.processes import spec_of
from matrix.recorder import ON_A_CLUSTER, ON_THE_CONTROL_PLANE, Recorder
from matrix.wire import Wire

Manifest = dict[str, Any]
HERE = Path(__file__).resolve().parents[1]
CLUSTERS = ("west", "east")
MODELS = ("alone", "split", "gang")
COMPOSITES = "md,mr,mrt,me,ic,icl,capacityledgers,clustertenants"
OBJECTS = "objects.kubernetes.m.crossplane.io,configmaps"
# The circuit breaker's own, and nodes that are counted once a cluster is no longer new.
_BY_ITSELF = ("Responsive", "PoolNodesFound")
HELD = "services,deployments.apps,leaderworkersets,inferencepools,httproutes,roles,rolebindings,resourceclaimtemplates"


@dataclass
class Stage:
    """One control plane with a fleet on it, Ready."""

    cluster: local.Cluster
    plane: Plane
    recorder: Recorder
    wires: dict[str, Wire] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    """Seconds until each process was ready."""
    births: dict[str, Manifest] = field(default_factory=dict)
    differs: list[str] = field(default_factory=list)
    """What was not as before a fault at the last look."""

    @property
    def commands(self) -> Commands:
        return Commands(self.cluster.state, self.cluster.state.load())

    def record(self, process: str) -> Record:
        """The process as it was last started; `west-…` and `east-…` are those of the clusters."""
        found = self.cluster.state.book.find(self.real(process))
        if found is None:
            raise ValueError(f"no process {process} was started")
        return found

    def real(self, process: str) -> str:
        """The name that `modelplane status` gives to a process of west or east."""
        name, _, rest = process.partition("-")
        return f"cluster-{self.index(name)}-{rest}" if name in CLUSTERS else process

    def index(self, name: str) -> int:
        """Which workload cluster plays the InferenceCluster."""
        return CLUSTERS.index(name) + 1

    def on(self, name: str) -> Kubectl:
        """A workload cluster by kubectl, not through its wire."""
        return self.plane.workload(self.index(name))

    def kill(self, *processes: str) -> None:
        """End them at once, as a machine that is switched off would."""
        records = [self.record(p) for p in processes]
        for each in records:
            os.kill(each.pid, signal.SIGKILL)
        stop(records)

    def start(self, *processes: str) -> None:
        """Start them as they were, and wait until they answer."""
        specs = [spec_of(self.commands, self.real(p)) for p in processes]
        for spec in specs:
            self.cluster.state.book.ensure(spec)
        for spec in specs:
            if spec.port:
                self.plane.wait(f"{spec.name} answers", lambda port=spec.port: ports.answers(port))

    def pause(self, *processes: str) -> None:
        for each in processes:
            os.kill(self.record(each).pid, signal.SIGSTOP)

    def go_on(self, *processes: str) -> None:
        for each in processes:
            os.kill(self.record(each).pid, signal.SIGCONT)

    def figures(self) -> dict[str, Manifest]:
        """Of each process: seconds until it was ready, and resident MiB now."""
        return {
            p.name: {"ready": self.started.get(p.name, ""), "mib": round(p.memory / 2**20)}
            for p in local.status(self.cluster.state.folder)
        }

    def conditions(self) -> dict[str, Manifest]:
        """Every condition of every composite and Object, by kind, name and type; what comes by itself aside."""
        return {
            f"{m['kind']}/{m['metadata']['name']} {c['type']}": c
            for m in self.plane.kubectl.get(f"{COMPOSITES},objects.kubernetes.m.crossplane.io", "-A")
            if m["kind"] != "Object" or _is_ours(m)
            for c in m.get("status", {}).get("conditions", [])
            if c["type"] not in _BY_ITSELF
        }

    def held(self) -> dict[str, Manifest]:
        """What is asked of each object on the clusters and of the Objects behind them, by name."""
        kubectls = {"": self.plane.kubectl, **{name: self.on(name) for name in CLUSTERS}}
        found = {w: k.get(HELD if w else OBJECTS, "-A") for w, k in kubectls.items()}
        return {f"{w} {m['kind']}/{m['metadata']['name']}": _asked(m) for w in found for m in found[w] if _is_ours(m)}

    def serves(self) -> bool:
        """Whether the clusters and the models are Ready, and each model has its endpoint."""
        wanted = [*(("ic", name) for name in CLUSTERS), *(("md", name) for name in MODELS)]
        return all(ready(self.plane, *each)() for each in wanted) and len(self.plane.kubectl.get("me")) == len(MODELS)

    def settled(self) -> dict[str, tuple[str, str]]:
        """What the conditions say when nothing is wrong, to be compared with later."""
        return {name: (c["status"], c.get("reason", "")) for name, c in self.conditions().items()}


def _is_ours(manifest: Manifest) -> bool:
    labels = manifest["metadata"].get("labels", {})
    return any(label.startswith("modelplane.ai/") for label in labels) and "modelplane.ai/nodes-of" not in labels


def _asked(manifest: Manifest) -> Manifest:
    """The object without what its server adds."""
    told = {k: v for k, v in manifest.items() if k not in ("metadata", "status")}
    if manifest["kind"] == "Service":
        told["spec"] = {k: v for k, v in told["spec"].items() if not k.startswith("clusterIP")}
    return told


def kubeconfig_of(stage: Stage, name: str) -> Manifest:
    """The kubeconfig of a workload cluster, by way of its wire."""
    direct = yaml.safe_load(stage.cluster.workload_kubeconfig(stage.index(name)).read_text())
    direct["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{stage.wires[name].listens}"
    return dict(direct)


def give_kubeconfig(stage: Stage, secret: str, kubeconfig: str) -> None:
    """Put a kubeconfig into a Secret of the control plane."""
    data = base64.b64encode(kubeconfig.encode()).decode()
    patch = yaml.safe_dump({"data": {"kubeconfig": data}})
    stage.plane.kubectl("patch", "secret", secret, "-n", "modelplane-system", "--type=merge", "-p", patch)


@contextmanager
def running(folder: Path) -> Iterator[Stage]:
    """A stage with its fleet Ready; everything is gone afterwards."""
    times: dict[str, float] = {}
    began = time.monotonic()

    def note(name: str, what: str) -> None:
        if what == "ready":
            times[name] = round(time.monotonic() - began, 1)

    cluster = local.up(local.Options(state=folder, clusters=len(CLUSTERS), kubeconfig=False), note)
    stage = Stage(cluster, plane_of(cluster), Recorder(), started={**times, "all": round(time.monotonic() - began, 1)})
    try:
        _fill(stage)
        yield stage
    finally:
        stage.recorder.stop()
        for wire in stage.wires.values():
            wire.close()
        cluster.down()


def _fill(stage: Stage) -> None:
    plane = stage.plane
    stage.recorder.watch("the control plane", stage.cluster.kubeconfig, ON_THE_CONTROL_PLANE)
    for name in CLUSTERS:
        direct = stage.cluster.workload_kubeconfig(stage.index(name))
        server = yaml.safe_load(direct.read_text())["clusters"][0]["cluster"]["server"]
        stage.wires[name] = Wire(int(server.rpartition(":")[2]))
        stage.recorder.watch(name, direct, ON_A_CLUSTER)
        give_kubeconfig(stage, f"cluster-{stage.index(name)}-kubeconfig", yaml.safe_dump(kubeconfig_of(stage, name)))
    shared, *clusters = yaml.safe_load_all((HERE / "fleet.yaml").read_text(encoding="utf-8"))
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(shared))
    for manifest in clusters:
        name = manifest["metadata"]["name"]
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
        plane.wait(f"{name} is Ready", ready(plane, "ic", name))
    applied = time.monotonic()
    plane.kubectl("apply", "-f", str(HERE / "models.yaml"))
    for name in MODELS:
        plane.wait(f"{name} is Ready", ready(plane, "md", name))
        stage.births[name] = _birth(stage, name, applied)
    plane.wait("each has an endpoint", lambda: len(plane.kubectl.get("me")) == len(MODELS))
    # A model serves before the last of its Objects says so; what is compared with later is how all are at rest.
    plane.wait(
        "every Object is Ready",
        lambda: all(_says_ready(m) for m in plane.kubectl.get("objects.kubernetes.m.crossplane.io", "-A")),
    )


def _says_ready(manifest: Manifest) -> bool:
    conditions = manifest.get("status", {}).get("conditions", [])
    return not _is_ours(manifest) or any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _birth(stage: Stage, name: str, applied: float) -> Manifest:
    """Seconds until the first workload stood on its cluster and until all was Ready, and the calls that it took."""
    workloads = ("Deployment", "LeaderWorkerSet")
    born = [at for t, at in stage.recorder.born.items() if t.kind in workloads and t.name.startswith(f"{name}-0-")]
    theirs = (f"ModelDeployment/{name}", f"ModelReplica/{name}-0", f"ModelRoute/{name}-0", f"ModelEndpoint/{name}-0")
    calls = stage.plane.calls()
    seconds = {"composed": round(min(born) - applied, 1), "ready": round(time.monotonic() - applied, 1)}
    return {**seconds, "calls": sum(calls[each] for each in theirs)}


def ready(plane: Plane, kind: str, name: str) -> Callable[[], bool]:
    return lambda: plane.condition(kind, name, "Ready").get("status") == "True"
