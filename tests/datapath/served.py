"""A control plane whose pods run, replicas of composed manifests that serve there, and what is done to them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import breaking
import pytest
import yaml
from breaking import Row
from cli import parts, proving
from cli.main import cli
from cli.verdict import judge
from click.testing import CliRunner
from load import load
from local import tools
from local.datapath.container import first_process
from local.testing import Kubectl, Plane, start


@contextmanager
def up(state: Path, data_path: str, fleet: str, clusters: int = 1) -> Iterator[Plane]:
    """A control plane in the folder `state` for whom these nodes are declared; gone in the end."""
    if os.geteuid() != 0:
        pytest.fail("tests/datapath makes network namespaces: run `make datapath` as root")
    os.environ["PATH"] = f"{tools.path('kubectl').parent}{os.pathsep}{os.environ['PATH']}"
    plane, cluster = start(state, clusters=clusters, data_path=data_path)
    try:
        plane.kubectl("apply", "-f", "-", stdin=fleet)
        yield plane
    finally:
        cluster.down()


def geneva(plane: Plane, nodes: int) -> Kubectl:
    """The workload cluster geneva, once so many nodes have devices."""
    secret = ("secret", "geneva-kubeconfig", "-n", "modelplane-system")
    plane.wait("the cluster is declared", lambda: plane.kubectl.get(*secret))
    kube = plane.cluster("geneva")
    plane.wait("nodes with devices", lambda: len(kube.get("resourceslices")) == nodes)
    return kube


@contextmanager
def deployed(plane: Plane, deployment: str) -> Iterator[None]:
    """A ModelDeployment in namespace default, as long as it serves; it ends sooner than its author asked for."""
    found = yaml.safe_load(deployment)
    found["spec"]["rollout"] = {"drainSeconds": 3}
    name = found["metadata"]["name"]
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(found))
    try:
        plane.kubectl("wait", "--for=condition=Ready", f"md/{name}", "--timeout=180s")
        if found["spec"].get("serving", {}).get("mode") == "PrefillDecode":
            # It serves as soon as one decode engine does.
            replicas = ("mr", "-l", f"modelplane.ai/deployment={name}")
            plane.kubectl("wait", "--for=condition=Disaggregating", *replicas, "--timeout=60s")
        yield
    finally:
        plane.kubectl("delete", "md", name)
        own = ("pods", "-n", "mp-default", "-l", f"modelplane.ai/deployment={name}")
        plane.wait("its pods are gone", lambda: not plane.cluster("geneva").get(*own))


@contextmanager
def running(plane, kube, row: Row, manifests) -> Iterator[proving.Target]:
    """The row's manifests on the cluster, with all ready that can be."""
    space = breaking.namespace(row.name)
    documents = breaking.broken(row, manifests)
    first = next(m for m in documents if m["kind"] == "Namespace")
    kube("apply", "-f", "-", stdin=yaml.safe_dump(first))
    kube("apply", "-f", "-", stdin=yaml.safe_dump_all(m for m in documents if m is not first))
    (gateway,) = kube.get("gateway", "inference-gateway", "-n", "modelplane-system")
    address = gateway["status"]["addresses"][0]["value"]
    hostname = f"qwen-0.{row.name}.modelplane.internal"
    try:
        for name in row.ready:
            plane.wait(f"{row.name}: {name} is ready", lambda name=name: is_ready(kube, space, name), patience=60)
        yield proving.Target("qwen-0", space, f"http://{address}", hostname, patience=8)
    finally:
        kube("delete", "deployments", "--all", "-n", space, "--wait=false")
        kube("delete", "namespace", space, "--wait=false")
        plane.wait("its pods are gone", lambda: not kube.get("pods", "-n", space))


def is_ready(kube, space: str, name: str) -> bool:
    found = [d for d in kube.get("deployments", "-n", space) if name in d["metadata"]["name"]]
    return any(d["status"].get("readyReplicas", 0) == d["spec"]["replicas"] for d in found)


def stop(kube, space: str, number: signal.Signals) -> None:
    """Send a signal to every process of the prefill pods' engines."""
    for pod in kube.get("pods", "-n", space, "-l", "modelplane.ai/pd-role=prefill"):
        for status in pod["status"]["containerStatuses"]:
            signal_all(int(status["containerID"].removeprefix("process://")), number)


