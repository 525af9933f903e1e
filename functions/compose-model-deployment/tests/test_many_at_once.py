"""Deployments that are created at once: each would see the same cluster as the tightest."""

from pathlib import Path

import pytest
import yaml
from compose_model_deployment import function
from kit import conditions
from kit.testing import ask_of, reconcile

FIRST = yaml.safe_load((Path(__file__).parent / "cases" / "first-placement.yaml").read_text())
CLUSTERS = {"roomy": 8, "tight": 2, "other": 8}
LONG_AGO = "2026-01-01T00:00:00Z"


def placed(uid: str, asked: dict[str, str]) -> str:
    """Where the replica of a deployment goes when clusters were last asked then."""
    (pattern, *_) = FIRST["found"]["clusters"]
    (pool,) = pattern["spec"]["nodePools"]
    clusters = []
    for name, free in CLUSTERS.items():
        counted = {"name": pool["name"], "className": pool["className"], "nodes": 8, "reserved": 8 - free, "free": free}
        pools = [counted | ({"askedAt": asked[name]} if name in asked else {})]
        one = {**pattern, "metadata": {**pattern["metadata"], "name": name}}
        clusters.append({**one, "spec": {**one["spec"], "nodePools": [{**pool, "nodeCount": 8}]}})
        clusters[-1]["status"] = {**one["status"], "gpuPools": pools}
    xr = {**FIRST["xr"], "metadata": {**FIRST["xr"]["metadata"], "uid": uid}}
    _, got = reconcile(function, ask_of({**FIRST, "xr": xr, "found": {**FIRST["found"], "clusters": clusters}}))
    (replica,) = [m for m in got.desired.values() if m["kind"] == "ModelReplica"]
    return str(replica["spec"]["clusterName"])


@pytest.mark.parametrize(
    ("asked", "spread"),
    [
        pytest.param({}, False, id="nobody-asks"),
        pytest.param(dict.fromkeys(CLUSTERS, LONG_AGO), False, id="long-ago"),
        pytest.param({"roomy": "now", "other": "now"}, False, id="at-two-of-three"),
        pytest.param(dict.fromkeys(CLUSTERS, "now"), True, id="everywhere"),
    ],
)
def test_where_many_ask_at_once_they_spread(asked, spread):
    times = {name: conditions.now() if when == "now" else when for name, when in asked.items()}
    chosen = {placed(f"00000000-0000-0000-0000-0000000000{n:02}", times) for n in range(20)}
    assert chosen == (set(CLUSTERS) if spread else {"tight"})
