"""How each process is started: its command line, environment and port."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import images, kubelets, lws, rbac, sources, stacks, tools
from local.processes import Spec, write
from local.state import CONTROL_PLANE, Plan, State, workload_clusters

_CONTROL_PLANE_PORTS = (
    "etcd",
    "etcd/peer",
    "apiserver",
    "controller-manager",
    "crossplane",
    "crossplane/metrics",
    "crossplane/webhook",
    "provider-kubernetes",
    "provider-kubernetes/metrics",
    "provider-kubernetes/webhook",
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
_FILES = ("crossplane", "provider-kubernetes", "kwok", "gateway-api", "inference-extension", "lws")
_PACKAGE_BINARIES = ("crane", "crossplane-cli")
# As docs/how-to/install.md recommends: another version of the Configuration brings its own functions, back as well.
# By default 100 at once: on a few cores each of their requests waits for all others, the ledgers' too.
_RECONCILES_PER_CORE = 12
_UPGRADES = ("--enable-dependency-version-upgrades", "--enable-dependency-version-downgrades")
_WORKLOAD_PORTS = ("apiserver", "controller-manager", "scheduler", "kwok", "lws", "lws/metrics", "lws/webhook")
# What a control plane without pods needs; each controller costs start-up time.
_CONTROL_PLANE_CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "clusterrole-aggregation-controller",
)
# What the pods of its gateway need besides.
_POD_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "ttl-after-finished-controller",
    "endpointslice-controller",
    "pod-garbage-collector-controller",
    "root-ca-certificate-publisher-controller",
)


def port_names(plan: Plan) -> list[str]:
    """Every port that is needed, named after the process that owns it."""
    own = [*_CONTROL_PLANE_PORTS, *(plan.functions or ["functions"]), *(["scheduler"] if plan.gateways else [])]
    if plan.packages or plan.stack:
        own.append(stacks.REGISTRY)
    # A bare cluster gets its LeaderWorkerSet controller by a chart.
    theirs = [p for p in _WORKLOAD_PORTS if not (plan.stack and p.startswith(lws.NAME))]
    own += stacks.PORTS if plan.stack else []
    return [*own, *(f"{c}-{p}" for c in workload_clusters(plan.clusters) for p in theirs)]


def process_names(plan: Plan) -> list[str]:
    """Every process, in the order in which a person reads them."""
    names = [p for p in port_names(plan) if "/" not in p]
    own = [p for p in names if not p.startswith("cluster-")]
    own += [rbac.NAME] if plan.packages else []
    return [*own, "fleet", *(p for p in names if p not in own), *kubelets.names(plan)]


def check_tools(plan: Plan) -> None:
    """Fail before anything is started when a tool is missing."""
    for binary in _BINARIES:
        tools.path(binary)
    for name in _FILES:
        tools.files(name)
    if plan.stack:
        stacks.check_tools()
    for binary in _PACKAGE_BINARIES if plan.packages else ():
        tools.path(binary)
    if plan.packages:
        rbac.check_tools()


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
            # Webhooks in pods are called at their pods: nothing answers at a ClusterIP.
            "enable-aggregator-routing": "true",
        }
        # A quarter of its time in a race was Go's garbage collection (`design/capacity-ledger.md`).
        return self._spec(name, "kube-apiserver", flags, {"GOGC": "200"} if cluster == CONTROL_PLANE else {})

    def controller_manager(self, cluster: str) -> Spec:
        pki, name = self.state.pki(cluster), _name(cluster, "controller-manager")
        own = (*_CONTROL_PLANE_CONTROLLERS, *(_POD_CONTROLLERS if self.plan.gateways else ()))
        chosen = ",".join(own) if cluster == CONTROL_PLANE else "*"
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
            # With packages it may what its chart says, and what packages and install/ add to that.
            "KUBECONFIG": str(self.state.kubeconfig("crossplane" if self.plan.packages else CONTROL_PLANE)),
            "POD_NAMESPACE": "crossplane-system",
            "POD_SERVICE_ACCOUNT": "crossplane",
            "CRDS_PATH": str(tools.files("crossplane") / "crds"),
            "TLS_CA_SECRET_NAME": "crossplane-root-ca",
            "TLS_SERVER_SECRET_NAME": "crossplane-tls-server",
            "TLS_CLIENT_SECRET_NAME": "crossplane-tls-client",
            "TLS_CLIENT_CERTS_DIR": str(self.state.pki(CONTROL_PLANE).tls),
            "TLS_SERVER_CERTS_DIR": str(self.state.pki(CONTROL_PLANE).tls),
            "ENABLE_WEBHOOKS": "true" if verb == ("start",) else "false",
            "WEBHOOK_PORT": str(self._port("crossplane/webhook")),
            "XPKG_CACHE_DIR": str(self._folder("crossplane/packages")),
            "XFN_CACHE_DIR": str(self._folder("crossplane/functions")),
            "METRICS_PORT": str(self._port("crossplane/metrics")),
            "HEALTH_PROBE_PORT": str(self._port("crossplane")),
            "GRPC_ENABLE_TXT_SERVICE_CONFIG": "false",
        }
        argv = (str(tools.path("crossplane")), "core", *verb)
        if verb == ("start",):
            rate = _RECONCILES_PER_CORE * (os.cpu_count() or 1)
            argv += ("--package-runtime=Provider=External;Function=External", "--poll-interval=60s")
            argv += (f"--max-reconcile-rate={rate}",)
            argv += _UPGRADES if self.plan.packages else ()
        return Spec("crossplane", argv, env, self._port("crossplane"), (self.server(CONTROL_PLANE),))

    def provider_kubernetes(self) -> Spec:
        name = "provider-kubernetes"
        flags = {
            "poll": "10m",
            "enable-watches": None,
            "sanitize-secrets": None,
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
        env = {"PYTHONUNBUFFERED": "1", "MODELPLANE_KINDS": str(tools.files("inference-extension") / "crds")}
        return Spec("functions", (sys.executable, *argv), env, port, (sources.digest("functions"),))

    def packaged_function(self, name: str, package: Path) -> Spec:
        """A function in the file system of the image that its package holds."""
        folder, port = self._folder(f"packages/functions/{name}"), self._port(name)
        image = images.unpack(package, self._folder("packages/layers"))
        own = images.certificates(self.state.pki(CONTROL_PLANE), folder / "own", image.config["User"])
        (folder / "root").mkdir(exist_ok=True)
        served = ("--address", f"127.0.0.1:{port}", "--debug")
        argv = images.command(image, folder / "root", own, served)
        return Spec(name, argv, images.environment(image), port)

    def fleet(self) -> Spec:
        argv = ["-m", "local.fleet", "--kubeconfig", str(self.state.kubeconfig())]
        argv += ["--nodes", str(self.plan.nodes)] if self.plan.nodes is not None else []
        argv += ["--stack"] if self.plan.stack else []
        argv += [f"--network={self.plan.network}"] if self.plan.network else []
        argv += ["--gateways"] if self.plan.gateways else []
        needs = (self.server(CONTROL_PLANE), sources.digest("fleet"))
        return Spec("fleet", (sys.executable, *argv), {"PYTHONUNBUFFERED": "1"}, needs=needs)

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


def _name(cluster: str, process: str) -> str:
    return process if cluster == CONTROL_PLANE else f"{cluster}-{process}"
