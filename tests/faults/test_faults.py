"""The fault matrix, live: nothing that runs is deleted or restarted, a condition names the cause, all converges."""

from __future__ import annotations

import pytest
from matrix.play import Fault, faults, play
from matrix.stage import Stage

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("fault", [pytest.param(f, id=f.id) for f in faults()])
def test_fault(fault: Fault, stage: Stage) -> None:
    seen = play(stage, fault)
    print(fault.id, seen)
