"""From the packages of the version before this one to these, and back, with models that serve all the while.

The tests follow one another on one control plane. Everything that happens to pods, workloads, routes and endpoints is
watched from the beginning: what is compared is every event, not what is left at the end.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import local
import pytest
import yaml
from built import build_previous
from local.install import is_true
from local.testing import Kubectl, Manifest, Plane, start
from release import names

pytestmark = [pytest.mark.e2e, pytest.mark.long]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# A model of two phases and one over several nodes, each with its fleet; then one alone, on what is left of a cluster.
FLEETS = ("08-prefill-decode", "07-gang")
ALONE = yaml.safe_load((EXAMPLES / "01-standalone" / "deployment.yaml").read_text())
MODELS = {"qwen", "llama-405b", "alone"}
ON_CLUSTERS = "pods,deployments,leaderworkersets,services,httproutes,inferencepools"
# Whose specification decides what runs and where requests go.
_RUNS = ("Pod", "Deployment", "LeaderWorkerSet", "Service", "HTTPRoute", "InferencePool")
COMPOSITES = "md,mr,mrt,me,ic,icl,capacityledgers,clustertenants"


@dataclass
class Watch:
    """All that happens to objects of some kinds, from its start on."""

    kubectl: Kubectl
    kinds: str
    log: Path
    began: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def begin(self) -> None:
        """One kubectl for each kind: it cannot watch several at once."""
        self.began = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for kind in self.kinds.split(","):
            command = [
                str(self.kubectl.binary),
                f"--kubeconfig={self.kubectl.kubeconfig}",
                "get",
                kind,
                "-A",
                "-o",
                "json",
            ]
            # The API server ends the watches of a kind whose definition changes: what is there then is told once more.
            again = ["sh", "-c", 'while "$@"; do :; done', "watch"]
            with self.log.with_suffix(f".{kind}").open("wb") as out:
                watching = [*again, *command, "--watch", "--output-watch-events"]
                self.processes.append(subprocess.Popen(watching, stdout=out, start_new_session=True))

    def events(self) -> list[Manifest]:
        """Each with `type` and `object`; the first of an object is how it was found."""
        found: list[Manifest] = []
        for kind in self.kinds.split(","):
            text, decoder = self.log.with_suffix(f".{kind}").read_text(), json.JSONDecoder()
            while text := text.lstrip():
                try:
                    event, end = decoder.raw_decode(text)
                except ValueError:
                    break  # It is being written.
                found.append(event)
                text = text[end:]
        return found

    def changes(self) -> list[str]:
        """What came, went, was written anew, restarted or stopped to serve, beside what was there at first."""
        assert all(process.poll() is None for process in self.processes), "a watch has ended"
        first: dict[tuple[str, str], Manifest] = {}
        told = []
        for event in self.events():
            each = event["object"]
            key = (each["kind"], each["metadata"]["uid"])
            known = first.setdefault(key, each)
            if differs := _differs(event["type"], each, known, self.began):
                told.append(f"{each['kind']} {each['metadata']['name']}: {differs}")
        there = {each["metadata"]["uid"] for each in self.kubectl.get(self.kinds, "-A")}
        told += [
            f"{kind} {each['metadata']['name']}: deleted" for (kind, uid), each in first.items() if uid not in there
        ]
        return sorted(set(told))

    def end(self) -> None:
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _differs(type: str, now: Manifest, first: Manifest, began: str) -> str:
    """How an object is not what it was; empty when it is."""
    if type == "DELETED":
        return "deleted"
    if now["metadata"]["creationTimestamp"] > began:
        return "created"
    if now["kind"] in _RUNS and now["spec"] != first["spec"]:
        return "written anew"
    if now["kind"] == "ModelEndpoint" and (now["spec"]["url"] != first["spec"]["url"] or _is_refused(now)):
        return "leads elsewhere, or nowhere"
    restarts = sum(c["restartCount"] for c in now.get("status", {}).get("containerStatuses", []))
    return "restarted" if restarts else ""


def _is_refused(endpoint: Manifest) -> bool:
    conditions = endpoint.get("status", {}).get("conditions", [])
    return any(c["type"] == "RoutingReady" and c["status"] == "False" for c in conditions)


@dataclass(frozen=True)
class Fleet:
    """The control plane, and what is watched of it and of its clusters."""

    plane: Plane
    processes: local.Cluster
    watches: tuple[Watch, ...]

    def use(self, packages: Path, version: str) -> None:
        """Install these packages, and wait until each composite was composed by them and is well."""
        local.up(local.Options(self.processes.state.folder, packages=packages, kubeconfig=False))
        (configuration,) = self.plane.kubectl.get("configurations.pkg.crossplane.io")
        assert configuration["spec"]["package"].endswith(f":{version}")
        self.plane.wait("all is as it should be", self.is_settled, 600)

    def is_settled(self) -> bool:
        newest: dict[str, Manifest] = {}
        for revision in self.plane.kubectl.get("compositionrevisions"):
            name = revision["metadata"]["labels"]["crossplane.io/composition-name"]
            if name not in newest or revision["spec"]["revision"] > newest[name]["spec"]["revision"]:
                newest[name] = revision
        names = {name: revision["metadata"]["name"] for name, revision in newest.items()}
        return all(_is_of(composite, names) for composite in self.plane.kubectl.get(COMPOSITES, "-A"))

    def changed(self) -> list[str]:
        """What was created, deleted, given another specification or a restart since the watches began."""
        return [told for watch in self.watches for told in watch.changes()]


def _is_of(composite: Manifest, newest: dict[str, str]) -> bool:
    used = composite["spec"].get("crossplane", {})
    return (
        used.get("compositionRevisionRef", {}).get("name") == newest[used["compositionRef"]["name"]]
        and is_true(composite, "Synced")
        and is_true(composite, "Ready")
    )


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the version before this one."""
    return build_previous(tmp_path_factory.mktemp("previous"))


