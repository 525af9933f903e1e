"""Every link broken in turn: the client sees what the row says, and prove names exactly the link."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import breaking
import pytest
import yaml
from breaking import Row
from cli import parts, proving
from cli.verdict import judge
from local.api import Api
from local.datapath.container import first_process
from remote import Remote

pytestmark = pytest.mark.datapath
HEALTHY = Row("healthy", "Nothing.", "Disaggregating", "", [200])
# In a namespace of its own: the other one may still be on its way out.
ATTACKED = Row("attacked", "Nothing.", "Disaggregating", "", [200])
REPEATS = int(os.environ.get("REPEATS", "100"))


@pytest.fixture(scope="session")
def manifests():
    """What the example becomes on its cluster."""
    return breaking.composed()


@pytest.fixture(scope="session")
def kube(plane):
    """The workload cluster, once its nodes have devices."""
    plane.wait(
        "the cluster is declared", lambda: plane.kubectl.get("secret", "geneva-kubeconfig", "-n", "modelplane-system")
    )
    kube = plane.cluster("geneva")
    plane.wait("nodes with devices", lambda: len(kube.get("resourceslices")) == 3)
    return kube


@pytest.fixture(scope="session")
def remote(kube):
    api = Api.from_file(kube.kubeconfig, "modelplane-tests")
    yield Remote(api)
    api.close()


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
            inner = first_process(int(status["containerID"].removeprefix("process://")))
            children = Path(f"/proc/{inner}/task/{inner}/children").read_text().split()
            for pid in (inner, *map(int, children)):
                os.kill(pid, number)


def prove(remote, target):
    """As `modelplane prove` does for one replica."""
    pods = proving.pods(remote, target)
    sent = proving.send(remote, target, pods)
    return sent, judge(sent, parts.read(remote, target, proving.pods(remote, target)))


def settle(plane, row: Row, target) -> None:
    """The picker has seen the pods and the gateway the route: one short request answers as it will."""
    body = {"model": "qwen", "prompt": "hello", "max_tokens": 1}
    expected = {*row.client, 200}
    plane.wait(f"{row.name} answers", lambda: proving.ask(target, body)[0] in expected, patience=20)


@pytest.mark.parametrize("row", breaking.rows(), ids=lambda row: row.name)
def test_a_broken_link_is_named(plane, kube, remote, manifests, row):
    with running(plane, kube, row, manifests) as target:
        settle(plane, row, target)
        if row.at_run_time:
            stop(kube, target.namespace, signal.Signals[f"SIG{row.at_run_time}"])
        try:
            sent, verdict = prove(remote, target)
        finally:
            if row.at_run_time == "STOP":
                stop(kube, target.namespace, signal.SIGCONT)
    told = [(s.name, s.status, s.body[:200], s.counted) for s in sent]
    assert sent[0].status in row.client, told
    assert (row.verdict, row.link) == (verdict.name, verdict.link), told


def test_a_healthy_replica_is_never_blamed(plane, kube, remote, manifests):
    with running(plane, kube, HEALTHY, manifests) as target:
        settle(plane, HEALTHY, target)
        for turn in range(REPEATS):
            sent, verdict = prove(remote, target)
            assert (verdict.name, verdict.link) == ("Disaggregating", ""), (turn, sent)


def test_what_a_client_says_of_routing_reaches_nobody(plane, kube, remote, manifests):
    """Without the early removal the sidecar calls whatever host a client names."""
    with running(plane, kube, ATTACKED, manifests) as target:
        settle(plane, ATTACKED, target)
        (decode,) = proving.pods(remote, target).decode
        with socket.create_server((decode["status"]["hostIP"], 0)) as trap:
            trap.settimeout(2)
            host, port = trap.getsockname()
            link = http.client.HTTPConnection(target.url.removeprefix("http://"), timeout=8)
            headers = {
                "Host": target.hostname,
                "Content-Type": "application/json",
                "x-prefiller-host-port": f"{host}:{port}",
            }
            link.request(
                "POST", "/v1/completions", json.dumps({"model": "qwen", "prompt": "hi", "max_tokens": 2}), headers
            )
            assert link.getresponse().status == 200
            link.close()
            with pytest.raises(TimeoutError):
                trap.accept()
