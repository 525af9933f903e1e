"""What is lost of ten minutes of mixed requests at one address while parts are rolled, restarted, drained and cut off.

    sudo .venv/bin/python bench/under_load.py [--write] [--only NAME…]

Two clusters serve example 08 in two phases, behind real gateways. `--write` puts what was seen into
docs/explanation/under-load.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "datapath"))

import breaking  # noqa: E402  # After the path, as is what follows.
import served  # noqa: E402
import services  # noqa: E402
from local.testing import Kubectl, Plane  # noqa: E402
from mixed import Ended, load  # noqa: E402

PAGE = ROOT / "docs" / "explanation" / "under-load.md"
CALM, SILENT = 60.0, 30.0
CLUSTERS = ("east", "west")


@dataclass(frozen=True)
class Fleet:
    """The control plane and the two clusters."""

    plane: Plane
    url: str

    def cluster(self, name: str) -> Kubectl:
        return self.plane.cluster(name)

    def is_whole(self) -> bool:
        """Two replicas on two clusters are published."""
        found = self.plane.kubectl.get("me")
        places = {e["metadata"]["labels"]["modelplane.ai/cluster"] for e in found}
        told = self.plane.kubectl.one("ms", "qwen")["status"]["endpoints"]["summary"]
        return (len(found), len(places), told) == (2, 2, "2/2")

    def restart(self, kubectl: Kubectl, namespace: str, label: str) -> None:
        """Delete the pods of a label and wait for others in their place."""
        pods = ("pods", "-n", namespace, "-l", label)
        before = {p["metadata"]["uid"] for p in kubectl.get(*pods)}
        kubectl("delete", *pods, "--wait=false")

        def replaced() -> bool:
            found = kubectl.get(*pods)
            known = {p["metadata"]["uid"] for p in found}
            return bool(known) and not known & before and all(map(_is_ready, found))

        self.plane.wait(f"others of {label}", replaced)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    return all(c["ready"] for c in pod.get("status", {}).get("containerStatuses") or [{"ready": False}])


def calm(_fleet: Fleet) -> None:
    time.sleep(CALM)


def roll(fleet: Fleet) -> None:
    """Every engine of both replicas gets another variable."""
    steps = [
        {"op": "add", "path": f"/spec/engines/{n}/members/0/template/spec/containers/0/env", "value": _VARIABLE}
        for n in range(2)
    ]
    fleet.plane.kubectl("patch", "md", "qwen", "--type=json", "-p", json.dumps(steps))
    fleet.plane.wait("the roll is over", lambda: _rolled(fleet) and fleet.is_whole(), patience=400)


_VARIABLE = [{"name": "ROLLED", "value": "1"}]


def _rolled(fleet: Fleet) -> bool:
    pods = [
        p for c in CLUSTERS for p in fleet.cluster(c).get("pods", "-n", "mp-default", "-l", "modelplane.ai/serving")
    ]
    return all(_VARIABLE[0] in (p["spec"]["containers"][0].get("env") or []) for p in pods)


def cut_off(fleet: Fleet) -> None:
    """No packet reaches a cluster for half a minute."""
    with services.cut_off(fleet.plane, fleet.url, "west"):
        time.sleep(SILENT)


def drain(fleet: Fleet) -> None:
    """A cluster is drained; its replica moves, and another one comes back."""
    for value in (True, False):
        fleet.plane.kubectl("patch", "ic", "west", "--type=merge", "-p", json.dumps({"spec": {"drain": value}}))
        if value:
            fleet.plane.wait("all moved", lambda: _places(fleet) == ["east", "east"], patience=300)
    fleet.plane.kubectl("annotate", "md", "qwen", "modelplane.ai/reschedule=back")
    fleet.plane.wait("both serve again", fleet.is_whole, patience=300)


def _places(fleet: Fleet) -> list[str]:
    return sorted(e["metadata"]["labels"]["modelplane.ai/cluster"] for e in fleet.plane.kubectl.get("me"))


def pickers(fleet: Fleet) -> None:
    """One cluster's after the other."""
    for name in CLUSTERS:
        fleet.restart(fleet.cluster(name), "mp-default", "modelplane.ai/replica,!modelplane.ai/engine")
        fleet.plane.wait("all is well", fleet.is_whole)


def controllers(fleet: Fleet) -> None:
    """Those that tell Envoy what to do, not Envoy itself."""
    label = "control-plane=envoy-gateway"
    fleet.restart(fleet.plane.kubectl, _SYSTEM, label)
    for name in CLUSTERS:
        fleet.restart(fleet.cluster(name), _SYSTEM, label)
        fleet.restart(fleet.cluster(name), "envoy-ai-gateway-system", "app.kubernetes.io/name=ai-gateway-helm")


_SYSTEM = "envoy-gateway-system"
_ENVOY = "gateway.envoyproxy.io/owning-gateway-name"


def envoys(fleet: Fleet) -> None:
    """One cluster's after the other."""
    for name in CLUSTERS:
        fleet.restart(fleet.cluster(name), _SYSTEM, f"{_ENVOY}=inference-gateway")
        fleet.plane.wait("all is well", fleet.is_whole)