def signal_all(container: int, number: signal.Signals) -> None:
    """Send a signal to a container's first process and its children."""
    inner = first_process(container)
    children = Path(f"/proc/{inner}/task/{inner}/children").read_text().split()
    for pid in (inner, *map(int, children)):
        # With the first process of a namespace all others end.
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def prove(remote, target):
    """As `modelplane prove` does for one replica."""
    pods = proving.pods(remote, target)
    sent = proving.send(remote, target, pods)
    return sent, judge(sent, parts.read(remote, target, proving.pods(remote, target)))


@contextmanager
def traffic(target: Callable[[], proving.Target]) -> Iterator[Counter[Hashable]]:
    """Clients that ask on and on, each time at the target of that moment; how often each status came."""

    def ask() -> int:
        return proving.ask(
            target(), {"model": "qwen", "prompt": proving.prompt(200), "max_tokens": 50, "ignore_eos": True}
        )[0]

    with load(ask) as found:
        yield found


@contextmanager
def published(plane, deployment: str) -> Iterator[list[proving.Target]]:
    """The targets of a deployment's ModelEndpoints, as its users see them: looked at twice a second."""
    found: list[proving.Target] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            listed = plane.kubectl.get("modelendpoint", "-l", f"modelplane.ai/deployment={deployment}")
            found[:] = [_target(e["metadata"]["name"], e["spec"], 20.0) for e in listed]
            ended.wait(0.5)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        ended.set()
        looking.join()


def told(plane, *arguments):
    """What `modelplane prove` ends with and says."""
    result = CliRunner().invoke(cli, ["prove", *arguments, "--kubeconfig", str(plane.kubectl.kubeconfig)])
    return result.exit_code, result.output


def disaggregates(sent: Mapping[str, Mapping[str, float]]) -> None:
    """By the engines' own counters: long prompts on both phases, repeated and short ones on decode alone."""
    wanted = {"handed": 1, "on_prefill": 1, "on_decode": 1, "transfers": 1, "failures": 0, "decided": 1}
    for name in ("long", "streamed"):
        assert {k: sent[name][k] for k in wanted} == wanted, sent
    for name in ("repeated", "short"):
        assert (sent[name]["on_prefill"], sent[name]["on_decode"], sent[name]["transfers"]) == (0, 1, 0), sent


def streams(plane, replica: str, model: str) -> None:
    """A stream is whole although it lasts longer than the 15 s after which Envoy ends requests by default."""
    body = {"model": model, "prompt": "hello", "max_tokens": 8000, "stream": True, "ignore_eos": True}
    begun = time.monotonic()
    status, text = proving.ask(target(plane, replica, patience=60), body)
    assert status == 200
    assert text.rstrip().endswith("data: [DONE]")
    assert time.monotonic() - begun > 15


def attack(remote, target: proving.Target, model: str) -> tuple[int, bool]:
    """What a client is answered that names a host of its own as prefill pod, and whether anybody called that host."""
    (decode, *_) = proving.pods(remote, target).decode
    with socket.create_server((decode["status"]["hostIP"], 0)) as trap:
        trap.settimeout(2)
        host, port = trap.getsockname()
        link = http.client.HTTPConnection(target.url.removeprefix("http://"), timeout=4)
        headers = {
            "Host": target.hostname,
            "Content-Type": "application/json",
            "x-prefiller-host-port": f"{host}:{port}",
        }
        body = {"model": model, "prompt": "hi", "max_tokens": 2}
        try:
            link.request("POST", "/v1/completions", json.dumps(body), headers)
            status = link.getresponse().status
        except TimeoutError:
            status = 0
        finally:
            link.close()
        try:
            trap.accept()[0].close()
        except TimeoutError:
            return status, False
        return status, True


def target(plane, replica: str, patience: float = 20.0) -> proving.Target:
    """The route of a replica in namespace default, by its ModelEndpoint."""
    return _target(replica, plane.kubectl.one("modelendpoint", replica)["spec"], patience)


def _target(replica: str, endpoint: dict[str, Any], patience: float) -> proving.Target:
    return proving.Target(replica, "mp-default", endpoint["url"], endpoint["hostname"], patience)


def settle(plane, row: Row, target) -> None:
    """The picker has seen the pods and the gateway the route: one short request answers as it will."""
    body = {"model": "qwen", "prompt": "hello", "max_tokens": 1}
    expected = {*row.client, 200}
    plane.wait(f"{row.name} answers", lambda: proving.ask(target, body)[0] in expected, patience=20)
