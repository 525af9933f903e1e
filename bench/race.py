"""Deployments created at once on the real control plane: who gets the nodes, how soon, and what it costs.

    python bench/race.py [--deployments 100] [--clusters 5] [--nodes 12] [--seconds 240]
        [--restart crossplane --restart functions --restart apiserver] [--sync-interval 2m] [--behind 2] [--stay 300] [--free 5]

It starts a control plane of its own and removes it. Its looks are reads of the API server by kubectl
and take part in what they measure, so they are few; grants are watched, version by version.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import yaml
from behind import behind
from kit import labels
from local import Cluster, Options, up
from local.commands import Commands
from local.state import CONTROL_PLANE
from local.testing import Manifest, Plane, start
from watched import Grants, grants

LOOK_SECONDS = 5.0
# The circuits of a fleet's birth have closed or their tokens are back by then.
REST_SECONDS = 60.0
POLL_SECONDS = 0.5
FREED_SECONDS = 120.0
MOST_FREQUENT = 30
_TICKS = os.sysconf("SC_CLK_TCK")
KINDS = "md,mr,ic,capacityledgers,clustertenants"


@dataclass(frozen=True)
class Race:
    """How many ask for how much, and what happens to them in the middle."""

    deployments: int
    clusters: int
    nodes: int
    seconds: float
    restart: tuple[str, ...]
    sync_interval: str
    behind: float
    stay: float
    free: int

    @property
    def room(self) -> int:
        return min(self.clusters * self.nodes, self.deployments)


@click.command()
@click.option("--deployments", default=100, show_default=True)
@click.option("--clusters", default=5, show_default=True)
@click.option("--nodes", default=12, show_default=True, help="Nodes of each cluster.")
@click.option("--seconds", default=240.0, show_default=True, help="Give up after that.")
@click.option("--restart", multiple=True, help="Process to kill and start again when a third is granted.")
@click.option("--sync-interval", default="", help="Crossplane's, such as 2m; its default is an hour.")
@click.option("--behind", default=0.0, help="Seconds by which Crossplane's watches are late.")
@click.option("--stay", default=0.0, help="Go on looking for that long once all is granted and Ready.")
@click.option("--free", default=0, help="In the end delete that many that serve, for those that wait.")
def main(**options: Any) -> None:
    race = Race(**options)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        plane, local = start(Path(folder) / "state", race.clusters)
        try:
            if race.sync_interval or race.behind:
                _restart_crossplane(local, race, stack)
            _fleet(plane, race.clusters, race.nodes)
            before, spent = _requests(plane), _cpu(local)
            with grants(plane.kubectl, Path(folder)) as granted:
                _run(plane, local, race, granted)
                _free(plane, race.free, granted)
            click.echo(f"most ever granted at once: {dict(granted.most())}; taken back: {granted.taken_back()}")
            _tell_requests(_requests(plane) - before)
            click.echo(f"grants written: {granted.written()}")
            _tell_calls(plane, "in all")
            _tell_cpu(_cpu(local) - spent)
        finally:
            local.down()


def _restart_crossplane(local: Cluster, race: Race, stack: contextlib.ExitStack) -> None:
    """Start Crossplane anew, with another sync interval or with late watches."""
    spec = Commands(local.state, local.state.load()).crossplane("start")
    if race.sync_interval:
        spec = replace(spec, argv=(*spec.argv, f"--sync-interval={race.sync_interval}"))
    if race.behind:
        late = stack.enter_context(behind(local.kubeconfig, local.state.pki(CONTROL_PLANE), race.behind))
        spec = replace(spec, env={**spec.env, "KUBECONFIG": str(late)})
    local.state.book.ensure(spec)


def _fleet(plane: Plane, clusters: int, nodes: int) -> None:
    objects = [_class(), *(_cluster(f"c{n}", nodes) for n in range(clusters))]
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    plane.wait("the fleet is Ready", lambda: sum(_is(c, "Ready") for c in plane.kubectl.get("ic")) == clusters)
    time.sleep(REST_SECONDS)


def _run(plane: Plane, local: Cluster, race: Race, granted: Grants) -> None:
    began, opened, faults = time.monotonic(), set[str](), list(race.restart)
    everybody = yaml.safe_dump_all(_deployment(f"m{n}") for n in range(race.deployments))
    plane.kubectl("apply", "-f", "-", stdin=everybody)
    click.echo(f"created after {time.monotonic() - began:.0f} s")
    until, told = race.seconds, False
    while (spent := time.monotonic() - began) < until:
        found = plane.kubectl.get(KINDS, "-A")
        replicas = [m for m in found if m["kind"] == "ModelReplica"]
        holders = granted.holders()
        held = Counter(r["spec"]["clusterName"] for r in replicas if r["metadata"]["uid"] in holders)
        opened |= {f"{m['kind']}/{m['metadata']['name']}" for m in found if _is(m, "Responsive", "False")}
        serving = sum(_is(r, "Ready") for r in replicas)
        others = Counter(r["spec"]["clusterName"] for r in replicas) - held
        queues = ", ".join(f"{held[name]}+{others[name]}" for name in sorted({*held, *others}))
        click.echo(f"{spent:4.0f} s: {held.total()} granted, {serving} Ready; granted and others by cluster: {queues}")
        if held.total() >= race.room and serving >= race.room:
            until = min(until, spent + race.stay) if until == race.seconds else until
        if faults and held.total() >= race.room / 3:
            _restart(local, faults)
        pause = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < pause:
            if not told and len(granted.holders()) >= race.room:
                told = True
                click.echo(f"{time.monotonic() - began:4.0f} s: all that can be are granted")
                _tell_calls(plane, "until then")
            time.sleep(POLL_SECONDS)
    click.echo(f"circuits opened: {', '.join(sorted(opened)) or 'none'}")


def _free(plane: Plane, count: int, granted: Grants) -> None:
    """Delete deployments of replicas that hold nodes, and tell when those that waited have them.

    Those come first in whose cluster nobody waits: their nodes are taken from another one's queue.
    """
    if not count:
        return
    replicas, holders = plane.kubectl.get("mr", "-A"), granted.holders()
    held = {r["metadata"]["name"]: r["spec"]["clusterName"] for r in replicas if r["metadata"]["uid"] in holders}
    waiting = Counter(r["spec"]["clusterName"] for r in replicas) - Counter(held.values())
    chosen = set(sorted(held, key=lambda name: (waiting[held[name]], name))[:count])
    plane.kubectl("delete", "md", "--wait=false", *(name.rpartition("-")[0] for name in chosen))
    left = ("objects.kubernetes.m.crossplane.io", "-A", "-l", f"{labels.REPLICA} in ({','.join(chosen)})")
    began, gone, told = time.monotonic(), 0.0, list[str]()
    while (spent := time.monotonic() - began) < FREED_SECONDS and len(told) < count:
        told += [f"{spent:.1f}"] * (len(granted.holders() - holders) - len(told))
        if not gone and not plane.kubectl.get(*left):
            gone = spent
        time.sleep(POLL_SECONDS)
    where = Counter(f"{held[name]} ({waiting[held[name]]} waiting)" for name in chosen)
    deleted = ", ".join(f"{number} on {name}" for name, number in sorted(where.items()))
    click.echo(
        f"deleted: {deleted}; their Objects were gone after {gone:.1f} s, their nodes taken after {', '.join(told)} s"
    )


def _restart(local: Cluster, faults: list[str]) -> None:
    """Kill the processes, all at once, and start them again."""
    book = local.state.book
    for record in [r for r in map(book.find, faults) if r]:
        os.kill(record.pid, signal.SIGKILL)
    click.echo(f"killed: {', '.join(faults)}")
    faults.clear()
    up(Options(state=local.state.folder, clusters=local.clusters, kubeconfig=False))


def _requests(plane: Plane) -> Counter[str]:
    """Requests of the control plane's API server so far, by verb, resource and answer."""
    text = plane.kubectl("get", "--raw", "/metrics")
    counted: Counter[str] = Counter()
    for told, value in re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", text, re.MULTILINE):
        said = dict(re.findall(r'(\w+)="([^"]*)"', told))
        what = "/".join(part for part in (said["resource"], said["subresource"]) if part)
        counted[f"{said['verb']} {what} {said['code']}"] += int(float(value))
    return counted


