"""With `up --stack`: the process that installs charts, and the registry that it gets them from."""

from __future__ import annotations

from dataclasses import dataclass

from local import charts, tools
from local.processes import Spec
from local.state import Plan, State

REGISTRY = "registry"
PORTS = ("provider-helm", "provider-helm/metrics")


def check_tools() -> None:
    """Fail before anything is started when a tool is missing."""
    for binary in ("provider-helm", "crane"):
        tools.path(binary)
    for name in sorted(charts.needed()):
        tools.files(name)


@dataclass(frozen=True)
class Stacks:
    """provider-helm of one state folder."""

    state: State
    plan: Plan

    def provider_helm(self) -> Spec:
        name, ports = "provider-helm", self.plan.ports
        argv = (
            str(tools.path(name)),
            # It sees neither drift nor the end of an upgrade by itself.
            "--poll=5s",
            f"--metrics-bind-address=127.0.0.1:{ports[f'{name}/metrics']}",
            f"--health-probe-bind-addr=127.0.0.1:{ports[name]}",
        )
        env = {"KUBECONFIG": str(self.state.kubeconfig())}
        return Spec(name, argv, env, ports[name], (str(ports["apiserver"]),))
