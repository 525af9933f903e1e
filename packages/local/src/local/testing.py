"""A control plane as tests speak to it: kubectl, waiting for conditions, clearing up."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import local
from local import tools
from local.processes import Spec, stop

Manifest = dict[str, Any]

PATIENCE = 240.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# As `kit.serve` writes it with --debug.
_CALL = re.compile(r"composed .*\bkind=(\S+) .*\bname=(\S+)")
_log = logging.getLogger(__name__)
_COMPOSITES = "md,mr,mrt,mc,cc,ic,icl,ig,me,ms,ss,capacityledgers,clustertenants"


@dataclass(frozen=True)
class Kubectl:
    """kubectl against one API server."""

    binary: Path
    kubeconfig: Path

    def __call__(self, *args: str, stdin: str = "", check: bool = True) -> str:
        """What kubectl prints."""
        command = [str(self.binary), f"--kubeconfig={self.kubeconfig}", *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(args)}: {done.stderr}")
        return done.stdout + done.stderr if not check else done.stdout

    def get(self, *args: str) -> list[Manifest]:
        """The objects that `kubectl get` finds."""
        found = json.loads(self("get", *args, "--ignore-not-found", "-o", "json") or "{}")
        return list(found["items"]) if "items" in found else ([found] if found else [])

    def one(self, *args: str) -> Manifest:
        """The one object that `kubectl get` finds."""
        (found,) = self.get(*args)
        return found


@dataclass(frozen=True)
class Plane:
    """The control plane, and how to reach the workload clusters behind it."""

    kubectl: Kubectl
    workload: Callable[[int], Kubectl]
    calls_log: Path

    def cluster(self, name: str) -> Kubectl:
        """The workload cluster that the InferenceCluster `name` stands for."""
        secret = self.kubectl.one("secret", f"{name}-kubeconfig", "-n", "modelplane-system")
        return self.workload(int(secret["metadata"]["labels"]["modelplane.ai/local-cluster"]))

    def condition(self, kind: str, name: str, type: str) -> Manifest:
        """One condition of one object in namespace default; empty when it is not there yet."""
        found = self.kubectl.get(kind, name)
        conditions = found[0].get("status", {}).get("conditions", []) if found else []
        return next((c for c in conditions if c["type"] == type), {})

    def wait(self, what: str, met: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """What `met` returns once it is true. Fails with the state of the composites when it takes too long.

        `pytest --log-cli-level=INFO` shows how long each took.
        """
        began = time.monotonic()
        while time.monotonic() < began + patience:
            answer = met()
            if answer:
                _log.info("%s: after %.1f s", what, time.monotonic() - began)
                return answer
            time.sleep(0.25)
        state = self.kubectl("get", _COMPOSITES, "-A", check=False)
        raise AssertionError(f"waited {patience:.0f} s in vain: {what}\n{state}")

    def calls(self) -> Counter[str]:
        """How often our functions were called so far for each composite, as Kind/name."""
        plain = _COLOUR.sub("", self.calls_log.read_text(errors="replace"))
        return Counter(f"{kind}/{name}" for kind, name in _CALL.findall(plain))

    def open_circuits(self) -> set[str]:
        """The composites that Crossplane holds events back from, as Kind/name."""
        return {
            f"{composite['kind']}/{composite['metadata']['name']}"
            for composite in self.kubectl.get(_COMPOSITES, "-A")
            for condition in composite.get("status", {}).get("conditions", [])
            if condition["type"] == "Responsive" and condition["status"] != "True"
        }

    def clear(self) -> None:
        """Delete every model and the fleet, and wait until nothing of them is left on the control plane."""
        for kinds in ("ms", "md", "mr", "me", "mc"):
            self.kubectl("delete", kinds, "--all", "-A", check=False)
        self.kubectl("delete", "ic,icl,ig", "--all", check=False)
        everything = (
            f"{_COMPOSITES},objects.kubernetes.m.crossplane.io,clusterproviderconfigs.kubernetes.m.crossplane.io"
        )
        self.wait("nothing is left", lambda: not self.kubectl.get(everything, "-A"))


def start(
    state: Path, clusters: int, stack: bool = False, packages: Path | None = None, data_path: str = ""
) -> tuple[Plane, local.Cluster]:
    """A control plane of our own in the folder `state`; whoever starts it stops it.

    `data_path` is "envoy-alone" or "gateways" where pods are to run.
    """
    asked = local.Options(state=state, clusters=clusters, kubeconfig=False, stack=stack, packages=packages)
    try:
        cluster = local.up(replace(asked, data_path=bool(data_path), envoy_alone=data_path == "envoy-alone"))
    except BaseException:
        # Nobody else would end what has been started.
        local.down(state)
        raise
    return plane_of(cluster), cluster


def plane_of(cluster: local.Cluster) -> Plane:
    """A control plane that runs, as tests speak to it."""
    binary = tools.path("kubectl")
    workload = lambda index: Kubectl(binary, cluster.workload_kubeconfig(index))  # noqa: E731  # It is a value here.
    return Plane(Kubectl(binary, cluster.kubeconfig), workload, cluster.state.book.log("functions"))


def restart(cluster: local.Cluster, name: str, spec: Spec) -> None:
    """End one process and start it as `spec` says, also when it is the same as before."""
    stop([record for record in [cluster.state.book.find(name)] if record])
    cluster.state.book.ensure(spec)
