"""A deployment that serves is changed, live: at every moment an endpoint is left, and no pod of two revisions is behind one.

The tests follow one another on one deployment of two replicas, then on one of two phases. `Watched` sees every version, not looks.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from local.testing import Kubectl, Manifest, Plane

pytestmark = pytest.mark.e2e

DRAIN = 1
OLD, NEW, NEWEST = (f"vllm/vllm-openai:v0.{minor}.0" for minor in (19, 20, 21))
OF_QWEN = ("-n", "default", "-l", "modelplane.ai/replica")
HELD = "pods,deployments.apps,services,httproutes,resourceclaimtemplates,resourceclaims"
FLEET = """
apiVersion: modelplane.ai/v1alpha1
kind: InferenceClass
metadata: {name: h100}
spec:
  devices:
  - {name: gpu, driver: gpu.nvidia.com, deviceClassName: gpu.nvidia.com, attributes: {model: {string: H100}}}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceClass
metadata: {name: b200}
spec:
  devices:
  - {name: gpu, driver: gpu.nvidia.com, deviceClassName: gpu.nvidia.com, attributes: {model: {string: B200}}}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: west}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: west-kubeconfig}}}
  nodePools:
  - {name: h100, className: h100, nodeCount: 2}
  - {name: b200, className: b200, nodeCount: 2}
---
apiVersion: modelplane.ai/v1alpha1
kind: InferenceCluster
metadata: {name: east}
spec:
  cluster: {source: Existing, existing: {secretRef: {name: east-kubeconfig}}}
  nodePools:
  - {name: b200, className: b200, nodeCount: 2}
"""


@dataclass
class Watched:
    """Every version of every object of a kind, in the order in which the API server told them."""

    seen: list[tuple[float, dict[str, Manifest]]] = field(default_factory=list)
    """When, and all objects that there were from then on, by name; what is being deleted is none."""

    def follow(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        decoder, text, now = json.JSONDecoder(), "", {}
        for line in process.stdout:
            text += line
            try:
                event, end = decoder.raw_decode(text)
            except json.JSONDecodeError:
                continue
            text, found = text[end:].lstrip(), event["object"]
            now = {k: v for k, v in now.items() if k != found["metadata"]["name"]}
            if event["type"] != "DELETED" and "deletionTimestamp" not in found["metadata"]:
                now[found["metadata"]["name"]] = found
            self.seen.append((time.monotonic(), now))

    def fewest(self) -> int:
        return min(len(objects) for _, objects in self.seen)

    def names(self) -> set[str]:
        return set(self.seen[-1][1]) if self.seen else set()

    def at(self, moment: float) -> dict[str, Manifest]:
        """What there was at a moment."""
        return [objects for when, objects in self.seen if when <= moment][-1]

    def images(self) -> set[str]:
        """The engines' images in the pods that there are now."""
        return images_of(self.seen[-1][1])


