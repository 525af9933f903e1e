"""A replica of composed manifests that serves, and what is done to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import breaking
import yaml
from breaking import Row
from cli import parts, proving
from cli.verdict import judge
from local.datapath.container import first_process


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
