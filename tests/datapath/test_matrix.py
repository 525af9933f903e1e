"""Every link broken in turn: the client sees what the row says, and prove names exactly the link."""

from __future__ import annotations

import os
import signal

import breaking
import pytest
from breaking import Row
from served import prove, running, settle, stop

pytestmark = pytest.mark.datapath
HEALTHY = Row("healthy", "Nothing.", "Disaggregating", "", [200])
REPEATS = int(os.environ.get("REPEATS", "100"))


@pytest.mark.parametrize("row", breaking.rows(), ids=lambda row: row.name)
def test_a_broken_link_is_named(plane, kube, remote, manifests, row):
    with running(plane, kube, row, manifests) as target:
        settle(plane, row, target)
        if row.at_run_time:
            stop(kube, target.namespace, signal.Signals[f"SIG{row.at_run_time}"])
        try:
            sent, verdict = prove(remote, target)
        finally:
            if row.at_run_time == "STOP":
                stop(kube, target.namespace, signal.SIGCONT)
    told = [(s.name, s.status, s.body[:200], s.counted) for s in sent]
    assert sent[0].status in row.client, told
    assert (row.verdict, row.link) == (verdict.name, verdict.link), told


def test_a_healthy_replica_is_never_blamed(plane, kube, remote, manifests):
    with running(plane, kube, HEALTHY, manifests) as target:
        settle(plane, HEALTHY, target)
        for turn in range(REPEATS):
            sent, verdict = prove(remote, target)
            assert (verdict.name, verdict.link) == ("Disaggregating", ""), (turn, sent)
