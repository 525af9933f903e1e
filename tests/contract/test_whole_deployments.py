"""Whole PrefillDecode deployments: broken ones as people wrote them, and good ones in very different styles."""

from pathlib import Path

import pytest
import yaml
from contract.check import check
from offline import admission, kinds, manifests

HERE = Path(__file__).parent
BROKEN, GOOD = sorted((HERE / "broken").glob("*.yaml")), sorted((HERE / "good").glob("*.yaml"))
GATE = admission.Gate(kinds.load())


def _name(path):
    return path.stem


@pytest.mark.parametrize("path", BROKEN, ids=_name)
def test_what_broke_for_others_is_found(path):
    """The first line of a file names the one rule that is broken."""
    text = path.read_text(encoding="utf-8")
    rule = text.splitlines()[0].removeprefix("# breaks: ")
    assert {f.id for f in check(yaml.safe_load(text))} == {rule}


@pytest.mark.parametrize("path", GOOD, ids=_name)
def test_what_works_passes_without_a_word(path):
    assert check(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", [*BROKEN, *GOOD], ids=_name)
def test_the_api_takes_all_of_them(path):
    """So that what is tested here is what the schema cannot see."""
    reading = manifests.read([str(path)])
    admission.screen(reading, GATE, {})
    assert [str(f) for f in reading.findings] == []


def test_there_are_enough_of_both():
    assert (len(BROKEN) >= 25, len(GOOD) >= 10) == (True, True)
