"""What the data path adds and how soon it notices death, behind the real gateways of `modelplane up --data-path`.

    sudo .venv/bin/python bench/datapath.py [--write]

`--write` puts the figures into docs/explanation/data-path-speed.md. Some six minutes.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asking
import click
import yaml
from asking import Client, Cost, Latency, Way

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "datapath"))

import breaking  # noqa: E402  # After the path, as is what follows.
import served  # noqa: E402
from cli import proving  # noqa: E402
from local.api import Api  # noqa: E402
from local.testing import Kubectl, Manifest, Plane  # noqa: E402
from remote import Remote  # noqa: E402

PAGE = ROOT / "docs" / "explanation" / "data-path-speed.md"
SPACE = "mp-default"
ROUNDS, CONNECTIONS, SECONDS = 200, 16, 10.0
# A deleted pod serves on for 30 s.
EACH, WATCHED = 0.1, 40.0
# Engines that take no time: what the parts add is not lost in what engines vary by.
SPEED = {"name": "LOCAL_ENGINE_SPEED", "value": "{}"}


def short() -> Mapping[str, Any]:
    return {"model": "qwen", "prompt": "hello", "max_tokens": 1}


def long() -> Mapping[str, Any]:
    """A prompt that nobody has asked before."""
    return {"model": "qwen", "prompt": proving.prompt(200), "max_tokens": 1}


@dataclass(frozen=True)
class Served:
    """The deployment that is measured."""

    plane: Plane
    kube: Kubectl
    target: proving.Target

    def pods(self, phase: str) -> list[Manifest]:
        """The engines of a phase, by their names."""
        found = self.kube.get("pods", "-n", SPACE, "-l", f"modelplane.ai/pd-role={phase}")
        return sorted(found, key=lambda p: str(p["metadata"]["name"]))

    def whole(self) -> bool:
        """Two engines of both phases are ready."""
        found = [self.pods(phase) for phase in ("prefill", "decode")]
        return all(len(pods) == 2 and all(map(_is_ready, pods)) for pods in found)  # noqa: PLR2004  # Two of each.

    def route(self, name: str) -> Way:
        """The replica's own route."""
        return Way(name, self.target.url.removeprefix("http://"), 80, self.target.hostname)


def _is_ready(pod: Manifest) -> bool:
    found = {c["type"]: c["status"] for c in pod["status"].get("conditions", [])}
    return found.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def ways(of: Served) -> tuple[list[Way], list[Way]]:
    """For short prompts and for long ones, each with one part more than the one before."""
    decode, prefill = (of.pods(phase)[0]["status"]["podIP"] for phase in ("decode", "prefill"))
    of.kube("apply", "-f", "-", stdin=yaml.safe_dump_all(_plain_route()))
    short_ways = [
        Way("the engine", decode, 8001),
        Way("pd-sidecar in front of it", decode, 8000),
        Way("Envoy, by a route to a Service of these sidecars", of.route("").host, 80, "plain.modelplane.internal"),
        of.route("Envoy and the picker, by the replica's route"),
    ]
    long_ways = [
        Way("the engine", decode, 8001),
        Way("pd-sidecar, told which engine is to prefill", decode, 8000, "", {_PREFILL: f"{prefill}:8000"}),
        of.route("Envoy and the picker, which chooses both"),
    ]
    return short_ways, long_ways


_PREFILL = "x-prefiller-host-port"


def _plain_route() -> list[Manifest]:
    """A Service over the decode pods and a route to it, past the picker."""
    meta = {"name": "plain", "namespace": SPACE}
    parent = {"name": "inference-gateway", "namespace": "modelplane-system"}
    rule = {"backendRefs": [{"name": "plain", "port": 80}], "timeouts": {"request": "0s"}}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": {"modelplane.ai/pd-role": "decode"}, "ports": [{"port": 80, "targetPort": 8000}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": meta,
            "spec": {"parentRefs": [parent], "hostnames": ["plain.modelplane.internal"], "rules": [rule]},
        },
    ]


def dying(of: Served, act: Callable[[], Callable[[], None]]) -> Cost:
    """What clients saw of an event; `act` makes it happen and returns what makes it undone."""
    with asking.steady(of.route("the replica"), long, EACH) as asked:
        of.plane.wait("requests are answered", lambda: sum(not a.lost for a in list(asked)) > 20)  # noqa: PLR2004  # Some.
        begun = time.monotonic()
        undo = act()
        time.sleep(WATCHED)
    undo()
    of.plane.wait("all engines are ready again", of.whole)
    return asking.cost(asked, begun)


def killed(of: Served, phase: str) -> Callable[[], None]:
    _signal(of.pods(phase)[0], signal.SIGKILL)
    return lambda: None


def hanging(of: Served, phase: str) -> Callable[[], None]:
    pod = of.pods(phase)[0]
    _signal(pod, signal.SIGSTOP)
    return lambda: _signal(pod, signal.SIGCONT)


def deleted(of: Served, phase: str) -> Callable[[], None]:
    of.kube("delete", "pod", of.pods(phase)[0]["metadata"]["name"], "-n", SPACE, "--wait=false")
    return lambda: None


def _signal(pod: Manifest, number: signal.Signals) -> None:
    for status in pod["status"]["containerStatuses"]:
        served.signal_all(int(status["containerID"].removeprefix("process://")), number)


