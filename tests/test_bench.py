"""The benchmark runs, and what makes a large fleet fast stays true; nothing here is timed."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from compose_model_deployment import function
from crossplane.function import resource
from kit.testing import ask_of, reconcile

ROOT = Path(__file__).resolve().parents[1]
CASE = ROOT / "functions/compose-model-deployment/tests/cases/spread-over-two-clusters.yaml"


def test_the_benchmark_runs_on_a_tiny_fleet(tmp_path: Path) -> None:
    """A table, a page with a row for each scenario, and a picture that is XML."""
    run = [sys.executable, ROOT / "bench/run.py", "--tiny", "--write", tmp_path]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "A tiny fleet" in done.stdout
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    placed = re.findall(r"^\| (\w[\w ]+) \| [\d.]+ \([\d.]+\) \| [\d.]+ \([\d.]+\) \| (\d+) \|", page, re.MULTILINE)
    assert placed == [("placing", "1"), ("changed", "1"), ("settled", "1"), ("a pair", "2")]
    assert ET.parse(tmp_path / "speed.svg").getroot().tag.endswith("svg")  # noqa: S314  # We wrote it.


def test_a_fleet_is_never_turned_into_dictionaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many objects are unpacked for a fleet of two clusters as for one of forty."""
    case = yaml.safe_load(CASE.read_text(encoding="utf-8"))
    unpack, unpacked = resource.struct_to_dict, []
    monkeypatch.setattr(resource, "struct_to_dict", lambda struct: unpacked.append(1) or unpack(struct))
    counts = []
    for times in (1, 20):
        clusters = [
            {**cluster, "metadata": {**cluster["metadata"], "name": f"{cluster['metadata']['name']}-{n}"}}
            for cluster in case["found"]["clusters"]
            for n in range(times)
        ]
        unpacked.clear()
        reconcile(function, ask_of({**case, "found": {**case["found"], "clusters": clusters}}))
        counts.append(len(unpacked))
    assert counts[0] == counts[1]
