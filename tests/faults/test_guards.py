"""Each row with its guard broken on purpose: it must fail. Only with BREAK=1, as it takes as long as the matrix."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from matrix import page
from matrix.breaking import broken_text, fails
from matrix.play import Fault, faults
from matrix.stage import Stage

GUARDED = [pytest.param(f, id=f.id) for f in faults() if f.breaks]


@pytest.mark.parametrize("fault", GUARDED)
def test_the_guard_that_a_row_names_is_there(fault: Fault) -> None:
    compile(broken_text(fault), fault.id, "exec")


@pytest.mark.e2e
@pytest.mark.skipif(os.environ.get("BREAK") != "1", reason="asked for with BREAK=1")
@pytest.mark.parametrize("fault", GUARDED)
def test_a_row_fails_without_its_guard(fault: Fault, stage: Stage, tmp_path: Path) -> None:
    told = fails(stage, fault, tmp_path)
    assert told
    if os.environ.get("UPDATE") == "1":
        page.note_broken(fault, told)
