"""Each example by kubectl, on the real control plane: what clusters hold is what `render` printed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import local
import pytest
from local.commands import Commands
from local.testing import Manifest, Plane, restart

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())
# One of each kind: placed, no room, drained, a gang, two phases. All of them with `make e2e`.
SHORT = ("01-", "03-", "05-", "07-", "08-")
# A tenant's namespace and account outlive its replicas (design/never-less.md), so they may be from another example.
OURS = "deployments.apps,leaderworkersets,inferencepools,services,httproutes,resourceclaimtemplates,secrets"
# A volume outlives its cache, and the name of the Job that filled it has the volume's uid.
OUTLIVE = ("Namespace", "ServiceAccount", "Role", "RoleBinding", "PersistentVolumeClaim", "Job")
NOT_PLACED = 3


def render(example: str) -> tuple[int, list[Manifest]]:
    command = [sys.executable, "-m", "cli.main", "render", str(ROOT / "examples" / example), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def name_of(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def differences(want: Any, got: Any, path: str = "") -> list[str]:
    """Where `got` is not what `want` says; what the server added does not count."""
    if isinstance(want, dict) and isinstance(got, dict):
        return [d for key in want for d in differences(want[key], got.get(key), f"{path}.{key}")]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        pairs = enumerate(zip(want, got, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{path}[{i}]")]
    return [] if want == got else [f"{path}: want {want}, got {got}"]


@pytest.fixture(
    scope="module", params=[pytest.param(e, marks=() if e.startswith(SHORT) else pytest.mark.long) for e in EXAMPLES]
)
def example(request: pytest.FixtureRequest, plane: Plane, processes: local.Cluster) -> Any:
    """An example that was applied as its reader would apply it, to a circuit breaker that has seen no other."""
    plane.clear()
    restart(processes, "crossplane", Commands(processes.state, processes.state.load()).crossplane("start"))
    folder = ROOT / "examples" / request.param
    for secret in re.findall(r"^kubectl (create secret .*)$", (folder / "README.md").read_text(), re.MULTILINE):
        plane.kubectl(*shlex.split(secret), check=False)  # Another example's may be there.
    plane.kubectl("apply", "-f", str(folder))
    return request.param


def test_clusters_hold_what_render_printed(example: str, plane: Plane) -> None:
    """The offline answer and the real one are the same, object by object."""
    code, rendered = render(example)
    remote = [m for m in rendered if "modelplane.ai/cluster" in m["metadata"].get("annotations", {})]
    remote = [m for m in remote if m["kind"] != "Job"]
    for deployment in (m for m in rendered if m["kind"] == "ModelDeployment"):
        await_decision(plane, deployment, code)
    for manifest in remote:
        cluster = manifest["metadata"]["annotations"].pop("modelplane.ai/cluster")
        live = plane.wait(f"{name_of(manifest)} on {cluster}", lambda m=manifest, c=cluster: find(plane, c, m))
        assert differences({k: v for k, v in manifest.items() if k != "metadata"}, live) == []
    clusters = {m["metadata"]["name"] for m in rendered if m["kind"] == "InferenceCluster"}
    held = {name_of(m) for c in clusters for m in plane.cluster(c).get(OURS, "-A", "-l", "modelplane.ai/tenant")}
    assert held == {name_of(m) for m in remote if m["kind"] not in OUTLIVE}
    assert plane.open_circuits() == set()


def await_decision(plane: Plane, deployment: Manifest, code: int) -> None:
    name = deployment["metadata"]["name"]
    if code != NOT_PLACED:
        plane.wait(f"{name} is Ready", lambda: plane.condition("md", name, "Ready").get("status") == "True")
        return
    # What has a place serves all the same.
    serving = deployment["status"]["replicas"]["ready"]
    plane.wait(f"{serving} replicas of {name} serve", lambda: ready(plane, name) == serving)
    offline = next(c for c in deployment["status"]["conditions"] if c["type"] == "ReplicasScheduled")
    keys = ("status", "reason", "message")
    plane.wait(
        f"{name} says {offline['message']}",
        lambda: [plane.condition("md", name, "ReplicasScheduled").get(k) for k in keys] == [offline[k] for k in keys],
    )


def ready(plane: Plane, name: str) -> int:
    return int(plane.kubectl.one("md", name).get("status", {}).get("replicas", {}).get("ready", -1))


def find(plane: Plane, cluster: str, manifest: Manifest) -> Manifest | None:
    kind, namespace, name = name_of(manifest)
    where = ["-n", namespace] if namespace else []
    found = plane.cluster(cluster).get(f"{kind.lower()}", name, *where)
    return found[0] if found else None


@pytest.mark.usefixtures("example")
def test_pods_run_on_devices_that_were_allocated(plane: Plane) -> None:
    """Every pod is Ready and holds an allocated claim for what its member asked for."""
    deployments = plane.kubectl.get("md", "-A")
    serving = sum(d["status"]["replicas"]["ready"] * e.get("copies", 1) for d in deployments for e in engines(d))
    holding = sum(d["status"]["replicas"]["ready"] * pods_of(e) for d in deployments for e in engines(d))
    clusters = [ic["metadata"]["name"] for ic in plane.kubectl.get("ic")]
    pods = [p for c in clusters for p in plane.cluster(c).get("pods", "-A", "-l", "modelplane.ai/serving")]
    claims = [c for name in clusters for c in plane.cluster(name).get("resourceclaims", "-A")]
    ready = [p for p in pods if any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"]["conditions"])]
    assert len(ready) == len(pods) == serving
    assert len([c for c in claims if c["status"]["allocation"]["devices"]["results"]]) == holding


def engines(deployment: Manifest) -> list[Manifest]:
    return list(deployment["spec"]["engines"])


def pods_of(engine: Manifest) -> int:
    """Pods of one engine that claim devices."""
    claiming = [m for m in engine["members"] if "nodeSelector" in m]
    return int(engine.get("copies", 1) * sum(m.get("worker", {}).get("nodes", 1) for m in claiming))


@pytest.mark.usefixtures("example")
def test_what_people_see(plane: Plane) -> None:
    """`kubectl get` says in one line per object what is asked first; `describe` names every condition's reason."""
    table = plane.kubectl("get", "md,mr,ic")
    assert "REPLICAS" in table
    for deployment in plane.kubectl.get("md"):
        described = plane.kubectl("describe", "md", deployment["metadata"]["name"])
        for condition in deployment["status"]["conditions"]:
            assert condition["reason"] in described
