"""Whatever happened to the kubelet and to what it runs, `down` leaves no process, namespace, link or mount."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import local
import pytest
import yaml
from local import tools
from local.datapath.launch import Launch
from local.testing import Kubectl

pytestmark = pytest.mark.datapath
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "engine", "namespace": "default"},
    "spec": {
        "containers": [
            {
                "name": "engine",
                "image": "vllm/vllm-openai:v0.19.1",
                "args": ["--model=m"],
                "volumeMounts": [{"name": "memory", "mountPath": "/dev/shm"}],  # noqa: S108  # A mount point.
                "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1},
            }
        ],
        "volumes": [{"name": "memory", "emptyDir": {"medium": "Memory"}}],
    },
}


def traces(folder: Path, number: int) -> dict[str, list[str]]:
    """What is there of a control plane besides its files."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    return {
        "processes": [r.name for r in local.control.State(folder).book.everything()],
        "links": [line for line in links.splitlines() if f": mp{number}-" in line],
        "namespaces": [n for n in local.control.network.namespaces() if n.startswith(f"mp{number}-")],
        "mounts": [m for m in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in m],
    }


def test_down_leaves_nothing_although_kubelet_and_controllers_were_killed(tmp_path):
    folder = tmp_path / "state"
    cluster = local.up(local.Options(state=folder, clusters=1, nodes=1, kubeconfig=False, data_path=True))
    number = cluster.state.load().network
    try:
        kube = Kubectl(tools.path("kubectl"), cluster.workload_kubeconfig(1))
        kube("apply", "-f", "-", stdin=yaml.safe_dump(POD))
        kube("wait", "--for=condition=Ready", "pod/engine", "--timeout=60s")
        living = {r.name: r.pid for r in cluster.state.book.everything()}
        killed = [n for n in living if n == "cluster-1-kubelet" or n.endswith((".envoy-gateway", ".ai-gateway-helm"))]
        assert len(killed) >= 3, sorted(living)
        for name in killed:
            os.kill(living[name], signal.SIGKILL)
        found = traces(folder, number)
        assert all(found.values()), found
    finally:
        cluster.down()
    assert traces(folder, number) == {"processes": [], "links": [], "namespaces": [], "mounts": []}
    assert not folder.exists()


@pytest.mark.parametrize("user", ["", "65532", "65532:65532"])
def test_a_container_ends_with_whoever_started_it(user, tmp_path):
    """Also as another user: a child that outlived its keeper would carry no mark by which `down` finds it."""
    subprocess.run(["ip", "netns", "add", tmp_path.name], check=True)
    try:
        launch = Launch(tmp_path.name, ["sh", "-c", "echo up; exec sleep 600"], {"PATH": os.environ["PATH"]}, user=user)
        with subprocess.Popen(launch.argv(tmp_path), stdout=subprocess.PIPE, text=True) as keeper:
            assert keeper.stdout.readline() == "up\n"
            keeper.kill()
            assert keeper.stdout.read() == ""  # Whoever is left holds the pipe open.
    finally:
        subprocess.run(["ip", "netns", "del", tmp_path.name], check=True)
