"""The life of a local control plane: killed while it starts, repaired, grown, gone without a trace.

The tests of this file follow one another on one control plane: starting it is what takes long.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import local
import pytest
import yaml
from local import ports, tools
from local.processes import Book, Record, start_time

pytestmark = [pytest.mark.e2e, pytest.mark.long]

FLEET = """
apiVersion: modelplane.ai/v1alpha1
kind: InferenceClass
metadata: {name: h100}
spec:
  devices:
  - name: gpu
    driver: gpu.nvidia.com
    deviceClassName: gpu.nvidia.com
    count: 8
    attributes: {productName: {string: H100}, gpu.nvidia.com/mig: {bool: false}}
    capacity: {memory: {value: 80Gi}}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: paris}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: paris-kubeconfig}}}
  nodePools:
  - {name: a, className: h100, nodeCount: 2, taints: [{key: gpu, value: "true", effect: NoSchedule}]}
  - {name: b, className: h100, nodeCount: 1}
"""
TOKYO = """
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: tokyo}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: tokyo-kubeconfig}}}
  nodePools: [{name: a, className: h100, nodeCount: 1}]
"""
# Two of four-and-twenty devices each: one pod more than there is room for.
PODS = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: eight, namespace: default}
spec:
  spec:
    devices:
      requests:
      - name: gpu
        exactly:
          deviceClassName: gpu.nvidia.com
          count: 8
          selectors: [{cel: {expression: 'device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("80Gi")) >= 0'}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: full, namespace: default}
spec:
  replicas: 4
  selector: {matchLabels: {app: full}}
  template:
    metadata: {labels: {app: full}}
    spec:
      tolerations: [{key: gpu, operator: Exists}]
      resourceClaims: [{name: gpu, resourceClaimTemplateName: eight}]
      containers: [{name: engine, image: none, resources: {claims: [{name: gpu}]}}]
"""


