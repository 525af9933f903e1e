"""`kubectl describe` of each kind as golden text: what a person reads who asks why.

UPDATE=1 writes described/ anew. What differs from run to run is left out: times, uids, versions, the events.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from local.testing import Plane

pytestmark = pytest.mark.e2e

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples" / "08-prefill-decode"
KINDS = {
    "inferenceclass": "h100-node",
    "inferencecluster": "geneva",
    "modeldeployment": "qwen",
    "modelreplica": "qwen-0",
    "modelroute": "qwen-0",
    "modelendpoint": "qwen-0",
    "capacityledger": "geneva",
    "clustertenant": "",
}
# The circuit breaker's own, and nodes that are counted once a cluster is no longer new.
_BY_ITSELF = ("Responsive", "PoolNodesFound")
_VARIES = re.compile(
    r"^ *(Creation Timestamp|Last Transition Time|Asked At|Generation|Resource Version|UID|Observed Generation):"
)
_OTHERS_EVERY_TIME = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|(?<=geneva-)[0-9a-f]{5}\b(-default-[0-9a-f]{5}\b)?"
)


@pytest.fixture(scope="module")
def ready(plane: Plane) -> Plane:
    """A prefill/decode pair that serves."""
    plane.clear()
    plane.kubectl("apply", "-f", str(EXAMPLE))
    plane.wait("qwen is Ready", lambda: plane.condition("md", "qwen", "Ready").get("status") == "True")
    return plane


@pytest.mark.parametrize("kind", KINDS)
def test_describe_says_what_is_written_down(kind: str, ready: Plane) -> None:
    golden = HERE / "described" / f"{kind}.txt"
    if os.environ.get("UPDATE") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(_described(ready, kind), encoding="utf-8")
    want = golden.read_text(encoding="utf-8")
    ready.wait(f"{kind} is described as in {golden.name}", lambda: _described(ready, kind) == want, patience=30)


def _described(plane: Plane, kind: str) -> str:
    lines = plane.kubectl("describe", kind, *filter(None, [KINDS[kind]])).partition("\nEvents:")[0].splitlines()
    told = [_OTHERS_EVERY_TIME.sub("…", line.rstrip()) for line in lines if not _VARIES.match(line)]
    return "\n".join(_steady(told)) + "\n"


def _steady(lines: list[str]) -> list[str]:
    """Its conditions sorted, without those that come by themselves."""
    start = lines.index("  Conditions:") + 1
    end = next((n for n in range(start, len(lines)) if not lines[n].startswith("    ")), len(lines))
    conditions: list[list[str]] = [[]]
    for line in lines[start:end]:
        conditions[-1].append(line)
        if line.startswith("    Type:"):
            conditions.append([])
    told = sorted((c for c in conditions if c and c[-1].split()[-1] not in _BY_ITSELF), key=lambda c: c[-1])
    return [*lines[:start], *(line for condition in told for line in condition), *lines[end:]]
