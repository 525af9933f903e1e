"""With `up --data-path`: the process that runs the pods of a workload cluster, or those of the control plane's gateway."""

from __future__ import annotations

import os
import sys

from local import tools
from local.datapath import images, network
from local.datapath.network import Network
from local.processes import Spec
from local.state import CONTROL_PLANE, Plan, State, cluster_number, workload_clusters

_BINARIES = ("inference-sim", "pd-sidecar", "endpoint-picker")
_GATEWAY_BINARIES = ("envoy-gateway", "ai-gateway-controller", "helm")


def check(plan: Plan) -> None:
    """Fail before anything is started when this machine or a tool is missing something."""
    network.check()
    for binary in (*_BINARIES, *(_GATEWAY_BINARIES if plan.gateways else ())):
        tools.path(binary)


def clusters(plan: Plan) -> list[str]:
    """Those whose pods are run; the control plane is one of them where it has a gateway of its own."""
    own = [CONTROL_PLANE] if plan.gateways else []
    return [*own, *workload_clusters(plan.clusters)] if plan.network else []


def names(plan: Plan) -> list[str]:
    """The processes, one for each cluster."""
    return [f"{cluster}-kubelet" for cluster in clusters(plan)]


def addresses(plan: Plan, cluster: str) -> list[str]:
    """Where pods find the API server of their cluster."""
    return [Network(plan.network, cluster_number(cluster)).host] if cluster in clusters(plan) else []


def spec(state: State, plan: Plan, cluster: str, needs: tuple[str, ...]) -> Spec:
    """How it is started; `needs` are facts that, when they change, ask for a restart."""
    argv = ["-m", "local.datapath", "--kubeconfig", str(state.kubeconfig(cluster)), "--state", str(state.folder)]
    argv += [f"--network={plan.network}", f"--cluster={cluster}"]
    argv += [] if plan.gateways else ["--envoy-alone"]
    builds = {v: os.environ[v] for v in (*images.VARIABLES.values(), "MODELPLANE_TOOLS") if v in os.environ}
    return Spec(f"{cluster}-kubelet", (sys.executable, *argv), {"PYTHONUNBUFFERED": "1", **builds}, needs=needs)