class Machine:
    """One state folder and one kubeconfig, used as a person does: by commands."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.config = folder / "kube" / "config"
        self.environment = {**os.environ, "MODELPLANE_STATE": str(self.state), "KUBECONFIG": str(self.config)}
        self.ports: list[int] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "cli.main", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> tuple[int, str]:
        with self.start(*arguments) as command:
            out, err = command.communicate()
        return command.returncode, out + err

    def kubectl(self, *arguments: str, text: str = "") -> str:
        command = [tools.path("kubectl"), *arguments]
        done = subprocess.run(command, env=self.environment, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def records(self) -> dict[str, Record]:
        return {record.name: record for record in Book(self.state).records() if record.alive}

    def pids(self) -> dict[str, int]:
        return {each.name: each.pid for each in local.status(self.state) if each.state == "running"}


def restarted(before, after):
    """What runs as another process, besides our own Python whose sources were edited meanwhile."""
    edited = {n for n in ("functions", "fleet") if before[n].fingerprint != after[n].fingerprint}
    return {n for n in before if before[n].pid != after[n].pid} - edited


def until(done, seconds=60):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A control plane whose first `up` was killed in the middle and whose second one had to go on."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    with machine.start("up") as first:
        until(lambda: "controller-manager" in machine.pids() or first.poll() is not None)
        first.send_signal(signal.SIGKILL)
    try:
        assert {"etcd", "apiserver"} <= set(machine.pids())
        code, told = machine.run("up")
        assert code == 0, told
        yield machine
    finally:
        machine.run("down")


def test_everything_runs(machine):
    code, table = machine.run("status")
    assert code == 0, table
    assert {each.state for each in local.status(machine.state)} == {"running"}
    assert all(each.port < 32768 for each in local.status(machine.state))


def test_kubectl_uses_the_control_plane_at_once(machine):
    assert machine.kubectl("config", "current-context").strip() == "modelplane"
    assert "modeldeployments" in machine.kubectl("api-resources", "--api-group=modelplane.ai")
    assert "inference-gateway" in machine.kubectl("--context=modelplane-cluster-1", "get", "gateways", "-A")


def test_a_second_up_leaves_all_alone(machine):
    before = machine.records()
    assert machine.run("up")[0] == 0
    assert restarted(before, machine.records()) == set()


def test_a_declared_cluster_becomes_nodes_and_devices(machine):
    machine.kubectl("apply", "-f", "-", text=FLEET)
    machine.kubectl("wait", "--for=condition=Ready", "inferencecluster/paris", "--timeout=60s")
    remote = "--context=modelplane-cluster-1"
    machine.kubectl(remote, "wait", "--for=condition=Ready", "node/a-0", "node/a-1", "node/b-0", "--timeout=60s")
    slices = json.loads(machine.kubectl(remote, "get", "resourceslices", "-o", "json"))["items"]
    assert {s["spec"]["nodeName"]: len(s["spec"]["devices"]) for s in slices} == {"a-0": 8, "a-1": 8, "b-0": 8}
    assert "paris.example" in machine.kubectl(remote, "get", "gateways", "-A")


def test_devices_are_claimed_until_none_is_left(machine):
    remote = "--context=modelplane-cluster-1"
    machine.kubectl(remote, "apply", "-f", "-", text=PODS)
    machine.kubectl(remote, "wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/full", "--timeout=60s")
    pending = ["get", "pods", "--field-selector=status.phase=Pending", "-o", "json"]
    until(lambda: "cannot allocate all claims" in machine.kubectl(remote, *pending))
    machine.kubectl(remote, "delete", "-f", "-", text=PODS)


def test_a_cluster_without_a_workload_cluster_says_what_to_do(machine):
    machine.kubectl("apply", "-f", "-", text=TOKYO)
    about = ["get", "events", "--field-selector=involvedObject.name=tokyo,reason=NoWorkloadCluster", "-o", "json"]
    until(lambda: "`modelplane up --clusters 2`" in machine.kubectl(*about))


def test_a_workload_cluster_is_added_and_what_runs_stays(machine):
    before = machine.records()
    code, told = machine.run("up", "--clusters", "2")
    assert code == 0, told
    assert restarted(before, machine.records()) == set()
    machine.kubectl("wait", "--for=condition=Ready", "inferencecluster/tokyo", "--timeout=60s")
    assert "a-0" in machine.kubectl("--context=modelplane-cluster-2", "get", "nodes")
    assert machine.run("up", "--clusters", "1")[0] == 2


def test_what_was_changed_and_removed_follows(machine):
    pools = [{"name": "a", "className": "h100", "nodeCount": 3}]
    machine.kubectl("patch", "inferencecluster/paris", "--type=merge", "-p", json.dumps({"spec": {"nodePools": pools}}))
    count = json.dumps([{"op": "replace", "path": "/spec/devices/0/count", "value": 4}])
    machine.kubectl("patch", "inferenceclass/h100", "--type=json", "-p", count)

    def devices():
        remote = json.loads(machine.kubectl("--context=modelplane-cluster-1", "get", "resourceslices", "-o", "json"))
        return {s["spec"]["nodeName"]: len(s["spec"]["devices"]) for s in remote["items"]}

    until(lambda: devices() == {"a-0": 4, "a-1": 4, "a-2": 4})
    nodes = machine.kubectl("--context=modelplane-cluster-1", "get", "nodes", "-o", "name").split()
    assert nodes == ["node/a-0", "node/a-1", "node/a-2"]


@pytest.mark.parametrize("name", ["crossplane", "fleet", "functions", "cluster-1-kwok", "etcd"])
def test_what_is_killed_is_repaired_and_the_rest_left_alone(machine, name):
    before = machine.records()
    os.kill(before[name].pid, signal.SIGKILL)
    until(lambda: start_time(before[name].pid) is None)
    code, told = machine.run("status")
    assert code == 4
    assert f"{name} not running: `modelplane up`" in told
    assert machine.run("up")[0] == 0
    after = machine.records()
    assert after[name].pid != before[name].pid
    assert restarted(before, after) <= {name}
    machine.kubectl("wait", "--for=condition=Ready", "inferencecluster/paris", "--timeout=60s")


def test_down_leaves_nothing(machine):
    held = [each.port for each in local.status(machine.state) if each.port]
    config = yaml.safe_load(machine.config.read_text())
    mine = {"name": "mine", "context": {"cluster": "", "user": ""}}
    machine.config.write_text(yaml.safe_dump({**config, "contexts": [*config["contexts"], mine]}))
    assert machine.run("down") == (0, "Stopped; nothing is left.\n")
    assert Book(machine.state).everything() == []
    assert not any(ports.answers(port) for port in held)
    assert not machine.state.exists()
    assert yaml.safe_load(machine.config.read_text())["contexts"] == [mine]
    assert machine.run("down") == (0, "Nothing was running.\n")
    assert machine.run("status")[0] == 4
