"""A process of the local control plane by its name."""

from __future__ import annotations

from local.commands import Commands
from local.processes import Spec
from local.state import CONTROL_PLANE, workload_clusters

OF_A_CLUSTER = ("apiserver", "controller-manager", "scheduler", "kwok", "lws")


def spec_of(commands: Commands, process: str) -> Spec:
    """How the process is started that `modelplane status` lists under that name. Raises ValueError for another."""
    own = {
        name: getattr(commands, name.replace("-", "_"))
        for name in ("etcd", "provider-kubernetes", "functions", "fleet")
    }
    if process in own:
        started: Spec = own[process]()
        return started
    if process == "crossplane":
        return commands.crossplane("start")
    for cluster in (CONTROL_PLANE, *workload_clusters(commands.plan.clusters)):
        for kind in OF_A_CLUSTER:
            if process == (kind if cluster == CONTROL_PLANE else f"{cluster}-{kind}"):
                made: Spec = getattr(commands, kind.replace("-", "_"))(cluster)
                return made
    raise ValueError(f"no process is called {process}")
