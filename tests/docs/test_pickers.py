"""The default picker is of a version whose dialect was run, and the page says by whom."""

from __future__ import annotations

import re
from pathlib import Path

from contract.picker import DEFAULT, DIALECTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "pickers.md"
ROW = re.compile(r"^\| (v\d+\.\d+)(?: \(default\))? \| .* \| (\S+) \| (\S+) \| .* \| .* \|$", re.MULTILINE)


def test_every_dialect_says_whether_it_was_run_and_the_default_was() -> None:
    rows = {dialect: (version, date) for dialect, version, date in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    assert set(rows) == set(DIALECTS)
    version, date = rows[DEFAULT.name]
    assert version == DEFAULT.version
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)
    assert f"{DEFAULT.name} (default)" in PAGE.read_text(encoding="utf-8")
