"""A control plane that is lost and restored: what runs runs on, nothing moves, no node is given away twice.

The machines of a local workload cluster follow its InferenceCluster, so the process that plays them
sleeps while there is none, as real machines would not notice.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator

import local
import pytest
import yaml
from kit.capacity import GRANTED, read_grant
from local import tools
from local.control import stop
from local.state import CONTROL_PLANE
from local.testing import Manifest, Plane, start

pytestmark = [pytest.mark.e2e, pytest.mark.long]

NODES = 2
CLUSTERS = ("west", "east")
OURS = ("etcd", "fleet")


def named(kind: str, name: str, spec: Manifest, **metadata: str) -> Manifest:
    identity = {"apiVersion": "modelplane.ai/v1alpha1", "kind": kind, "metadata": {"name": name, **metadata}}
    return {**identity, "spec": spec}


def fleet() -> list[Manifest]:
    gpu = {"name": "gpu", "driver": "gpu.nvidia.com", "deviceClassName": "gpu.nvidia.com"}
    pools = [{"name": "pool", "className": "one", "nodeCount": NODES}]
    reached = {name: {"secretRef": {"name": f"{name}-kubeconfig"}} for name in CLUSTERS}
    return [
        named("InferenceClass", "one", {"devices": [{**gpu, "capacity": {"memory": {"value": "80Gi"}}}]}),
        *(
            named("InferenceCluster", name, {"cluster": {"source": "Existing", "existing": each}, "nodePools": pools})
            for name, each in reached.items()
        ),
    ]


def deployment(name: str, replicas: int = 1) -> Manifest:
    devices = [{"name": "gpu", "selectors": [{"cel": 'device.driver == "gpu.nvidia.com"'}]}]
    env = [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}]
    template = {"spec": {"containers": [{"name": "engine", "image": "vllm/vllm-openai:v0.19.1", "env": env}]}}
    members = [{"role": "Standalone", "nodeSelector": {"devices": devices}, "template": template}]
    engines = [{"name": "main", "members": members}]
    return named("ModelDeployment", name, {"replicas": replicas, "engines": engines}, namespace="default")


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plane, local.Cluster]]:
    """A control plane of our own with a full fleet, one deployment that waits, and another that is one too many."""
    plane, cluster = start(tmp_path_factory.mktemp("restored") / "state", clusters=2)
    try:
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(fleet()))
        plane.wait("the fleet is Ready", lambda: all(ready(c) for c in plane.kubectl.get("ic")))
        for each in (deployment("pair", replicas=2), deployment("one"), deployment("two")):
            plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(each))
        plane.wait("four replicas serve", lambda: sum(ready(r) for r in plane.kubectl.get("mr", "-A")) == 4)
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(deployment("waits")))
        plane.wait("all say that they are reserved", lambda: len(held(plane)) == 4 and all(reserved(plane)))
        yield plane, cluster
    finally:
        cluster.down()


def ready(manifest: Manifest) -> bool:
    conditions = manifest.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def reserved(plane: Plane) -> list[bool]:
    return [r["spec"].get("reserved", False) for r in plane.kubectl.get("mr", "-A") if ready(r)]


def held(plane: Plane) -> dict[str, str]:
    """The cluster of each replica that has its nodes."""
    found = plane.kubectl.get("mr", "-A")
    says = {r["metadata"]["name"]: r for r in found if plane_says(r, "Granted")}
    return {name: replica["spec"]["clusterName"] for name, replica in says.items()}


def plane_says(manifest: Manifest, type: str) -> bool:
    conditions = manifest.get("status", {}).get("conditions", [])
    return any(c["type"] == type and c["status"] == "True" for c in conditions)


def running(plane: Plane) -> dict[str, tuple[str, str]]:
    """Every pod of a model on any workload cluster, with its uid and node."""
    pods = [p for index in (1, 2) for p in plane.workload(index).get("pods", "-A", "-l", "modelplane.ai/serving")]
    return {p["metadata"]["uid"]: (p["metadata"]["name"], p["spec"].get("nodeName", "")) for p in pods}


def modelplane(plane: Plane, *args: str) -> str:
    """The command as a user runs it, with the kubectl that is beside the control plane."""
    path = f"{tools.path('kubectl').parent}:{os.environ['PATH']}"
    command = [sys.executable, "-m", "cli.main", *args, f"--kubeconfig={plane.kubectl.kubeconfig}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stderr
    return done.stdout


def secrets(plane: Plane) -> str:
    """The kubeconfigs that a platform team keeps elsewhere."""
    found = [s for s in plane.kubectl.get("secrets", "-n", "modelplane-system") if "kubeconfig" in s.get("data", {})]
    for secret in found:
        kept = {k: secret["metadata"][k] for k in ("name", "namespace", "labels")}
        secret["metadata"] = kept
    return yaml.safe_dump_all(found)


def empty(cluster: local.Cluster) -> None:
    """Lose the control plane: all of its processes end, all of its data is gone; workload clusters stay."""
    book = cluster.state.book
    fleet = next(r for r in book.records() if r.name == "fleet")
    os.kill(fleet.pid, signal.SIGSTOP)
    ours = [r for r in book.records() if not r.name.startswith("cluster-") and r.name not in OURS]
    stop(ours)
    delete_all(cluster)
    local.up(local.Options(state=cluster.state.folder, clusters=cluster.clusters, kubeconfig=False))


def delete_all(cluster: local.Cluster) -> None:
    """Everything below the control plane's prefix in the etcd that it shares with the workload clusters."""
    tls = cluster.state.pki(CONTROL_PLANE).tls
    context = ssl.create_default_context(cafile=str(tls / "ca.crt"))
    context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
    begin, end = (base64.b64encode(f"/{CONTROL_PLANE}{last}".encode()).decode() for last in "/0")
    (etcd,) = (r for r in cluster.state.book.records() if r.name == "etcd")
    request = urllib.request.Request(
        f"https://127.0.0.1:{etcd.port}/v3/kv/deleterange",
        data=json.dumps({"key": begin, "range_end": end}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310  # Its scheme is written above.
        assert int(json.load(answer)["deleted"]) > 100


def wake_fleet(cluster: local.Cluster) -> None:
    for record in cluster.state.book.records():
        if record.name == "fleet":
            os.kill(record.pid, signal.SIGCONT)


def granted(plane: Plane) -> Counter[str]:
    """Nodes that grants give away now, by cluster."""
    found = plane.kubectl.get("configmaps", "-n", "modelplane-system", "-l", "modelplane.ai/capacity-grant")
    counted: Counter[str] = Counter()
    for manifest in found:
        grant = read_grant(manifest)
        if grant and grant.verdict == GRANTED:
            counted[manifest["metadata"]["labels"]["modelplane.ai/capacity-grant"]] += sum(grant.site["nodes"].values())
    assert all(count <= NODES for count in counted.values()), counted
    return counted


def test_restored_by_the_command_nothing_moves_and_nothing_restarts(lost: tuple[Plane, local.Cluster]) -> None:
    plane, cluster = lost
    places, pods, kept = held(plane), running(plane), secrets(plane)
    backup = modelplane(plane, "export")
    empty(cluster)
    assert not plane.kubectl.get("mr,md,ic", "-A")
    assert running(plane) == pods
    plane.kubectl("apply", "-f", "-", stdin=kept)
    (cluster.state.folder / "backup.yaml").write_text(backup)
    modelplane(plane, "restore", str(cluster.state.folder / "backup.yaml"))
    wake_fleet(cluster)

    def settled() -> bool:
        granted(plane)
        return held(plane) == places and sum(ready(r) for r in plane.kubectl.get("mr", "-A")) == 4

    plane.wait("four replicas serve where they were", settled)
    plane.wait("two deployments are whole", lambda: sum(ready(d) for d in plane.kubectl.get("md", "-A")) == 3)
    assert running(plane) == pods
    assert len(plane.kubectl.get("mr", "-A")) == 5


def test_a_restored_replica_is_its_deployments_again(lost: tuple[Plane, local.Cluster]) -> None:
    """An entry that the deployment drops goes from the replica too: nobody else owns it."""
    plane, _ = lost
    gone = [{"op": "remove", "path": "/spec/engines/0/members/0/template/spec/containers/0/env/1"}]
    plane.kubectl("patch", "md", "one", "--type=json", "-p", json.dumps(gone))

    def names() -> list[str]:
        (engine,) = plane.kubectl.one("mr", "one-0")["spec"]["engines"]
        return [e["name"] for e in engine["members"][0]["template"]["spec"]["containers"][0]["env"]]

    plane.wait("B is gone", lambda: names() == ["A"])


def test_restored_in_the_wrong_order_nothing_that_runs_is_deleted(lost: tuple[Plane, local.Cluster]) -> None:
    """Clusters and deployments first, replicas last: some may move, but no node is given twice and no pod is lost."""
    plane, cluster = lost
    plane.wait("what was edited serves again", lambda: sum(ready(r) for r in plane.kubectl.get("mr", "-A")) == 4)
    pods, kept = running(plane), secrets(plane)
    wrong = list(yaml.safe_load_all(modelplane(plane, "export")))[::-1]
    empty(cluster)
    plane.kubectl("apply", "-f", "-", stdin=kept)
    wake_fleet(cluster)
    for each in wrong:
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(each), check=False)
    plane.wait("the fleet is full again", lambda: granted(plane).total() == NODES * len(CLUSTERS))
    assert set(running(plane)) >= set(pods)