def _tell_requests(counted: Counter[str]) -> None:
    click.echo(
        f"{counted.total()} requests of the control plane's API server (409: refused as stale), the most frequent:"
    )
    for what, count in counted.most_common(MOST_FREQUENT):
        click.echo(f"  {what}: {count}")


def _tell_calls(plane: Plane, when: str) -> None:
    calls: defaultdict[str, list[int]] = defaultdict(list)
    for composite, count in plane.calls().items():
        calls[composite.partition("/")[0]].append(count)
    click.echo(f"calls of functions {when}, the fleet's births included, by kind: mean (most) of composites")
    for kind, counts in sorted(calls.items()):
        click.echo(f"  {kind}: {sum(counts) / len(counts):.1f} ({max(counts)}) of {len(counts)}")


def _cpu(local: Cluster) -> Counter[str]:
    """Seconds of a core that each kind of process has used so far; those of all workload clusters together."""
    used: Counter[str] = Counter()
    for record in local.state.book.records():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{record.pid}/stat").read_text().rpartition(")")[2].split()
            used[re.sub(r"^cluster-\d+-", "cluster-N-", record.name)] += sum(map(int, fields[11:13])) / _TICKS
    return used


def _tell_cpu(used: Counter[str]) -> None:
    click.echo("seconds of a core: " + ", ".join(f"{name} {seconds:.0f}" for name, seconds in used.most_common()))


def _is(manifest: Manifest, type: str, status: str = "True") -> bool:
    conditions = manifest.get("status", {}).get("conditions", [])
    return any(c["type"] == type and c["status"] == status for c in conditions)


def _object(kind: str, name: str, spec: Manifest, **metadata: str) -> Manifest:
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def _class() -> Manifest:
    gpu = {"name": "gpu", "driver": "gpu.nvidia.com", "deviceClassName": "gpu.nvidia.com"}
    return _object("InferenceClass", "one", {"devices": [{**gpu, "capacity": {"memory": {"value": "80Gi"}}}]})


def _cluster(name: str, nodes: int) -> Manifest:
    existing = {"secretRef": {"name": f"{name}-kubeconfig"}}
    pools = [{"name": "pool", "className": "one", "nodeCount": nodes}]
    return _object(
        "InferenceCluster", name, {"cluster": {"source": "Existing", "existing": existing}, "nodePools": pools}
    )


def _deployment(name: str) -> Manifest:
    devices = [{"name": "gpu", "selectors": [{"cel": 'device.driver == "gpu.nvidia.com"'}]}]
    template = {"spec": {"containers": [{"name": "engine", "image": "vllm/vllm-openai:v0.19.1"}]}}
    members = [{"role": "Standalone", "nodeSelector": {"devices": devices}, "template": template}]
    return _object("ModelDeployment", name, {"engines": [{"name": "main", "members": members}]}, namespace="default")


if __name__ == "__main__":
    main()