def watch(kubectl: Kubectl, *what: str) -> Iterator[Watched]:
    command = [str(kubectl.binary), f"--kubeconfig={kubectl.kubeconfig}", "get", *what]
    options = ["--watch", "--output-watch-events", "-o", "json"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    watched = Watched()
    thread = threading.Thread(target=watched.follow, args=(process,), daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        process.terminate()
        thread.join()
        process.communicate()


@dataclass
class Model:
    """The deployment of these tests, and a watch of its endpoints."""

    plane: Plane
    endpoints: Watched

    def apply(self, *engines: Manifest, **more: Any) -> None:
        """Ask for this spec, and forget which endpoints there were before."""
        spec = {"replicas": 2, "rollout": {"drainSeconds": DRAIN}, "engines": list(engines), **more}
        head = {"apiVersion": "modelplane.ai/v1alpha1", "kind": "ModelDeployment"}
        del self.endpoints.seen[:-1]
        metadata = {"name": "qwen", "namespace": "default"}
        self.plane.kubectl("apply", "-f", "-", stdin=json.dumps({**head, "metadata": metadata, "spec": spec}))

    def replicas(self) -> dict[str, Manifest]:
        return {r["metadata"]["name"]: r for r in self.plane.kubectl.get("mr")}

    def uids(self) -> set[str]:
        return {r["metadata"]["uid"] for r in self.replicas().values()}

    def clusters(self) -> list[str]:
        return sorted(r["spec"]["clusterName"] for r in self.replicas().values())

    def images(self) -> list[str]:
        """The image of every container of every replica's first engine."""
        engines = [r["spec"]["engines"][0] for r in self.replicas().values()]
        return sorted(e["members"][0]["template"]["spec"]["containers"][0]["image"] for e in engines)

    def settles(self, count: int = 2) -> None:
        """Wait until so many replicas serve, all of the present spec, and nothing is on its way any more."""
        self.plane.wait(f"{count} replicas serve and nothing is to be done", lambda: self._is_settled(count))

    def _is_settled(self, count: int) -> bool:
        found = self.plane.kubectl.one("md", "qwen")
        status = found.get("status", {})
        told = [status.get("replicas", {}).get(k) for k in ("summary", "updated")]
        synced = next((c for c in status.get("conditions", []) if c["type"] == "Synced"), {})
        if synced.get("observedGeneration", 0) < found["metadata"]["generation"] or status.get("turns"):
            return False
        names = set(self.replicas())
        return told == [f"{count}/{count}"] * 2 and len(names) == count and self.endpoints.names() == names

    def says(self, type: str, text: str) -> None:
        met = lambda: text in self.plane.condition("md", "qwen", type).get("message", "")  # noqa: E731  # Named for `wait`.
        self.plane.wait(f"{type} says {text}", met)

    def drain(self, cluster: str, drain: bool = True) -> None:
        del self.endpoints.seen[:-1]
        self.plane.kubectl("patch", "ic", cluster, "--type=merge", "-p", json.dumps({"spec": {"drain": drain}}))


def watched_model(plane: Plane, fleet: str) -> Iterator[Model]:
    plane.clear()
    plane.kubectl("apply", "-f", "-", stdin=fleet)
    reached = lambda: all(said(c, "Ready") == "True" for c in plane.kubectl.get("ic"))  # noqa: E731  # As above.
    plane.wait("the fleet is reached", reached)
    for endpoints in watch(plane.kubectl, "me"):
        yield Model(plane, endpoints)


def said(manifest: Manifest, type: str) -> str:
    conditions = manifest.get("status", {}).get("conditions", [])
    return str(next((c["status"] for c in conditions if c["type"] == type), ""))


def engine(model: str = "H100", image: str = OLD, **more: Any) -> Manifest:
    """The one engine of a Unified deployment."""
    return {"name": "main", "copies": 1, "members": [member(model, image, ["serve", "qwen"], **more)]}


def member(model: str, image: str, args: list[str], **more: Any) -> Manifest:
    cel = f'device.driver == "gpu.nvidia.com" && device.attributes["gpu.nvidia.com"].model == "{model}"'
    pod: Manifest = {"containers": [{"name": "engine", "image": image, "args": args}], **more}
    devices = [{"name": "gpu", "count": 1, "selectors": [{"cel": cel}]}]
    return {"role": "Standalone", "nodeSelector": {"devices": devices}, "template": {"spec": pod}}


def phases(image: str) -> list[Manifest]:
    """Both engines of a PrefillDecode deployment."""
    connector = '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}'
    args = ["--model=qwen", connector]
    return [
        {"name": "prefill", "phase": "Prefill", "copies": 2, "members": [member("B200", image, args)]},
        {"name": "decode", "phase": "Decode", "copies": 1, "members": [member("B200", image, [*args, "--port=8001"])]},
    ]


@pytest.fixture(scope="module")
def pair(plane: Plane) -> Iterator[Model]:
    """A deployment of two replicas, as it is first."""
    for model in watched_model(plane, FLEET):
        model.apply(engine())
        model.settles()
        yield model


def test_another_image_leaves_one_endpoint_at_every_moment(pair: Model) -> None:
    pair.apply(engine(image=NEW))
    pair.settles()
    assert pair.images() == [NEW, NEW]
    assert pair.endpoints.fewest() == 1


def test_a_roll_that_fails_stops_and_goes_back(pair: Model) -> None:
    """Nobody schedules these pods; the other replica keeps its spec to the letter, and serves."""
    before = pair.replicas()
    pair.apply(engine(image=NEW, schedulerName="nobody"))
    pair.says("ReplicasReady", "qwen-0 is of the present spec and not ready yet")
    pair.says("ReplicasReady", "qwen-1 has its turn later")
    assert pair.endpoints.names() == {"qwen-1"}
    assert without_references(pair.replicas()["qwen-1"]) == without_references(before["qwen-1"])
    pair.apply(engine(image=NEW))
    pair.settles()
    assert pair.endpoints.fewest() == 1
    assert pair.uids() == {r["metadata"]["uid"] for r in before.values()}


@pytest.mark.long
def test_a_change_in_the_middle_starts_from_where_things_are(pair: Model) -> None:
    pair.apply(engine(image=OLD))
    pair.plane.wait("one is changed", lambda: pair.images() == [OLD, NEW])
    pair.apply(engine(image=NEWEST))
    pair.settles()
    assert pair.images() == [NEWEST, NEWEST]
    assert pair.endpoints.fewest() == 1


def test_other_needs_are_placed_anew_before_the_old_ones_go(pair: Model) -> None:
    before = pair.uids()
    pair.apply(engine("B200"))
    pair.settles()
    assert pair.endpoints.fewest() == 2
    assert not pair.uids() & before
    pools = {r["spec"]["engines"][0]["members"][0]["nodePoolName"] for r in pair.replicas().values()}
    assert pools == {"b200"}


def test_a_drained_cluster_is_left_without_ever_being_without(pair: Model) -> None:
    here = pair.clusters()[0]
    there = "west" if here == "east" else "east"
    pair.drain(here)
    pair.plane.wait(f"both are on {there}", lambda: pair.clusters() == [there, there])
    pair.settles()
    assert pair.endpoints.fewest() == 2
    assert not pair.plane.cluster(here).get("pods", "-n", "mp-default")


def test_what_has_no_other_place_stays(pair: Model) -> None:
    """Both clusters are drained now: nothing is removed for that."""
    before, here = pair.uids(), pair.clusters()[0]
    pair.drain(here)
    pair.says("PlacementCurrent", f"stays until there is another place for it, but {here} is being drained")
    assert pair.uids() == before
    assert pair.endpoints.fewest() == 2
    pair.drain(here, drain=False)
    pair.says("ReplicasReady", "Every replica serves")
    pair.drain("west", drain=False)
    pair.drain("east", drain=False)


@pytest.mark.long
def test_the_annotation_spreads_them_again_once(pair: Model) -> None:
    """Two on one cluster and none on the other: one moves, and nothing more is done for the same value."""
    pair.plane.kubectl("annotate", "md", "qwen", "modelplane.ai/reschedule=monday")
    pair.plane.wait("each has its own cluster", lambda: pair.clusters() == ["east", "west"])
    pair.settles()
    assert pair.endpoints.fewest() == 2
    assert pair.plane.kubectl.one("md", "qwen")["status"]["rescheduled"] == {"value": "monday"}


def test_scaled_up_and_down(pair: Model) -> None:
    pair.plane.kubectl("scale", "md/qwen", "--replicas=3")
    pair.settles(3)
    del pair.endpoints.seen[:-1]
    pair.plane.kubectl("scale", "md/qwen", "--replicas=1")
    pair.settles(1)
    assert pair.endpoints.fewest() == 1
    (left,) = pair.clusters()
    gone = "west" if left == "east" else "east"
    held = lambda: pair.plane.cluster(gone).get(HELD, "-n", "mp-default")  # noqa: E731  # Named for `wait`.
    pair.plane.wait(f"nothing is left on {gone}", lambda: not held())


def test_the_endpoint_goes_first_and_nothing_is_left(pair: Model) -> None:
    (left,) = pair.clusters()
    pair.plane.kubectl("delete", "md", "qwen")
    held = lambda: pair.plane.cluster(left).get(HELD, "-n", "mp-default")  # noqa: E731  # Named for `wait`.
    pair.plane.wait("nothing is left on the cluster", lambda: not held())
    # An Object that is younger than half a minute may take that long to go.
    composed = lambda: pair.plane.kubectl.get("me,objects.kubernetes.m.crossplane.io", *OF_QWEN)  # noqa: E731  # As above.
    pair.plane.wait("nothing is left on the control plane", lambda: not composed())


def without_references(replica: Manifest) -> Manifest:
    """Its spec, without what Crossplane notes in it."""
    return {k: v for k, v in replica["spec"].items() if k != "crossplane"}


@pytest.fixture(scope="module")
def two_phases(plane: Plane) -> Iterator[Model]:
    """One replica of a prefill and a decode engine."""
    fleet = FLEET.replace("nodeCount: 2}\n", "nodeCount: 3}\n")
    for model in watched_model(plane, fleet):
        model.apply(*phases(OLD), replicas=1, serving={"mode": "PrefillDecode"})
        model.settles(1)
        yield model


def test_it_is_said_beforehand_that_a_change_interrupts(two_phases: Model) -> None:
    two_phases.says("ReplicasReady", "There is one: a change will interrupt it.")


def test_pods_of_two_revisions_are_never_behind_one_endpoint(two_phases: Model) -> None:
    (here,) = two_phases.clusters()
    for pods in watch(two_phases.plane.cluster(here), "pods", "-n", "mp-default", "-l", "modelplane.ai/engine"):
        two_phases.plane.wait("the pods are seen", lambda p=pods: p.seen and p.images() == {OLD})
        two_phases.apply(*phases(NEW), replicas=1, serving={"mode": "PrefillDecode"})
        two_phases.settles(1)
        two_phases.plane.wait("all pods are new", lambda p=pods: p.images() == {NEW})
        mixed = [at for at, now in pods.seen if len(images_of(now)) > 1]
        assert mixed, "both revisions existed at a time, or this test shows nothing"
        assert not [at for at in mixed if two_phases.endpoints.at(at)]
        assert two_phases.endpoints.fewest() == 0


def images_of(pods: dict[str, Manifest]) -> set[str]:
    return {c["image"] for p in pods.values() for c in p["spec"]["containers"] if c["name"] == "engine"}
