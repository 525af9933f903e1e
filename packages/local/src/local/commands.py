"""How each process is started: its command line, environment and port."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas import apis

from local import lws, tools
from local.datapath import images
from local.processes import Spec, write
from local.state import CONTROL_PLANE, Plan, State, cluster_number, workload_clusters

_CONTROL_PLANE_PORTS = (
    "etcd",
    "etcd/peer",
    "apiserver",
    "controller-manager",
    "crossplane",
    "crossplane/metrics",
    "provider-kubernetes",
    "provider-kubernetes/metrics",
    "provider-kubernetes/webhook",
    "functions",
)
_BINARIES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "crossplane",
    "provider-kubernetes",
    "kwok",
    "lws",
)
_DATA_PATH_BINARIES = ("inference-sim", "pd-sidecar", "endpoint-picker")
_WORKLOAD_PORTS = ("apiserver", "controller-manager", "scheduler", "kwok", "lws", "lws/metrics", "lws/webhook")
# What a control plane without pods needs; each controller costs start-up time.
_CONTROL_PLANE_CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "clusterrole-aggregation-controller",
)


def port_names(clusters: int) -> list[str]:
    """Every port that is needed, named after the process that owns it."""
    return [*_CONTROL_PLANE_PORTS, *(f"{c}-{p}" for c in workload_clusters(clusters) for p in _WORKLOAD_PORTS)]


def process_names(clusters: int, data_path: bool = False) -> list[str]:
    """Every process, in the order in which a person reads them."""
    own = [p for p in _CONTROL_PLANE_PORTS if "/" not in p]
    theirs = [p for p in _WORKLOAD_PORTS if "/" not in p] + (["kubelet"] if data_path else [])
    return [*own, "fleet", *(f"{c}-{p}" for c in workload_clusters(clusters) for p in theirs)]


def check_tools(data_path: bool = False) -> None:
    """Fail before anything is started when a tool is missing."""
    for binary in (*_BINARIES, *(_DATA_PATH_BINARIES if data_path else ())):
        tools.path(binary)
    for name in ("crossplane", "provider-kubernetes", "kwok", "gateway-api", "inference-extension", "lws"):
        tools.files(name)


@dataclass(frozen=True)
class Commands:
    """The command lines of one state folder."""

    state: State
    plan: Plan

    def server(self, cluster: str) -> str:
        return f"https://127.0.0.1:{self._port(_name(cluster, 'apiserver'))}"

    def etcd(self) -> Spec:
        pki = self.state.pki(CONTROL_PLANE)
        client, peer = f"https://127.0.0.1:{self._port('etcd')}", f"http://127.0.0.1:{self._port('etcd/peer')}"
        flags = {
            "name": "modelplane",
            "data-dir": self.state.folder / "etcd",
            "unsafe-no-fsync": "true",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"modelplane={peer}",
            "client-cert-auth": "true",
            "trusted-ca-file": pki.ca,
            "cert-file": pki.tls / "tls.crt",
            "key-file": pki.tls / "tls.key",
            "log-level": "warn",
        }
        return self._spec("etcd", "etcd", flags)

    def apiserver(self, cluster: str) -> Spec:
        pki, etcd = self.state.pki(cluster), self.state.pki(CONTROL_PLANE)
        name = _name(cluster, "apiserver")
        flags = {
            "bind-address": "127.0.0.1",
            "secure-port": self._port(name),
            "endpoint-reconciler-type": "none",
            "authorization-mode": "Node,RBAC",
            "allow-privileged": "true",
            "profiling": "false",
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": f"https://{cluster}.modelplane.local",
            "service-account-key-file": pki.accounts_key,
            "service-account-signing-key-file": pki.accounts_key,
            "client-ca-file": pki.ca,
            "tls-cert-file": pki.tls / "tls.crt",
            "tls-private-key-file": pki.tls / "tls.key",
            "etcd-servers": f"https://127.0.0.1:{self._port('etcd')}",
            "etcd-prefix": f"/{cluster}",
            "etcd-cafile": etcd.ca,
            "etcd-certfile": etcd.tls / "tls.crt",
            "etcd-keyfile": etcd.tls / "tls.key",
        }
        return self._spec(name, "kube-apiserver", flags)

    def controller_manager(self, cluster: str) -> Spec:
        pki, name = self.state.pki(cluster), _name(cluster, "controller-manager")
        chosen = ",".join(_CONTROL_PLANE_CONTROLLERS) if cluster == CONTROL_PLANE else "*"
        flags = {
            **self._loopback(name, cluster),
            "controllers": chosen,
            "use-service-account-credentials": "true",
            "root-ca-file": pki.ca,
            "service-account-private-key-file": pki.accounts_key,
            "cluster-signing-cert-file": pki.ca,
            "cluster-signing-key-file": pki.ca_key,
        }
        return self._spec(name, "kube-controller-manager", flags, cluster=cluster)

    def scheduler(self, cluster: str) -> Spec:
        name = _name(cluster, "scheduler")
        return self._spec(name, "kube-scheduler", self._loopback(name, cluster), cluster=cluster)

    def kwok(self, cluster: str) -> Spec:
        name = _name(cluster, "kwok")
        flags = {
            "kubeconfig": self.state.kubeconfig(cluster),
            "config": self.state.folder / "kwok.yaml",
            "manage-all-nodes": "false",
            "manage-nodes-with-annotation-selector": "kwok.x-k8s.io/node=fake",
            "cidr": "10.0.0.1/16",
            "node-ip": "127.0.0.1",
            "node-lease-duration-seconds": "40",
            "server-address": f"127.0.0.1:{self._port(name)}",
        }
        return self._spec(name, "kwok", flags, cluster=cluster)

    def lws(self, cluster: str) -> Spec:
        name = _name(cluster, lws.NAME)
        health, metrics = self._port(name), self._port(f"{name}/metrics")
        config = lws.configuration(self.state.pki(cluster), health, metrics, self.webhook_port(cluster))
        file = self.state.pki(cluster).folder.with_name("lws.json")
        write(file, config)
        return self._spec(name, "lws", {"config": file, "kubeconfig": self.state.kubeconfig(cluster)}, cluster=cluster)

    def webhook_port(self, cluster: str) -> int:
        """Where the cluster's LeaderWorkerSet controller answers the API server."""
        return self._port(f"{_name(cluster, lws.NAME)}/webhook")

    def crossplane(self, *verb: str) -> Spec:
        env = {
            "KUBECONFIG": str(self.state.kubeconfig()),
            "POD_NAMESPACE": "crossplane-system",
            "POD_SERVICE_ACCOUNT": "crossplane",
            "CRDS_PATH": str(tools.files("crossplane") / "crds"),
            "TLS_CA_SECRET_NAME": "crossplane-root-ca",
            "TLS_SERVER_SECRET_NAME": "crossplane-tls-server",
            "TLS_CLIENT_SECRET_NAME": "crossplane-tls-client",
            "TLS_CLIENT_CERTS_DIR": str(self.state.pki(CONTROL_PLANE).tls),
            "ENABLE_WEBHOOKS": "false",
            "XPKG_CACHE_DIR": str(self._folder("crossplane/packages")),
            "XFN_CACHE_DIR": str(self._folder("crossplane/functions")),
            "METRICS_PORT": str(self._port("crossplane/metrics")),
            "HEALTH_PROBE_PORT": str(self._port("crossplane")),
            "GRPC_ENABLE_TXT_SERVICE_CONFIG": "false",
        }
        argv = (str(tools.path("crossplane")), "core", *verb)
        if verb == ("start",):
            argv += ("--package-runtime=Provider=External;Function=External", "--poll-interval=60s")
        return Spec("crossplane", argv, env, self._port("crossplane"), (self.server(CONTROL_PLANE),))

    def provider_kubernetes(self) -> Spec:
        name = "provider-kubernetes"
        flags = {
            "poll": "10m",
            "enable-watches": None,
            "webhook-port": self._port(f"{name}/webhook"),
            "metrics-bind-address": f"127.0.0.1:{self._port(f'{name}/metrics')}",
            "health-probe-bind-addr": f"127.0.0.1:{self._port(name)}",
        }
        env = {
            "KUBECONFIG": str(self.state.kubeconfig()),
            "TLS_SERVER_CERTS_DIR": str(self.state.pki(CONTROL_PLANE).tls),
        }
        return self._spec(name, name, flags, env, CONTROL_PLANE)

    def functions(self) -> Spec:
        port = self._port("functions")
        certificates = str(self.state.pki(CONTROL_PLANE).tls)
        served = ("--address", f"127.0.0.1:{port}", "--tls-certs-dir", certificates, "--debug")
        argv = ("-m", "cli.main", "functions", *served)
        return Spec("functions", (sys.executable, *argv), {"PYTHONUNBUFFERED": "1"}, port, (_sources("functions"),))

    def fleet(self) -> Spec:
        argv = ["-m", "local.fleet", "--kubeconfig", str(self.state.kubeconfig())]
        if self.plan.nodes is not None:
            argv += ["--nodes", str(self.plan.nodes)]
        if self.plan.network:
            argv += [f"--network={self.plan.network}"]
        return Spec(
            "fleet",
            (sys.executable, *argv),
            {"PYTHONUNBUFFERED": "1"},
            needs=(self.server(CONTROL_PLANE), _sources("fleet")),
        )

    def kubelet(self, cluster: str) -> Spec:
        """Runs the pods of a workload cluster, where they are run."""
        argv = ["-m", "local.datapath", "--kubeconfig", str(self.state.kubeconfig(cluster))]
        argv += ["--state", str(self.state.folder), f"--network={self.plan.network}"]
        argv += [f"--cluster={cluster_number(cluster)}"]
        builds = {v: os.environ[v] for v in (*images.VARIABLES.values(), "MODELPLANE_TOOLS") if v in os.environ}
        return Spec(
            _name(cluster, "kubelet"),
            (sys.executable, *argv),
            {"PYTHONUNBUFFERED": "1", **builds},
            needs=(self.server(cluster), _sources("fleet")),
        )

    def _loopback(self, name: str, cluster: str) -> dict[str, object]:
        return {
            "bind-address": "127.0.0.1",
            "secure-port": self._port(name),
            "kubeconfig": self.state.kubeconfig(cluster),
            "leader-elect": "false",
            "profiling": "false",
        }

    def _spec(
        self, name: str, binary: str, flags: Mapping[str, object], env: dict[str, str] | None = None, cluster: str = ""
    ) -> Spec:
        argv = [f"--{key}" if value is None else f"--{key}={value}" for key, value in flags.items()]
        needs = (self.server(cluster),) if cluster else ()
        return Spec(name, (str(tools.path(binary)), *argv), env or {}, self._port(name), needs)

    def _port(self, name: str) -> int:
        return self.plan.ports[name]

    def _folder(self, name: str) -> Path:
        folder = self.state.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@functools.cache
def _sources(process: str) -> str:
    """Changes with the Python that the process runs, so that `up` restarts it when it runs an older one."""
    ours = [name.replace("-", "_") for name in apis.function_names()]
    packages = ["contract", "local", "schemas"] if process == "fleet" else ["kit", "scheduling", "schemas", *ours]
    digest = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _name(cluster: str, process: str) -> str:
    return process if cluster == CONTROL_PLANE else f"{cluster}-{process}"
