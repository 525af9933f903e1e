"""Every field of a deployment that serves is edited, live: its cluster carries the edit and the replica serves again.

Each edit is made to the deployment as it was first, so the next one also takes it back.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from local.testing import Manifest, Plane
from schemas import apis

HERE = Path(__file__).parent
EDITS = yaml.safe_load((HERE / "edits.yaml").read_text(encoding="utf-8"))
AT_ONCE = 4
GPU = 'device.driver == "gpu.nvidia.com"'
WORKLOADS = "deployments.apps,leaderworkersets"
WHERE = ("-n", "mp-default")

FLEET = """
apiVersion: modelplane.ai/v1alpha1
kind: InferenceClass
metadata: {name: h100x2}
spec:
  devices:
  - {name: gpu, driver: gpu.nvidia.com, deviceClassName: gpu.nvidia.com, count: 2, capacity: {memory: {value: 80Gi}}}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: west, labels: {region: eu}}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: west-kubeconfig}}}
  nodePools: [{name: h100, className: h100x2, nodeCount: 4}]
"""


def member(role: str, **more: Any) -> Manifest:
    """A member of the deployment as it is first."""
    devices = [{"name": "gpu", "count": 1, "selectors": [{"cel": GPU}]}]
    containers = [{"name": "engine", "image": "vllm/vllm-openai:v0.19.1", "args": ["serve", "qwen"]}]
    return {
        "role": role,
        "nodeSelector": {"devices": devices},
        "template": {"spec": {"containers": containers}},
        **more,
    }


def engine(name: str = "main", **more: Any) -> Manifest:
    return {"name": name, "copies": 1, "members": [member("Standalone")], **more}


def gang(nodes: int, **more: Any) -> Manifest:
    return engine(members=[member("Leader"), member("Worker", worker={"nodes": nodes})], **more)


def spec(*engines: Manifest) -> Manifest:
    """A whole spec: a merge patch takes back what an earlier edit added."""
    return {
        "replicas": 1,
        "clusterSelector": None,
        "rollout": {"maxUnavailable": 1, "drainSeconds": 0},
        "engines": list(engines) or [engine()],
    }


def field_edits(first: Manifest, shape: str) -> Iterator[Any]:
    """Edits of every field in EDITS, a few fields in each, made to every member of `first`."""
    for part, fields in EDITS.items():
        names = list(fields)
        for together in (names[i : i + AT_ONCE] for i in range(0, len(names), AT_ONCE)):
            changed = copy.deepcopy(first)
            for template in (m["template"] for m in changed["members"]):
                at = {"pod": template["spec"], "container": template["spec"]["containers"][0]}
                edited = template.setdefault("metadata", {}) if part == "metadata" else at[part]
                edited |= {name: fields[name] for name in together}
                if "volumeMounts" in together:
                    template["spec"]["volumes"] = EDITS["pod"]["volumes"]
            yield pytest.param(spec(changed), id=f"{shape}-{part}-{'-'.join(together)}")


def shape_edits() -> Iterator[Any]:
    """Edits beside the template: how many, how large, which devices, which engines, which shape."""
    two_gpus, selected = engine(), engine()
    two_gpus["members"][0]["nodeSelector"]["devices"][0]["count"] = 2
    memory = f'{GPU} && device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("40Gi")) >= 0'
    selected["members"][0]["nodeSelector"]["devices"][0]["selectors"] = [{"cel": memory}]
    idle = gang(1)
    del idle["members"][0]["nodeSelector"]
    yield pytest.param(spec(engine(copies=3)), id="more-copies")
    yield pytest.param(spec(), id="fewer-copies")
    yield pytest.param(spec(two_gpus), id="more-devices")
    yield pytest.param(spec(selected), id="another-device-selector")
    yield pytest.param({**spec(), "clusterSelector": {"matchLabels": {"region": "eu"}}}, id="cluster-selector")
    yield pytest.param({**spec(), "rollout": {"maxUnavailable": 1, "drainSeconds": 5}}, id="drain")
    yield pytest.param({**spec(), "replicas": 2}, id="two-replicas")
    yield pytest.param(spec(engine(), engine("second")), id="a-second-engine")
    yield pytest.param(spec(engine("renamed")), id="another-engine-name")
    yield pytest.param(spec(gang(1)), id="one-replica-that-is-a-gang")
    yield pytest.param(spec(gang(3)), id="more-workers")
    yield pytest.param(spec(gang(1, copies=2)), id="two-smaller-gangs")
    yield pytest.param(spec(idle), id="a-leader-that-claims-nothing")
    yield pytest.param(spec(), id="standalone-again")


ALL = [
    *field_edits(engine(), "standalone"),
    *shape_edits(),
    *[p for p in field_edits(gang(1), "gang") if "args" in p.id],
]


def test_every_field_of_a_template_has_an_edit() -> None:
    """A field that the schema gained, or lost, is missed here first."""
    schema = apis.definition("ModelDeployment")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    engines = schema["properties"]["spec"]["properties"]["engines"]["items"]["properties"]
    template = engines["members"]["items"]["properties"]["template"]["properties"]
    pod = set(template["spec"]["properties"])
    assert set(EDITS["pod"]) == pod - {"containers"}
    assert set(EDITS["container"]) == set(template["spec"]["properties"]["containers"]["items"]["properties"]) - {
        "name"
    }
    assert set(EDITS["metadata"]) == set(template["metadata"]["properties"])


@pytest.fixture(scope="module")
def serving(plane: Plane) -> Plane:
    """The deployment as it is first, Ready."""
    plane.clear()
    plane.kubectl("apply", "-f", "-", stdin=FLEET)
    head = {"apiVersion": "modelplane.ai/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "qwen"}}
    plane.kubectl("apply", "-f", "-", "-n", "default", stdin=json.dumps({**head, "spec": spec()}))
    plane.wait("qwen is Ready", lambda: plane.condition("md", "qwen", "Ready").get("status") == "True")
    return plane


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.parametrize("edited", ALL)
def test_an_edit_reaches_the_cluster_and_the_replica_serves_again(edited: Manifest, serving: Plane) -> None:
    serving.kubectl("patch", "md", "qwen", "--type=merge", "-p", json.dumps({"spec": edited}))
    serving.wait(f"the cluster has just what is asked for: {edited}", lambda: not unfinished(serving, edited), 60)


def unfinished(plane: Plane, edited: Manifest) -> list[str]:
    """What is still to happen until the cluster runs `edited` and nothing else, and the control plane says so."""
    cluster = plane.cluster("west")
    held = cluster.get(WORKLOADS, *WHERE)
    wanted = edited["engines"] * edited["replicas"]
    found = [(e["labels"]["modelplane.ai/engine"]) for e in (w["metadata"] for w in held)]
    if sorted(found) != sorted(e["name"] for e in wanted):
        return [f"workloads of engines {found}"]
    open_ends = [o for w in held for o in differs(w, next(e for e in wanted if e["name"] == engine_of(w)), edited)]
    return open_ends or stale_claims(cluster, held) or not_told(plane, edited)


def engine_of(workload: Manifest) -> str:
    return str(workload["metadata"]["labels"]["modelplane.ai/engine"])


def differs(workload: Manifest, wanted: Manifest, edited: Manifest) -> list[str]:
    kind = "Deployment" if len(wanted["members"]) == 1 else "LeaderWorkerSet"
    if workload["kind"] != kind:
        return [f"{workload['kind']} instead of {kind}"]
    status, asked, group = workload.get("status", {}), workload["spec"], workload["spec"].get("leaderWorkerTemplate")
    counts = [asked["replicas"], *(status.get(k, 0) for k in ("replicas", "updatedReplicas", "readyReplicas"))]
    if counts != [wanted["copies"]] * 4 or status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return [f"copies {counts}"]
    if group and group["size"] != 1 + wanted["members"][1]["worker"]["nodes"]:
        return [f"size {group['size']}"]
    templates = [group["leaderTemplate"], group["workerTemplate"]] if group else [asked["template"]]
    return [d for m, t in zip(wanted["members"], templates, strict=True) for d in template_differs(m, t, edited)]


def template_differs(wanted: Manifest, template: Manifest, edited: Manifest) -> list[str]:
    asked, drain = copy.deepcopy(wanted["template"]), edited["rollout"]["drainSeconds"]
    asked["spec"].setdefault("terminationGracePeriodSeconds", drain + 30)
    if drain:
        asked["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": drain}}}
    gone = {"workingDir", "command", "envFrom", "lifecycle"} - set(asked["spec"]["containers"][0])
    left = [f"{name} is still set" for name in gone if name in template["spec"]["containers"][0]]
    return left + missing(asked, template)


def missing(want: Any, got: Any) -> list[str]:
    """Where `got` lacks what `want` says; lists may hold entries of ours in between."""
    if isinstance(want, dict):
        return [m for k, v in want.items() for m in missing(v, (got or {}).get(k))]
    if isinstance(want, list):
        return [f"no {v}" for v in want if not any(not missing(v, g) for g in got or [])]
    return [] if want == got else [f"{got!r} instead of {want!r}"]


def stale_claims(cluster: Any, held: list[Manifest]) -> list[str]:
    """Claim templates that no workload names, and claims of pods that are gone or have no device."""
    templates = {t["metadata"]["name"] for t in cluster.get("resourceclaimtemplates", *WHERE)}
    named = {t for t in templates if t in json.dumps(held)}
    claims = cluster.get("resourceclaims", *WHERE)
    used = {c["metadata"]["annotations"].get("resource.kubernetes.io/pod-claim-name") for c in claims}
    waiting = [c["metadata"]["name"] for c in claims if not c.get("status", {}).get("allocation")]
    return sorted(templates - named) + waiting + ([] if used <= {"devices"} else ["a claim of another's"])


def not_told(plane: Plane, edited: Manifest) -> list[str]:
    """What the control plane does not say yet."""
    status = plane.kubectl.one("md", "qwen").get("status", {})
    summary, count = status.get("replicas", {}).get("summary"), edited["replicas"]
    told = [r.get("status", {}).get("engines", []) for r in plane.kubectl.get("mr")]
    copies = sum(e["copies"] for e in edited["engines"]) * count
    if summary != f"{count}/{count}" or plane.condition("md", "qwen", "Ready").get("status") != "True":
        return [f"replicas {summary}"]
    return [] if sum(e["ready"] for engines in told for e in engines) == copies else [f"engines {told}"]
