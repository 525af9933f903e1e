"""What Crossplane may where packages are installed: the roles of its own chart, each process by its own account."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import yaml

from local import kubeconfig, tools
from local.api import Api, Manifest
from local.errors import LocalError
from local.processes import Spec, write
from local.state import CONTROL_PLANE, State

NAME = "rbac-manager"
NAMESPACE = "crossplane-system"
# Each under the name of its kubeconfig.
ACCOUNTS = {"crossplane": "crossplane", NAME: NAME}
_KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")
_TEN_YEARS = 10 * 365 * 86400


def roles() -> Iterator[Manifest]:
    """The accounts, roles and bindings that Crossplane's chart installs with its default values."""
    chart = tools.files("crossplane-rbac") / "chart" / "crossplane"
    argv = [str(tools.path("helm")), "template", "crossplane", str(chart), "--namespace", NAMESPACE]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"Crossplane's chart cannot be rendered: {done.stderr.strip()}")
    yield from (m for m in yaml.safe_load_all(done.stdout) if m and m["kind"] in _KINDS)


def install(api: Api, state: State, server: str) -> None:
    """Put the roles on the control plane, and give each account a kubeconfig."""
    for manifest in roles():
        api.apply(manifest)
    for name, account in ACCOUNTS.items():
        if not state.kubeconfig(name).exists():
            token = api.token(NAMESPACE, account, seconds=_TEN_YEARS)
            config = kubeconfig.of_account(name, server, state.pki(CONTROL_PLANE), token)
            write(state.kubeconfig(name), kubeconfig.dump(config))


def manager(state: State, needs: tuple[str, ...]) -> Spec:
    """The process that gives Crossplane roles for the kinds of packages, as their XRDs and providers come."""
    limit = "--provider-clusterrole=crossplane:allowed-provider-permissions"
    argv = (str(tools.path("crossplane-rbac")), "rbac", "start", limit)
    return Spec(NAME, argv, {"KUBECONFIG": str(state.kubeconfig(NAME))}, needs=needs)


def check_tools() -> None:
    """Fail before anything is started when a tool is missing."""
    for binary in ("helm", "crossplane-rbac"):
        tools.path(binary)
    tools.files("crossplane-rbac")
