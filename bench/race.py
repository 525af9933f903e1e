"""Deployments created at once on the real control plane: who gets the nodes, how soon, and what it costs.

    python bench/race.py [--deployments 100] [--clusters 5] [--nodes 12] [--seconds 240]

It starts a control plane of its own and removes it. Its looks are reads of the API server by kubectl
and take part in what they measure, so they are few.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from pathlib import Path

import click
import yaml
from local.testing import Manifest, Plane, start

LOOK_SECONDS = 5.0
# The circuits of a fleet's birth have closed or their tokens are back by then.
REST_SECONDS = 60.0
KINDS = "md,mr,ic,capacityledgers,clustertenants"


@click.command()
@click.option("--deployments", default=100, show_default=True)
@click.option("--clusters", default=5, show_default=True)
@click.option("--nodes", default=12, show_default=True, help="Nodes of each cluster.")
@click.option("--seconds", default=240.0, show_default=True, help="Give up after that.")
def main(deployments: int, clusters: int, nodes: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plane, local = start(Path(folder) / "state", clusters)
        try:
            _fleet(plane, clusters, nodes)
            before = _requests(plane)
            _race(plane, deployments, min(clusters * nodes, deployments), nodes, seconds)
            _tell_requests(_requests(plane) - before, deployments)
        finally:
            local.down()


def _fleet(plane: Plane, clusters: int, nodes: int) -> None:
    objects = [_class(), *(_cluster(f"c{n}", nodes) for n in range(clusters))]
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    plane.wait("the fleet is Ready", lambda: sum(_is(c, "Ready") for c in plane.kubectl.get("ic")) == clusters)
    time.sleep(REST_SECONDS)


def _race(plane: Plane, deployments: int, room: int, nodes: int, seconds: float) -> None:
    began, most, opened = time.monotonic(), 0, set[str]()
    everybody = yaml.safe_dump_all(_deployment(f"m{n}") for n in range(deployments))
    plane.kubectl("apply", "-f", "-", stdin=everybody)
    click.echo(f"created after {time.monotonic() - began:.0f} s")
    while (spent := time.monotonic() - began) < seconds:
        found = plane.kubectl.get(KINDS, "-A")
        replicas = [m for m in found if m["kind"] == "ModelReplica"]
        held = Counter(r["spec"]["clusterName"] for r in replicas if _is(r, "Granted"))
        most = max(most, *held.values(), 0)
        opened |= {f"{m['kind']}/{m['metadata']['name']}" for m in found if _is(m, "Responsive", "False")}
        serving = sum(_is(r, "Ready") for r in replicas)
        click.echo(f"{spent:4.0f} s: {len(replicas)} replicas, {held.total()} granted, {serving} Ready")
        if held.total() >= room and serving >= room:
            break
        time.sleep(LOOK_SECONDS)
    click.echo(f"most on one cluster {most} of {nodes}; circuits opened: {', '.join(sorted(opened)) or 'none'}")


def _requests(plane: Plane) -> Counter[str]:
    """Status writes of our functions so far, by kind and answer."""
    text = plane.kubectl("get", "--raw", "/metrics")
    counted: Counter[str] = Counter()
    for labels, value in re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", text, re.MULTILINE):
        said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if said["verb"] == "APPLY" and said["subresource"] == "status" and said["group"] == "modelplane.ai":
            counted[f"{said['resource']} {said['code']}"] += int(float(value))
    return counted


def _tell_requests(counted: Counter[str], deployments: int) -> None:
    click.echo(
        f"calls of functions, by the status writes that end them (409: refused as stale), {deployments} deployments:"
    )
    for what, count in sorted(counted.items()):
        click.echo(f"  {what}: {count}")


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
