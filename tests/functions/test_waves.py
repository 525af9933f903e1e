"""Objects are born six at a time, in every case of every function: more at once open Crossplane's circuit."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from kit import remote, wire
from kit.testing import ask_of, reconcile

ROOT = Path(__file__).parents[2]
CASES = sorted(ROOT.glob("functions/*/tests/cases/*.yaml"))
EIGHT_ENGINES = ROOT / "functions/compose-model-replica/tests/cases/eight-engines-are-born-in-waves.yaml"
MOST = 6
READY_SAID = {"conditions": [{"type": "Ready", "status": "False", "reason": "Creating"}]}
Observed = dict[str, dict[str, Any]]


def function_of(path: Path) -> wire.RunFunction:
    module = importlib.import_module(path.parents[2].name.replace("-", "_"))
    run: wire.RunFunction = module.function
    return run


def of_nothing(path: Path) -> wire.Ask:
    """A case's question where none of its Objects exists yet."""
    ask = ask_of(yaml.safe_load(path.read_text()))
    return replace(ask, observed={k: m for k, m in ask.observed.items() if not is_object(m)})


def is_object(manifest: dict[str, Any]) -> bool:
    return (manifest["apiVersion"], manifest["kind"]) == (remote.API_VERSION, "Object")


def unborn(observed: Observed) -> set[str]:
    return {k for k, m in observed.items() if is_object(m) and "status" not in m}


def next_observed(path: Path, ask: wire.Ask) -> Observed:
    """What exists after one more reconcile. Fails if it loses an Object, or has too many that are not yet written."""
    _, got = reconcile(function_of(path), ask)
    objects = {k: m for k, m in got.desired.items() if is_object(m)}
    assert set(objects) >= {k for k, m in ask.observed.items() if is_object(m)}
    observed = {**{k: m for k, m in objects.items() if k not in ask.observed}, **ask.observed}
    assert len(unborn(observed)) <= MOST
    return observed


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parents[2].name}/{p.stem}")
def test_never_more_than_six_are_on_their_way(path: Path) -> None:
    next_observed(path, of_nothing(path))


@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_eight_engines_are_all_there_in_the_end(data: st.DataObject) -> None:
    """In whichever order Objects are seen to be written, the next follow, and none waits for an engine to be Ready."""
    ask = of_nothing(EIGHT_ENGINES)
    engines = len(ask.xr["spec"]["engines"])
    for _ in range(4 * engines):
        ask = replace(ask, observed=next_observed(EIGHT_ENGINES, ask))
        waiting = sorted(unborn(ask.observed))
        if not waiting:
            break
        written = data.draw(st.sets(st.sampled_from(waiting), min_size=1))
        ask = replace(
            ask, observed={k: {**m, "status": READY_SAID} if k in written else m for k, m in ask.observed.items()}
        )
    held = [m["spec"]["forProvider"]["manifest"]["kind"] for m in ask.observed.values() if is_object(m)]
    assert held.count("Deployment") == held.count("ResourceClaimTemplate") == engines
    assert held.count("Service") == held.count("HTTPRoute") == 1


def test_claims_come_before_the_pods_that_need_them() -> None:
    first = [k for k in next_observed(EIGHT_ENGINES, of_nothing(EIGHT_ENGINES)) if k != "capacity"]
    assert [k.split("-")[0] for k in sorted(first)] == ["claim"] * 3 + ["workload"] * 3
