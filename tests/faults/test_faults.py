"""The fault matrix, live: nothing that runs is deleted or restarted, a condition names the cause, all converges."""

from __future__ import annotations

import os

import pytest
from matrix import page
from matrix.play import Fault, faults, play
from matrix.stage import Stage

UPDATE = os.environ.get("UPDATE") == "1"


@pytest.mark.e2e
@pytest.mark.parametrize("fault", [pytest.param(f, id=f.id) for f in faults()])
def test_what_runs_stays_and_the_fault_is_named(fault: Fault, stage: Stage) -> None:
    seen = play(stage, fault)
    if UPDATE:
        page.note(fault, seen)


@pytest.mark.e2e
def test_what_it_costs(stage: Stage) -> None:
    """Every process is there at the end; with UPDATE=1 its figures are kept."""
    processes = stage.figures()
    assert all(p["mib"] for p in processes.values())
    if UPDATE:
        page.note_figures(processes=processes, births=stage.births)


def test_the_page_is_what_the_table_says() -> None:
    """When it is not: UPDATE=1 make faults, or python -m matrix.page in tests/faults."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_what_is_promised_within_a_time_was_seen_within_it() -> None:
    seen = page.seen()["faults"]
    promised = {f.id: f.within for f in faults() if f.within and f.id in seen}
    assert {id: seen[id]["taken"] for id, within in promised.items() if seen[id]["taken"] > within} == {}