DEATHS: Mapping[str, Callable[[Served, str], Callable[[], None]]] = {
    "engine is killed": killed,
    "engine hangs": hanging,
    "pod is deleted": deleted,
}


@dataclass
class Figures:
    """All that is measured."""

    up: float
    born: float
    short: list[tuple[str, Latency]]
    long: list[tuple[str, Latency]]
    rates: list[tuple[str, float, int]]
    share: float
    deaths: list[tuple[str, Cost]]


def measure(of: Served, up: float, born: float, rounds: int) -> Figures:
    """Everything, one after the other."""
    short_ways, long_ways = ways(of)
    for way in (*short_ways, *long_ways):
        of.plane.wait(f"{way.name} answers", lambda way=way: not Client(way).ask(long()).lost)  # type: ignore[misc]  # Bound at once.
    names = [[w.name for w in each] for each in (short_ways, long_ways)]
    times = [asking.latencies(each, body, rounds) for each, body in ((short_ways, short), (long_ways, long))]
    rates = [
        (f"short prompts, {way.name}", *asking.rate(way, short, CONNECTIONS, SECONDS))
        for way in (short_ways[0], *short_ways[2:])
    ]
    api = Api.from_file(of.kube.kubeconfig, "modelplane-bench")
    rate, share = _disaggregated(of, Remote(api), long_ways[-1])
    api.close()
    rates.append((f"long prompts, {long_ways[-1].name}", *rate))
    # What else the machine does makes requests late, too.
    deaths = [("nothing", dying(of, lambda: lambda: None))]
    for what, act in DEATHS.items():
        for phase in ("prefill", "decode"):
            deaths.append((f"{phase} {what}", dying(of, lambda act=act, phase=phase: act(of, phase))))  # type: ignore[misc]  # As above.
            click.echo(_death(*deaths[-1]), err=True)
    short_times, long_times = (list(zip(*each, strict=True)) for each in zip(names, times, strict=True))
    return Figures(up, born, short_times, long_times, rates, share, deaths)


def _disaggregated(of: Served, remote: Remote, way: Way) -> tuple[tuple[float, int], float]:
    """How many long prompts are answered in a second, and how many of a hundred were prefilled on another pod."""
    pods = proving.pods(remote, of.target)
    before = proving.count(remote, pods).counters
    rate = asking.rate(way, long, CONNECTIONS, SECONDS)
    time.sleep(1)  # Engines count a little after they have answered.
    counted = proving.count(remote, pods).counters.since(before)
    return rate, 100 * counted.transfers / max(counted.on_decode, 1)


@click.command(help=__doc__)
@click.option("--write", is_flag=True, help="Write docs/explanation/data-path-speed.md.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Requests for each latency.")
def main(write: bool, rounds: int) -> None:
    load = os.getloadavg()[0]
    fleet = (breaking.EXAMPLE / "fleet.yaml").read_text()
    wider = fleet.replace("className: h200-node, nodeCount: 1", "className: h200-node, nodeCount: 2")
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        with served.up(Path(folder) / "state", "gateways", wider) as plane:
            up = time.monotonic() - begun
            text = page(_measured(plane, up, rounds), load, rounds)
    click.echo(text)
    if write:
        PAGE.write_text(text)


def _measured(plane: Plane, up: float, rounds: int) -> Figures:
    found = yaml.safe_load(breaking.deployment())
    found["spec"]["engines"][1]["copies"] = 2
    for engine in found["spec"]["engines"]:
        engine["members"][0]["template"]["spec"]["containers"][0]["env"] = [SPEED]
    kube = served.geneva(plane, nodes=4)
    begun = time.monotonic()
    with served.deployed(plane, yaml.safe_dump(found)):
        of = Served(plane, kube, served.target(plane, "qwen-0"))
        plane.wait("all engines are ready", of.whole)
        return measure(of, up, time.monotonic() - begun, rounds)


def page(found: Figures, load: float, rounds: int) -> str:
    """What is written to docs/."""
    return (
        Path(__file__)
        .with_name("data-path-speed.md.in")
        .read_text()
        .format(
            cores=os.cpu_count(),
            load=f"{load:.1f}",
            picker=breaking.PICKER,
            up=found.up,
            born=found.born,
            rounds=rounds,
            short=_added(found.short),
            long=_added(found.long),
            connections=CONNECTIONS,
            seconds=SECONDS,
            rates="\n".join(f"| {what} | {rate:.0f} | {lost} |" for what, rate, lost in found.rates),
            share=found.share,
            each=EACH * 1000,
            patience=asking.PATIENCE,
            late=asking.LATE,
            deaths="\n".join(_death(*each) for each in found.deaths),
        )
    )


def _added(found: Sequence[tuple[str, Latency]]) -> str:
    added = ["", *(f"{after.median - before.median:.1f}" for (_, before), (_, after) in itertools.pairwise(found))]
    rows = zip(found, added, strict=True)
    return "\n".join(f"| {name} | {each.median:.1f} | {more} | {each.slow:.1f} |" for (name, each), more in rows)


def _death(what: str, seen: Cost) -> str:
    lost = ", ".join(
        f"{n} without an answer" if status == 0 else f"{n} times {status}" for status, n in seen.lost.items()
    )
    last = "" if seen.last is None else f"{seen.last:.1f}"
    return f"| {what} | {last} | {lost or 'none'} | {seen.late or 'none'} | {seen.count} |"


if __name__ == "__main__":
    main()