@pytest.fixture(scope="module")
def fleet(older: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The version before this one, with models that are Ready; and watches on all that must not change."""
    folder = tmp_path_factory.mktemp("plane")
    plane, cluster = start(folder / "state", clusters=len(FLEETS), packages=older)
    watches: list[Watch] = []
    try:
        for example in FLEETS:
            plane.kubectl("apply", "-f", str(EXAMPLES / example))
        plane.wait("those with a fleet of their own are Ready", lambda: ready(plane) == MODELS - {"alone"})
        deploy(plane, "alone")
        plane.wait("all models are Ready", lambda: ready(plane) == MODELS)
        watches += [Watch(plane.kubectl, "mr,me", folder / "control-plane")]
        watches += [Watch(plane.workload(n + 1), ON_CLUSTERS, folder / f"cluster-{n + 1}") for n in range(len(FLEETS))]
        for watch in watches:
            watch.begin()
        yield Fleet(plane, cluster, tuple(watches))
    finally:
        for watch in watches:
            watch.end()
        cluster.down()


def deploy(plane: Plane, name: str) -> None:
    """One more model that needs one GPU."""
    plane.kubectl(
        "apply", "-f", "-", stdin=yaml.safe_dump({**ALONE, "metadata": {"name": name, "namespace": "default"}})
    )


def ready(plane: Plane) -> set[str]:
    return {md["metadata"]["name"] for md in plane.kubectl.get("md") if is_true(md, "Ready")}


def test_from_the_version_before_nothing_that_serves_is_touched(fleet: Fleet, packages: Path) -> None:
    fleet.use(packages, names.version())
    assert fleet.changed() == []
    assert ready(fleet.plane) == MODELS


def test_and_the_new_version_acts(fleet: Fleet) -> None:
    """A model goes and another takes its place, and those that serve do not notice."""
    replace(fleet.plane, "alone", "later")
    assert [told for told in fleet.changed() if "alone" not in told and "later" not in told] == []
    assert any("alone" in told for told in fleet.changed()), "the watches see nothing"


def test_back_at_the_version_before_still_nothing_is_touched(fleet: Fleet, older: Path) -> None:
    (version,) = {row["version"] for row in json.loads((older / "index.json").read_text())}
    before = fleet.changed()
    fleet.use(older, version)
    assert fleet.changed() == before
    assert ready(fleet.plane) == MODELS - {"alone"} | {"later"}


def test_and_the_version_before_acts_again(fleet: Fleet) -> None:
    replace(fleet.plane, "later", "last")
    assert [told for told in fleet.changed() if not re.search("alone|later|last", told)] == []


def replace(plane: Plane, old: str, new: str) -> None:
    """There is room for one of them only."""
    plane.kubectl("delete", "md", old)
    deploy(plane, new)
    plane.wait(f"{new} is Ready", lambda: new in ready(plane))