def front(fleet: Fleet) -> None:
    """All requests go through it."""
    fleet.restart(fleet.plane.kubectl, _SYSTEM, f"{_ENVOY}=gateway-public")


EVENTS: Mapping[str, tuple[str, Callable[[Fleet], None]]] = {
    "calm": ("nothing, for a minute", calm),
    "roll": ("all engines of both replicas are rolled", roll),
    "cut-off": ("one cluster falls silent for half a minute", cut_off),
    "drain": ("one cluster is drained, and taken back", drain),
    "pickers": ("the pickers are restarted, one cluster's after the other", pickers),
    "controllers": ("Envoy Gateway and AI Gateway are restarted, everywhere", controllers),
    "envoys": ("the Envoys of the clusters are restarted, one after the other", envoys),
    "front": ("the Envoy of the control plane is restarted", front),
}


def fleet_of_two() -> str:
    """The example's nodes on two clusters, each with room for both replicas; and the gateway."""
    documents = list(yaml.safe_load_all((breaking.EXAMPLE / "fleet.yaml").read_text()))
    clusters = []
    for name in CLUSTERS:
        cluster = json.loads(json.dumps(next(d for d in documents if d["kind"] == "InferenceCluster")))
        cluster["metadata"]["name"] = name
        cluster["spec"]["cluster"]["existing"]["secretRef"]["name"] = f"{name}-kubeconfig"
        for pool in cluster["spec"]["nodePools"]:
            pool["nodeCount"] = 4
        clusters.append(cluster)
    classes = [d for d in documents if d["kind"] == "InferenceClass"]
    return yaml.safe_dump_all([*classes, *clusters, yaml.safe_load(services.GATEWAY)])


def deployment() -> dict[str, Any]:
    """Two replicas, each with two engines of both phases."""
    found: dict[str, Any] = yaml.safe_load(breaking.deployment())
    found["spec"]["replicas"] = 2
    for engine in found["spec"]["engines"]:
        engine["copies"] = 2
    return found


@dataclass(frozen=True)
class Row:
    """What an event cost."""

    name: str
    seconds: float
    sent: int
    lost: Sequence[Ended]

    def __str__(self) -> str:
        counted = Counter(f"{e.kind} {e.how}" for e in self.lost)
        told = ", ".join(f"{times} {how}" for how, times in sorted(counted.items())) or "none"
        return f"| {EVENTS[self.name][0]} | {self.seconds:.0f} | {self.sent} | {told} |"


def seen(fleet: Fleet, chosen: Sequence[str]) -> list[Row]:
    """What each event cost; every lost request is told as it is counted."""
    rows = []
    begun: dict[str, float] = {}
    with load(fleet.url.removeprefix("http://")) as tally:
        for name in chosen:
            tally.going_on, begun[name] = name, time.monotonic()
            EVENTS[name][1](fleet)
            fleet.plane.wait("all is well", fleet.is_whole)
            rows.append((name, time.monotonic() - begun[name]))
            click.echo(f"{name}: {rows[-1][1]:.0f} s, {tally.sent(name)} ended, {len(tally.lost(name))} lost", err=True)
    for name in chosen:
        _tell(name, begun[name], tally.lost(name))
    return [Row(name, seconds, tally.sent(name), tally.lost(name)) for name, seconds in rows]


def _tell(name: str, begun: float, lost: Sequence[Ended]) -> None:
    """When the lost requests were sent, and what one of them was told."""
    alike: dict[tuple[str, str], list[Ended]] = {}
    for each in lost:
        alike.setdefault((each.how, each.told[:60]), []).append(each)
    for (how, _), found in alike.items():
        first, last = (f"{at - begun:.1f}" for at in (found[0].sent, found[-1].sent))
        longest = max(e.seconds for e in found)
        told = f"sent {first} to {last} s after its begin, for at most {longest:.1f} s: {found[0].told}"
        click.echo(f"{name}: {len(found)} times {how}, {told}", err=True)


@click.command(help=__doc__)
@click.option("--write", is_flag=True, help="Write docs/explanation/under-load.md.")
@click.option("--only", multiple=True, type=click.Choice(list(EVENTS)), help="Play these alone.")
def main(write: bool, only: Sequence[str]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        served.up(Path(folder) / "state", "gateways", fleet_of_two(), clusters=2) as plane,
        services.applied(plane, deployment(), services.service("qwen", ({"modelplane.ai/deployment": "qwen"}, 1))),
    ):
        plane.wait("the service is Ready", lambda: services.ready(plane, "ms", "qwen"))
        fleet = Fleet(plane, plane.kubectl.one("ig", "public")["status"]["url"])
        plane.wait("both replicas serve", fleet.is_whole)
        rows = seen(fleet, only or list(EVENTS))
    text = page(rows)
    click.echo(text)
    if write:
        PAGE.write_text(text)


def page(rows: Sequence[Row]) -> str:
    """What is written to docs/."""
    form = Path(__file__).with_name("under-load.md.in").read_text()
    minutes = sum(row.seconds for row in rows) / 60
    return form.format(
        cores=os.cpu_count(),
        rows="\n".join(map(str, rows)),
        minutes=minutes,
        sent=f"{sum(row.sent for row in rows):,}",
        lost=sum(len(row.lost) for row in rows),
    )


if __name__ == "__main__":
    main()
