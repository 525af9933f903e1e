"""What the data path adds and how soon it notices death, behind the real gateways of `modelplane up --data-path`.

    sudo .venv/bin/python bench/datapath.py [--write]

`--write` puts the figures into docs/explanation/data-path-speed.md. Some five minutes.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "datapath"))

import breaking  # noqa: E402  # After the path, as is what follows.
import served  # noqa: E402
from cli import proving  # noqa: E402
from local.testing import Kubectl, Manifest, Plane  # noqa: E402

PAGE = ROOT / "docs" / "explanation" / "data-path-speed.md"
SPACE = "mp-default"
SHORT = {"model": "qwen", "prompt": "hello", "max_tokens": 1}
REQUESTS, CONNECTIONS, SECONDS = 200, 16, 10.0
HANGS = 10.0


@dataclass(frozen=True)
class Way:
    """Where requests are sent: an address, a port and the name that is asked for there."""

    name: str
    host: str
    port: int
    hostname: str = ""


class Client:
    """One connection that is kept."""

    def __init__(self, way: Way) -> None:
        self._link = http.client.HTTPConnection(way.host, way.port, timeout=HANGS)
        self._headers = {"Content-Type": "application/json", "Host": way.hostname or way.host}

    def ask(self, body: Mapping[str, Any]) -> int:
        """The status; 0 where nothing answers in time."""
        try:
            self._link.request("POST", "/v1/completions", json.dumps(body), self._headers)
            answer = self._link.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            self._link.close()
            return 0


def latency(way: Way) -> float:
    """The median of short requests over one connection, in milliseconds."""
    client, times = Client(way), []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        assert client.ask(SHORT) == 200  # noqa: S101, PLR2004  # Nothing else is worth measuring.
        times.append(time.perf_counter() - begun)
    return statistics.median(times[10:]) * 1000


def throughput(way: Way, body: Callable[[], Mapping[str, Any]]) -> tuple[float, int]:
    """Requests per second over many connections, and how many were not answered 200."""
    with clients(way, body) as asked:
        time.sleep(SECONDS)
        counted = list(asked)
    return len(counted) / SECONDS, sum(status != 200 for _, _, status in counted)  # noqa: PLR2004  # OK.


Asked = list[tuple[float, float, int]]


@contextmanager
def clients(way: Way, body: Callable[[], Mapping[str, Any]], count: int = CONNECTIONS) -> Iterator[Asked]:
    """So many clients ask on and on: when each request was sent, how long it took, and its status."""
    asked: Asked = []
    ended = threading.Event()

    def ask_on() -> None:
        client = Client(way)
        while not ended.is_set():
            begun = time.monotonic()
            status = client.ask(body())
            asked.append((begun, time.monotonic() - begun, status))

    threads = [threading.Thread(target=ask_on) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def long() -> Mapping[str, Any]:
    """A prompt that nobody has asked before."""
    return {"model": "qwen", "prompt": proving.prompt(200), "max_tokens": 1}


def dying(plane: Plane, kube: Kubectl, way: Way, phase: str, number: signal.Signals) -> tuple[float, int, int]:
    """Seconds after which the last request that was lost to a dying engine had been sent; requests lost, of how many."""
    pod = min(_pods(kube, phase), key=lambda p: str(p["metadata"]["name"]))
    with clients(way, long, 4) as asked:
        plane.wait("requests are answered", lambda: len(asked) > 20)  # noqa: PLR2004  # Some.
        begun = time.monotonic()
        _signal(pod, number)
        time.sleep(HANGS * 2)
        if number == signal.SIGSTOP:
            _signal(pod, signal.SIGCONT)
    lost = [sent for sent, _, status in asked if status != 200 and sent > begun - HANGS]  # noqa: PLR2004  # OK.
    plane.wait("all engines are ready again", lambda: all(map(_is_ready, _pods(kube, phase))))
    return max((sent - begun for sent in lost), default=0.0), len(lost), len(asked)


def _signal(pod: Manifest, number: signal.Signals) -> None:
    for status in pod["status"]["containerStatuses"]:
        served.signal_all(int(status["containerID"].removeprefix("process://")), number)


def _pods(kube: Kubectl, phase: str) -> list[Manifest]:
    return kube.get("pods", "-n", SPACE, "-l", f"modelplane.ai/pd-role={phase}")


def _is_ready(pod: Manifest) -> bool:
    return all(c["ready"] for c in pod["status"]["containerStatuses"])


def ways(kube: Kubectl, target: proving.Target) -> list[Way]:
    """The engine, the sidecar in front of it, a route to that pod without a picker, and the replica's own route."""
    (decode, *_) = _pods(kube, "decode")
    gateway, pod = target.url.removeprefix("http://"), decode["status"]["podIP"]
    kube("apply", "-f", "-", stdin=yaml.safe_dump_all(_plain_route()))
    return [
        Way("engine", pod, 8001),
        Way("and pd-sidecar", pod, 8000),
        Way("and Envoy, by a route to a Service", gateway, 80, "plain.modelplane.internal"),
        Way("and the picker, by the replica's route", gateway, 80, target.hostname),
    ]


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


