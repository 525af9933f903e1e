"""Every case of an API rule, judged here as the real API server judges it in tests/e2e/test_api_rules.py."""

import copy
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from offline import admission, kinds
from offline.findings import spell

RULES = Path(__file__).parents[3] / "tests" / "e2e" / "rules"
SENTENCES = {
    "Unsupported value": "must be one of",
    "Required value": "is required",
    "less than or equal to": "must be at most",
    "Too many": "entries; at most",
    "Too long": "characters; at most",
    "Duplicate value": "stands twice",
    "unknown field": "unknown field",
}


def cases() -> Iterator[Any]:
    for path in sorted(RULES.glob("*/*.yaml")):
        for number, raw in enumerate(documents(path)):
            yield pytest.param(path.parent, raw, id=f"{path.parent.name}/{path.stem}-{number}")


@functools.cache
def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.load_all(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def patched(value: Any, patch: list[dict[str, Any]]) -> Any:
    value = copy.deepcopy(value)
    for step in patch:
        *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:])
        target = value
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        place: Any = last if isinstance(target, dict) else len(target) if last == "-" else int(last)
        if step["op"] == "remove":
            del target[place]
        elif isinstance(target, list) and step["op"] == "add":
            target.insert(place, step["value"])
        else:
            target[place] = step["value"]
    return value


@functools.cache
def gate() -> admission.Gate:
    return admission.Gate(kinds.load())


@pytest.mark.parametrize(("folder", "raw"), list(cases()))
def test_rule(folder: Path, raw: dict[str, Any]) -> None:
    value = raw.get("object") or patched(
        documents(folder / f"{raw.get('base', 'base')}.yaml")[0]["object"], raw.get("patch", [])
    )
    verdict = gate().admit(value)
    if "change" in raw:
        assert verdict.problems == []
        verdict = gate().admit(patched(value, raw["change"]), verdict.value)
    found = [f"{spell(path)}: {text}" for path, text in verdict.problems]
    want = raw.get("want", "")
    assert bool(found) == bool(want), found
    assert not want or any(agrees(want, sentence) for sentence in found), found


def agrees(want: str, found: str) -> bool:
    """Whether both name the same field, if the case names one, for the same reason."""
    if want in found:
        return True
    ours = next((said for theirs, said in SENTENCES.items() if theirs in want), None)
    named = re.search(r"spec[\w.\[\]]+", want)
    return bool(ours and ours in found and (named is None or named[0] in found))
