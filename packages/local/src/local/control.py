"""What a person does with a local control plane: up, status, logs, down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local import charts, gateways, kubeconfig, kubelets, packages, ports
from local.commands import check_tools, port_names, process_names
from local.datapath import network
from local.errors import LocalError, RefusedError
from local.processes import Record, stop
from local.start import Start
from local.state import CONTROL_PLANE, Plan, State, workload_clusters

# What is stopped after what: nobody loses the server it talks to before it has ended itself.
_LAST = ("apiserver", "etcd")


@dataclass(frozen=True)
class Options:
    """What `up` is asked for; None leaves what is recorded."""

    state: Path | None = None
    clusters: int | None = None
    nodes: int | None = None
    packages: Path | None = None
    install: bool = True
    """With `packages`: whether `up` installs them; if not, what a person has installed is run by the next `up`."""
    kubeconfig: bool = True
    stack: bool = False
    data_path: bool = False
    """Whether pods are run, by a kubelet for known images; once so, always so until `down`."""
    envoy_alone: bool = False
    """With `data_path`: no controllers of gateways, but Envoy told by us."""


@dataclass(frozen=True)
class Process:
    """One line of `status`."""

    name: str
    state: str
    pid: int = 0
    uptime: float = 0.0
    memory: int = 0
    port: int = 0


@dataclass(frozen=True)
class Cluster:
    """A local control plane that runs: its kubeconfigs, and the context that kubectl uses."""

    state: State
    clusters: int
    context: str = ""
    registry: str = ""
    components: Mapping[str, Any] = field(default_factory=dict)
    """With `registry`: what the stack's components must be given where pods run."""
    packages: str = ""
    """The registry that a person pushes packages to, where a person installs them."""

    @property
    def kubeconfig(self) -> Path:
        return self.state.kubeconfig(CONTROL_PLANE)

    def workload_kubeconfig(self, index: int) -> Path:
        """The administrator's kubeconfig of workload cluster `index`, from 1."""
        return self.state.kubeconfig(f"cluster-{index}")

    def down(self) -> None:
        """Stop it and leave nothing behind."""
        down(self.state.folder)


def _quiet(_name: str, _what: str) -> None:
    """Tell nobody."""


def up(options: Options, on_progress: Callable[[str, str], None] = _quiet) -> Cluster:
    """Start what is missing and return when all is ready."""
    state = State(options.state)
    users_file = kubeconfig.users_file() if options.kubeconfig else None
    if users_file:
        kubeconfig.read(users_file)
    check_tools(_plan(state.load(), options))
    if options.data_path:
        kubelets.check(_plan(state.load(), options))
    state.claim()
    with state.lock():
        plan = _with_network(_with_ports(state, _plan(state.load(), options)), options)
        state.save(plan)
        Start(state, plan, on_progress).run()
        context = _merge(state, plan, users_file) if users_file else ""
    registry = f"oci://127.0.0.1:{plan.ports['registry']}/{charts.FOLDER}" if plan.stack else ""
    components = gateways.components() if plan.stack and plan.network else {}
    by_hand = f"127.0.0.1:{plan.ports['registry']}" if plan.by_hand else ""
    return Cluster(state, plan.clusters, context, registry, components, by_hand)


def down(folder: Path | None = None) -> bool:
    """Stop every process, then remove every context and file; whether there was anything."""
    state = State(folder)
    alive = state.book.everything()
    if not state.exists and not alive:
        return False
    if not state.exists:
        _stop(alive)
        return True
    with state.lock():
        _stop(state.book.everything())
        _disconnect(state)
        for file in _users_files(state):
            kubeconfig.remove_from(file, str(state.folder))
        state.erase()
    return True


def status(folder: Path | None = None) -> list[Process]:
    """Every process that should run, with what it is; empty when nothing was started here."""
    state = State(folder)
    if not state.exists:
        return []
    plan = state.load()
    return [_describe(name, state.book.find(name)) for name in process_names(plan)]


def logs(name: str, folder: Path | None = None) -> Path:
    """The log file of one process."""
    state = State(folder)
    if not state.exists:
        raise LocalError(f"Nothing was started in {state.folder}: run `modelplane up`")
    known = sorted(file.stem for file in (state.folder / "logs").glob("*.log"))
    if name not in known:
        raise RefusedError(f"There is no process {name!r}; the logs here are of {', '.join(known) or 'none'}")
    return state.book.log(name)


