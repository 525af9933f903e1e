"""Bringing a state folder up: what is missing is started, what runs is left alone, each thing awaited."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from local import charts, gateways, install, kubeconfig, kubelets, lws, packages, pki, ports, rbac, tools
from local.api import Api
from local.commands import Commands
from local.errors import LocalError, NotReadyError
from local.fleet.gateway import GATEWAY, GATEWAY_NAME
from local.gateways import Installation
from local.processes import Spec, write
from local.stacks import REGISTRY, Stacks
from local.state import CONTROL_PLANE, Plan, State, workload_clusters

PATIENCE = 180.0
# Crossplane's package manager takes up dependencies one by one, some seconds each.
_INSTALLED = 600.0
Progress = Callable[[str, str], None]


@dataclass(frozen=True)
class Start:
    """One run of `up` over a folder whose plan is decided."""

    state: State
    plan: Plan
    tell: Progress
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def commands(self) -> Commands:
        return Commands(self.state, self.plan)

    def run(self) -> None:
        """Everything in parallel that does not need one another."""
        clusters = workload_clusters(self.plan.clusters)
        self._write_stages()
        with ThreadPoolExecutor(max_workers=len(clusters) + 3) as pool:
            try:
                _all([pool.submit(self._credentials, c) for c in (CONTROL_PLANE, *clusters)])
                self._ensure(self.commands.etcd())
                if not self.plan.packages:
                    self._ensure(self.commands.functions(), wait=False)
                _all([pool.submit(self._control_plane), *(pool.submit(self._workload, c) for c in clusters)])
                if not self._is_bare:
                    self._fleet(clusters)
            finally:
                self.ended.set()  # What still waits in another thread gives up.

    def _credentials(self, cluster: str) -> None:
        made = pki.make(self.state.pki(cluster).folder, kubelets.addresses(self.plan, cluster))
        name = "modelplane" if cluster == CONTROL_PLANE else f"modelplane-{cluster}"
        config = kubeconfig.make(name, self.commands.server(cluster), made)
        write(self.state.kubeconfig(cluster), kubeconfig.dump(config))

    def _control_plane(self) -> None:
        api = self._apiserver(CONTROL_PLANE)
        self._ensure(self.commands.controller_manager(CONTROL_PLANE), wait=False)
        install.crossplane_account(api, self.state.pki(CONTROL_PLANE))
        if self.plan.gateways:
            self._ensure(self.commands.scheduler(CONTROL_PLANE), wait=False)
        if not self.plan.packages:
            install.kinds(api, tools.files("provider-kubernetes") / "crds", self._until)
            self._ensure(self.commands.provider_kubernetes(), wait=False)
        if self.plan.packages or self.plan.stack:
            self._ensure(Stacks(self.state, self.plan).registry())
        if self.plan.stack:
            self._charts(api)
        self._crossplane(api)
        if self.plan.packages:
            self._packages(api)
        else:
            install.functions(api, f"127.0.0.1:{self.plan.ports['functions']}")
            install.compositions(api, self._until)
            self._await_port(self.commands.functions())
        if not self._is_bare:
            self._ensure(self.commands.provider_kubernetes())
        self._await_port(self.commands.controller_manager(CONTROL_PLANE))
        self._await_port(self.commands.crossplane("start"))
        for manifest in install.guards(self.state.pki(CONTROL_PLANE), self.plan.ports["crossplane/webhook"]):
            api.apply(manifest)
        if self.plan.gateways:
            install.node(api)
            self._controllers(CONTROL_PLANE, api, gateways.of_the_control_plane())
            self._kubelet(CONTROL_PLANE)

    def _crossplane(self, api: Api) -> None:
        install.kinds(api, tools.files("crossplane") / "crds", self._until)
        if self.plan.packages:
            rbac.install(api, self.state, self.commands.server(CONTROL_PLANE))
            self._ensure(rbac.manager(self.state, (self.commands.server(CONTROL_PLANE),)), wait=False)
        if api.get(install.SECRET, "crossplane-tls-client", "crossplane-system") is None:
            self._initialise()
        self._ensure(self.commands.crossplane("start"), wait=False)

    @property
    def _registry(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.plan.ports[REGISTRY]}"

    def _packages(self, api: Api) -> None:
        """As a person installs them, from a registry of our own, unless that person does; functions from their images."""
        found = packages.read(Path(self.plan.packages))
        packages.push_providers(self._registry)
        if not self.plan.by_hand:
            packages.check(api, found)
            packages.push(found, self._registry)
            packages.install_configuration(api, found, self._registry)
        if not packages.is_installed(api, found):
            return
        self._functions(api, packages.functions(found))
        self._until("the Configuration", lambda: packages.is_healthy(api, found), patience=_INSTALLED)
        # Those that the packages bring, which may be of another version than this code.
        install.established(api, api.find(install.XRD), self._until)
        self._until("the provider's kinds", lambda: api.serves(packages.OBJECT))

    @property
    def _is_bare(self) -> bool:
        """Whether there is nothing but Crossplane yet, for a person to install packages."""
        return self.plan.by_hand and not self._api(CONTROL_PLANE).serves(packages.OBJECT)

    def _functions(self, api: Api, wanted: list[packages.Package]) -> None:
        """Start each as soon as Crossplane has activated its revision, as a kubelet does: they come one by one."""
        waiting = {f.reference: f for f in wanted}

        def started() -> bool:
            for reference in packages.active(api) & set(waiting):
                function = waiting.pop(reference)
                spec = self.commands.packaged_function(function.name, function.file)
                self._ensure(spec)
                packages.say_running(api, function, f"127.0.0.1:{spec.port}")
            packages.say_providers_running(api)
            return not waiting

        self._until("the functions' revisions", started, patience=_INSTALLED)

    def _charts(self, api: Api) -> None:
        """What installs charts on bare clusters, and a registry that has them."""
        for chart in charts.published():
            charts.push(self._registry, chart)
        install.kinds(api, tools.files("provider-helm") / "crds", self._until)
        self._ensure(Stacks(self.state, self.plan).provider_helm(), wait=False)

    def _workload(self, cluster: str) -> None:
        api = self._apiserver(cluster)
        specs = [
            self.commands.controller_manager(cluster),
            self.commands.scheduler(cluster),
            self.commands.kwok(cluster),
        ]
        for spec in specs:
            self._ensure(spec, wait=False)
        if not self.plan.stack:
            specs.append(self._equip(api, cluster))
        for spec in specs:
            self._await_port(spec)
        if self.plan.network:
            self._kubelet(cluster)

    def _equip(self, api: Api, cluster: str) -> Spec:
        """What a cluster that is not bare has: the kinds of gateways and groups, and the controller of groups."""
        install.kinds(api, lws.crds(), self._until)
        controller = self.commands.lws(cluster)
        self._ensure(controller, wait=False)
        install.workload_namespace(api)
        install.gateway_kinds(api, self._until, whole=not self.plan.gateways)
        for manifest in lws.webhooks(self.state.pki(cluster), self.commands.webhook_port(cluster)):
            api.apply(manifest)
        if self.plan.gateways:
            self._controllers(cluster, api, gateways.of_the_stack())
            for manifest in gateways.front():
                api.apply(manifest)
        return controller

    def _controllers(self, cluster: str, api: Api, wanted: Iterable[Installation]) -> None:
        gateways.install(api, wanted, self.state.pki(cluster).folder.with_name("charts"), self._until)

    def _kubelet(self, cluster: str) -> None:
        needs = (self.commands.server(cluster), *self.commands.fleet().needs)
        self._ensure(kubelets.spec(self.state, self.plan, cluster, needs), wait=False)

    def _fleet(self, clusters: list[str]) -> None:
        install.cluster_secrets(self._api(CONTROL_PLANE), [self.state.kubeconfig(c) for c in clusters])
        self._ensure(self.commands.fleet(), wait=False)
        if self.plan.stack:
            return  # A bare cluster has no gateway yet.
        for cluster in clusters:
            process = f"{cluster}-kubelet" if self.plan.gateways else "fleet"
            self._until(f"{cluster}'s gateway", partial(_has_gateway, self._api(cluster), self.plan.gateways), process)

    def _apiserver(self, cluster: str) -> Api:
        spec = self.commands.apiserver(cluster)
        self._ensure(spec, wait=False)
        api = self._api(cluster)
        self._until(spec.name, api.ready, spec.name)
        return api

    def _api(self, cluster: str) -> Api:
        return Api.from_file(self.state.kubeconfig(cluster), install.OWNER)

    def _ensure(self, spec: Spec, wait: bool = True) -> None:
        started = self.state.book.ensure(spec)
        self.tell(spec.name, "started" if started else "running")
        if wait:
            self._await_port(spec)

    def _await_port(self, spec: Spec) -> None:
        self._until(spec.name, lambda: ports.answers(spec.port), spec.name)
        self.tell(spec.name, "ready")

    def _until(self, what: str, done: Callable[[], bool], process: str = "", patience: float = PATIENCE) -> None:
        """Return when `done`; give up when time is over or the process that it hangs on has ended."""
        deadline = time.monotonic() + patience
        while not done():
            record = self.state.book.find(process) if process else None
            if record and not record.alive:
                raise NotReadyError(
                    f"{process} has ended. Its log, {self.state.book.log(process)}, ends with:\n{self._tail(process)}"
                )
            if time.monotonic() > deadline:
                hint = f"see `modelplane logs {process}`" if process else "see `modelplane status`"
                raise NotReadyError(f"{what} not ready within {patience:.0f} s: {hint}")
            if self.ended.wait(0.2):
                raise NotReadyError(f"{what} was not awaited: something else failed")

    def _tail(self, process: str) -> str:
        lines = self.state.book.log(process).read_text(errors="replace").splitlines()
        return "\n".join(lines[-5:])

    def _initialise(self) -> None:
        spec = self.commands.crossplane("init")
        log = self.state.book.log("crossplane-init")
        for _ in range(3):
            done = subprocess.run(
                spec.argv,
                env=self.state.book.environment(spec),
                cwd="/",
                capture_output=True,
                check=False,
                timeout=PATIENCE,
            )
            write(log, (done.stdout + done.stderr).decode(errors="replace"))
            if done.returncode == 0:
                return
        raise LocalError(f"`crossplane core init` failed, see {log}; it ends with:\n{self._tail('crossplane-init')}")

    def _write_stages(self) -> None:
        folder = tools.files("kwok")
        # Where a kubelet runs pods, only nodes are left to play.
        played = "node-*.yaml" if self.plan.network else "*.yaml"
        files = sorted([*folder.glob(f"*/{played}"), *Path(__file__).with_name("stages").glob(played)])
        stages = [file.read_text() for file in files]
        write(Path(self.state.folder / "kwok.yaml"), "\n---\n".join(stages))


def _all(jobs: list[Future[None]]) -> None:
    """Wait for all, or for the first that fails."""
    for job in wait(jobs, return_when=FIRST_EXCEPTION).done:
        job.result()


def _has_gateway(api: Api, programmed: bool) -> bool:
    """Whether it is there and, where a controller runs, programmed."""
    found = api.get(GATEWAY, GATEWAY_NAME, install.SYSTEM_NAMESPACE)
    return install.is_true(found, "Programmed") if programmed else found is not None
