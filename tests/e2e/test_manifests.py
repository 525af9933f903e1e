"""What we compose is what real API servers take: strictly validated manifests, and names at their limits."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from local.testing import Manifest, Plane

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "01-standalone"
GANG = ROOT / "examples" / "07-gang"
LONG = "m" + "0" * 62
# Of the serving stack: test_serving_stack.py applies them where the kinds are installed.
STACK = ("Gateway", "GatewayClass", "ClientTrafficPolicy", "CustomResourceDefinition")


def composed() -> list[Manifest]:
    """Every remote manifest that the cases of all functions want, each once."""
    wants = (yaml.safe_load(path.read_text())["want"] for path in ROOT.glob("functions/*/tests/cases/*.yaml"))
    desired = [d for want in wants for d in want.get("desired", {}).values() if d["kind"] == "Object"]
    applied = [d["spec"]["forProvider"]["manifest"] for d in desired]
    unique = {yaml.safe_dump(m): m for m in applied if m["kind"] not in STACK}
    return list(unique.values())


def test_a_cluster_takes_every_composed_manifest_strictly(plane: Plane) -> None:
    """Unknown fields, wrong types and immutable nonsense are refused by a real API server; ours are not."""
    manifests = composed()
    pods = {"Deployment", "LeaderWorkerSet", "ResourceClaimTemplate"}
    assert {m["kind"] for m in manifests} >= {*pods, "Service", "HTTPRoute"}
    kubectl = plane.workload(1)
    for name in sorted({m["metadata"].get("namespace", "") for m in manifests} - {""}):
        kubectl("create", "namespace", name, check=False)
    strict = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"]
    kubectl(*strict, stdin=yaml.safe_dump_all(manifests))


@pytest.mark.parametrize(
    ("example", "name"),
    [(EXAMPLE, "70b-chat"), (EXAMPLE, "qwen2.5-0.5b"), (EXAMPLE, LONG), (GANG, "70b-chat"), (GANG, LONG)],
)
def test_whatever_a_model_is_called_it_runs(plane: Plane, name: str, example: Path) -> None:
    """Names that start with a digit, hold dots, or are as long as the API allows; also those of groups' pods."""
    plane.clear()
    fleet = (example / "fleet.yaml").read_text()
    deployment = yaml.safe_load((example / "deployment.yaml").read_text())
    deployment["metadata"]["name"] = name
    plane.kubectl("apply", "-f", "-", stdin=fleet)
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(deployment))
    plane.wait(f"{name} is Ready", lambda: plane.condition("md", name, "Ready").get("status") == "True")
    plane.kubectl("delete", "md", name)
    plane.wait(f"{name} is gone", lambda: not plane.kubectl.get("mr"))


def test_eight_engines_of_64_copies_are_accepted(plane: Plane) -> None:
    """The most that one replica may be."""
    deployment = yaml.safe_load((EXAMPLE / "deployment.yaml").read_text())
    (engine,) = deployment["spec"]["engines"]
    deployment["spec"]["engines"] = [{**engine, "name": f"e{n}", "copies": 64} for n in range(8)]
    plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(deployment))


def test_a_name_beyond_the_limit_is_refused_with_the_limit(plane: Plane) -> None:
    deployment = yaml.safe_load((EXAMPLE / "deployment.yaml").read_text())
    deployment["metadata"]["name"] = LONG + "0"
    assert "63" in plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(deployment), check=False)


def test_scaling_places_and_removes_whole_replicas(plane: Plane) -> None:
    """`kubectl scale` to more than there is room for, then down: the third waits, and what waits goes first."""
    plane.clear()
    plane.kubectl("apply", "-f", str(EXAMPLE))
    plane.wait("qwen is Ready", lambda: plane.condition("md", "qwen", "Ready").get("status") == "True")
    plane.kubectl("scale", "md", "qwen", "--replicas=3")
    plane.wait(
        "two of three serve",
        lambda: plane.kubectl.one("md", "qwen")["status"]["replicas"].get("summary") == "2/3",
    )
    # Of two replicas of one second either may be the first.
    queued = "waits in the queue of west, at position 1"
    plane.wait(
        "the other one is told its place",
        lambda: queued in plane.condition("md", "qwen", "ReplicasScheduled").get("message", ""),
    )
    reasons = [plane.condition("mr", f"qwen-{n}", "Granted").get("reason") for n in (1, 2)]
    assert sorted(reasons) == ["Granted", "Waiting"]
    plane.kubectl("scale", "md", "qwen", "--replicas=1")
    plane.wait("one is left", lambda: len(plane.kubectl.get("mr")) == len(plane.kubectl.get("me")) == 1)