@click.command(help=__doc__)
@click.option("--write", is_flag=True, help="Write docs/explanation/data-path-speed.md.")
def main(write: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        fleet = (breaking.EXAMPLE / "fleet.yaml").read_text()
        wider = fleet.replace("className: h200-node, nodeCount: 1", "className: h200-node, nodeCount: 2")
        with served.up(Path(folder) / "state", "gateways", wider) as plane:
            up = time.monotonic() - begun
            text = _measure(plane, up)
    click.echo(text)
    if write:
        PAGE.write_text(text)


def _measure(plane: Plane, up: float) -> str:
    found = yaml.safe_load(breaking.deployment())
    found["spec"]["engines"][1]["copies"] = 2
    begun = time.monotonic()
    with served.deployed(plane, yaml.safe_dump(found)):
        born = time.monotonic() - begun
        kube = served.geneva(plane, nodes=4)
        target = served.target(plane, "qwen-0")
        there = ways(kube, target)
        for way in there:
            plane.wait(f"{way.name} answers", lambda way=way: Client(way).ask(SHORT) == 200)  # type: ignore[misc]  # noqa: PLR2004  # Bound at once.
        times = {way.name: latency(way) for way in there}
        rates = {
            "short prompts": throughput(there[-1], lambda: SHORT),
            "long prompts, prefilled on another pod": throughput(there[-1], long),
        }
        deaths = {
            (phase, number.name): dying(plane, kube, there[-1], phase, number)
            for phase in ("prefill", "decode")
            for number in (signal.SIGKILL, signal.SIGSTOP)
        }
    return _page(up, born, times, rates, deaths)


def _page(
    up: float,
    born: float,
    times: Mapping[str, float],
    rates: Mapping[str, tuple[float, int]],
    deaths: Mapping[tuple[str, str], tuple[float, int, int]],
) -> str:
    steps = list(times.items())
    added = [0.0, *(after - before for (_, before), (_, after) in itertools.pairwise(steps))]
    rows = [f"| {name} | {each:.2f} | {more:.2f} |" for (name, each), more in zip(steps, added, strict=True)]
    speeds = [f"| {name} | {rate:.0f} | {failed} |" for name, (rate, failed) in rates.items()]
    ends = [
        f"| {phase} engine {_DONE[name]} | {seconds:.1f} | {lost} of {count} |"
        for (phase, name), (seconds, lost, count) in deaths.items()
    ]
    return _PAGE.format(
        cores=os.cpu_count(), up=up, born=born, rows="\n".join(rows), speeds="\n".join(speeds), ends="\n".join(ends)
    )


_DONE = {"SIGKILL": "killed", "SIGSTOP": "hangs"}
_PAGE = """\
# What the data path costs

The output of `sudo .venv/bin/python bench/datapath.py --write`, here on a machine of {cores} cores which the engines, the clients and
the control plane share: example 08 with two decode engines, behind the real Envoy Gateway and AI Gateway. Engines are simulated, and
answer a first token after 60 ms, so what counts is what the parts add.

`modelplane up --data-path` was ready after {up:.0f} s, the deployment {born:.0f} s after it was applied.

## Latency
Median of 190 short prompts of one token over one connection, in milliseconds.

| requests go to | p50 | added |
|---|---|---|
{rows}

## Throughput
16 connections for 10 s through the replica's route; engines take at most 64 requests at once.

| requests | per second | not answered 200 |
|---|---|---|
{speeds}

## Death
One engine of two is killed, or hangs until it is let go, under four clients that ask long prompts on and on and give up after 10 s.
*Last* is how long after the signal the last request was sent that was lost; 0.0 where none was.

| what happens | last, s | requests lost |
|---|---|---|
{ends}
"""

if __name__ == "__main__":
    main()