def _plan(plan: Plan, options: Options) -> Plan:
    wanted = options.clusters if options.clusters is not None else plan.clusters
    if plan.ports and wanted < plan.clusters:
        raise RefusedError(
            f"{plan.clusters} workload clusters exist and `up` only adds: run `modelplane down` first to have {wanted}"
        )
    if plan.ports and options.stack and not plan.stack:
        raise RefusedError("The workload clusters here are not bare: run `modelplane down` first to have --stack")
    if options.data_path and plan.ports and not plan.network:
        raise RefusedError("Pods are played here and not run: run `modelplane down` first to have --data-path")
    if options.envoy_alone and (options.stack or plan.stack):
        raise RefusedError("--stack brings the gateways' own controllers: leave --envoy-alone out")
    nodes = options.nodes if options.nodes is not None else plan.nodes
    planned = replace(plan, clusters=wanted, nodes=nodes, stack=plan.stack or options.stack)
    return _with_packages(_with_gateways(planned, options), options)


def _with_gateways(plan: Plan, options: Options) -> Plan:
    if options.envoy_alone and not options.data_path:
        raise RefusedError("--envoy-alone is about what carries requests to pods that run: give --data-path too")
    if options.envoy_alone and plan.gateways:
        raise RefusedError("The gateways' controllers run here: run `modelplane down` first to have --envoy-alone")
    return plan if plan.ports else replace(plan, gateways=options.data_path and not options.envoy_alone)


def _with_packages(plan: Plan, options: Options) -> Plan:
    folder = options.packages
    if folder is None:
        if not options.install and not plan.by_hand:
            raise RefusedError("--no-install is about packages: give --packages and the folder that has them, too")
        return plan
    if plan.ports and not plan.packages:
        raise RefusedError("This control plane runs without packages: run `modelplane down` first to have them")
    names = (p.name for p in packages.functions(packages.read(folder.absolute())))
    # Those of another version that ran before go on: Crossplane uninstalls no dependency.
    both = tuple(dict.fromkeys((*names, *plan.functions)))
    by_hand = plan.by_hand if plan.ports else not options.install
    return replace(plan, packages=str(folder.absolute()), functions=both, by_hand=by_hand)


def _with_network(plan: Plan, options: Options) -> Plan:
    return replace(plan, network=network.take()) if options.data_path and not plan.network else plan


def _with_ports(state: State, plan: Plan) -> Plan:
    held = {r.name for r in state.book.records() if r.alive}
    names = port_names(plan)
    owned = {n for n in names if n.partition("/")[0] in held}
    return replace(plan, ports=ports.assign(names, plan.ports, owned))


def _merge(state: State, plan: Plan, file: Path) -> str:
    """Remember the file before it is written, so that `down` finds it whatever happens in between."""
    listed = [f for f in plan.users_kubeconfig.split("\n") if f]
    state.save(replace(plan, users_kubeconfig="\n".join(dict.fromkeys([*listed, str(file.resolve())]))))
    ours = {"": kubeconfig.read(state.kubeconfig(CONTROL_PLANE))}
    ours |= {c: kubeconfig.read(state.kubeconfig(c)) for c in workload_clusters(plan.clusters)}
    return kubeconfig.merge_into(file, ours, str(state.folder))


def _disconnect(state: State) -> None:
    """Remove the networks and mounts of pods; what cannot be read any more is found by the state folder."""
    try:
        plan = state.load()
    except RefusedError:
        plan = Plan()
    network.unmount(state.folder)
    if plan.network:
        network.remove(plan.network, range(plan.clusters + 1))


def _users_files(state: State) -> list[Path]:
    try:
        return [Path(f) for f in state.load().users_kubeconfig.split("\n") if f]
    except RefusedError:
        return [kubeconfig.users_file()]


def _stop(alive: list[Record]) -> None:
    def rank(record: Record) -> int:
        return next((i for i, last in enumerate(_LAST, start=1) if record.name.endswith(last)), 0)

    # Kubelets first: what they started they end, and would start again.
    kubelets_ = [r for r in alive if r.name.endswith("-kubelet")]
    stop(kubelets_)
    for level in range(len(_LAST) + 1):
        stop([r for r in alive if rank(r) == level and r not in kubelets_])


def _describe(name: str, record: Record | None) -> Process:
    if record is None:
        return Process(name, "missing")
    if not record.alive:
        return Process(name, "dead", record.pid, port=record.port)
    return Process(name, "running", record.pid, record.uptime, record.memory, record.port)
