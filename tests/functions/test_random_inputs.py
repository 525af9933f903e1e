"""Whatever Crossplane may send: no function raises, and none wants less than what exists without saying why.

Notes: each example takes a case of some function and breaks it in a few places. `found` stands for what
the fleet says, `xr` for what a user or an older schema wrote, `observed` for what was composed before.
"""

import copy
import importlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit import conditions, names, wire
from kit.testing import ask_of, reconcile

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(p.name for p in ROOT.glob("functions/compose-*"))
EXAMPLES = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
# Reasons that mean: nothing could be decided, so nothing may have changed.
UNDECIDED = {"InternalError", "InvalidSpec"}

# What is of an earlier revision or attempt goes when no pod needs it.
OF_A_REVISION = {
    "compose-model-replica": ("claim-", "workload-", "secret-", "unsecret-"),
    "compose-cluster-cache": ("job-", "resolver-", "secret-", "unsecret-"),
    # Nothing is to be sent any more; callers are no longer asked; who they are is no longer known.
    "compose-model-endpoint": ("secret",),
    "compose-cluster-tenant": ("callers",),
    "compose-inference-gateway": ("caller-policy",),
}
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 63, 10**9, 10**30, -(10**300), 0.5, "", "😀", "7b", "n" * 64, "a/b:c", "True", "x\ny"]),
    st.sampled_from(
        [[], {}, [None], [{}], {"": ""}, {"name": "x"}, [{"name": "x"}, {"name": "x"}], {"matchLabels": 1}]
    ),
    st.text(max_size=8),
    st.recursive(st.none() | st.integers(-9, 9), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
)
ACTIONS = st.sampled_from(["replace", "replace", "delete", "repeat", "add"])


@cache
def cases(function: str) -> list[wire.Ask]:
    paths = sorted((ROOT / "functions" / function / "tests/cases").glob("*.yaml"))
    return [ask_of(yaml.safe_load(p.read_text())) for p in paths]


@cache
def run_of(function: str) -> wire.RunFunction:
    run: wire.RunFunction = importlib.import_module(function.replace("-", "_")).function
    return run


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key below `value`."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def broken(draw: st.DrawFn, whole: Any) -> Any:
    """`whole` with a few places that are not what they should be."""
    whole = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(whole))
        if not found:
            break
        inside, key = found[draw(st.integers(0, len(found) - 1))]
        act(draw, inside, key)
    return whole


def act(draw: st.DrawFn, inside: Any, key: Any) -> None:
    action = draw(ACTIONS)
    if action == "delete":
        del inside[key]
    elif action == "repeat" and isinstance(inside, list):
        inside.append(copy.deepcopy(inside[key]))
    elif action == "add" and isinstance(inside, dict):
        inside[draw(st.sampled_from(["spec", "status", "name", "😀", "conditions", "labels"]))] = copy.deepcopy(
            draw(JUNK)
        )
    else:
        inside[key] = copy.deepcopy(draw(JUNK))


def manifests(draw: st.DrawFn, value: dict[str, Any]) -> dict[str, Any]:
    """Of a map of manifests only their insides are broken: Crossplane sends objects."""
    return {k: v if isinstance(v, dict) else {} for k, v in broken(draw, value).items()}


@st.composite
def asks(draw: st.DrawFn, function: str, *parts: str) -> wire.Ask:
    ask = draw(st.sampled_from(cases(function)))
    xr, observed, found = ask.xr, dict(ask.observed), dict(ask.found)
    if "xr" in parts:
        xr = {**broken(draw, xr), "apiVersion": xr["apiVersion"], "kind": xr["kind"]}
    if "observed" in parts:
        observed = manifests(draw, observed)
    if "found" in parts:
        listed = {k: v if isinstance(v, list) else [] for k, v in broken(draw, found).items()}
        found = {k: [m for m in v if isinstance(m, dict)] for k, v in listed.items()}
    return replace(ask, xr=xr, observed=observed, found=found)


def well_said(ask: wire.Ask, got: wire.Answer) -> None:
    """Every condition, each in one line and with a full stop."""
    assert [c["type"] for c in got.conditions] == [c.type for c in conditions.of(ask.xr["kind"])]
    before = {str(c.get("message")) for c in conditions.said_by(ask.xr)}
    for told in got.conditions:
        if told["message"] not in before:
            assert told["message"].endswith(".") or not told["message"], told
            assert "\n" not in told["message"], told
            assert "Traceback" not in told["message"], told


def gone(ask: wire.Ask, got: wire.Answer) -> set[str]:
    """What exists and is not wanted any more; a fatal answer removes nothing."""
    return set() if got.fatal else set(ask.observed) - set(got.desired)


def is_undecided(got: wire.Answer) -> bool:
    return got.fatal or any(c["reason"] in UNDECIDED for c in got.conditions)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_raises_and_every_condition_is_said(function: str) -> None:
    """Wrong types, missing fields, huge numbers and emoji anywhere give an answer, twice the same."""

    @EXAMPLES
    @given(ask=asks(function, "xr", "observed", "found"))
    def holds(ask: wire.Ask) -> None:
        ask, got = reconcile(run_of(function), ask)
        well_said(ask, got)
        assert wire.run(run_of(function), ask) == got
        if is_undecided(got):
            assert not gone(ask, got)

    holds()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_broken_fleet_removes_nothing_that_runs(function: str) -> None:
    """What others say of the fleet may be anything: only what would go anyway goes, and a cluster's unused tenants."""

    @EXAMPLES
    @given(ask=asks(function, "found"))
    def holds(ask: wire.Ask) -> None:
        ask, got = reconcile(run_of(function), ask)
        well_said(ask, got)
        left = {key for key in gone(ask, got) if not key.startswith("tenant-")}
        assert left <= at_liberty(function, ask)

    holds()


def at_liberty(function: str, ask: wire.Ask) -> set[str]:
    """What the composite itself no longer asks for, what never ran, or what a replica says of its endpoint."""
    if function == "compose-model-deployment":
        asked = ask.xr["spec"]["replicas"]
        surplus = sum(k.startswith("replica-") for k in ask.observed) - asked if isinstance(asked, int) else 0
        free = never_ran(ask) | turned_out(ask) | unused_caches(ask)
        return set(ask.observed) if surplus > 0 else free | {k for k in ask.observed if k.startswith("endpoint-")}
    if function == "compose-serving-stack":
        return {k for k in ask.observed if k.startswith("release-")}  # Switched off: it stays on the cluster.
    if function == "compose-model-cache" and ask.xr["spec"]["reclaim"] == "Delete":
        return set(ask.observed)  # Whoever looks finds no user.
    if function == "compose-inference-cluster":
        # The guard goes when the ledger says that nobody is there. The Object only looks, and the stack looks instead.
        return {"in-use", *(("gateway",) if "servingStack" in ask.xr["spec"] else ())}
    if function == "compose-model-service":
        return set(ask.observed) - {"route", "unavailable", "hidden", "host"}  # Of endpoints that are withdrawn.
    return {k for k in ask.observed if k.startswith(OF_A_REVISION.get(function, ()))}


def never_ran(ask: wire.Ask) -> set[str]:
    return {k for k, seen in ask.observed.items() if k.startswith("replica-") and not ran(seen)}


def unused_caches(ask: wire.Ask) -> set[str]:
    """The guards of caches that neither the deployment nor a replica mounts."""
    mounting = [ask.xr, *(seen for k, seen in ask.observed.items() if k.startswith("replica-"))]
    references = [dict_of(dict_of(m, "spec"), "modelCacheRef") for m in mounting]
    used = {f"cache-{names.child_name(r['name'])}" for r in references if isinstance(r.get("name"), str)}
    return {k for k in ask.observed if k.startswith("cache-")} - used


def dict_of(manifest: wire.Manifest, field: str) -> wire.Manifest:
    """The field, or nothing where it is something else than an object."""
    found = manifest.get(field)
    return found if isinstance(found, dict) else {}


def turned_out(ask: wire.Ask) -> set[str]:
    """Whose turn has come to make room for themselves: their needs were changed, and fit only once they are gone."""
    status = ask.xr.get("status")
    turns = status.get("turns") if isinstance(status, dict) else None
    begun = [t for t in turns if isinstance(t, dict)] if isinstance(turns, list) else []
    return {f"replica-{str(t.get('replica')).rpartition('-')[2]}" for t in begun if t.get("change") == "Remove"}


def ran(replica: wire.Manifest) -> bool:
    """Whether the replica has ever held its nodes, as far as it says."""
    spec, status = dict_of(replica, "spec"), dict_of(replica, "status")
    granted = any(c.get("type") == "Granted" and c.get("status") == "True" for c in conditions.said_by(replica))
    return bool(spec.get("reserved") or status.get("providerConfigName") or granted)


@EXAMPLES
@given(ask=asks("compose-model-deployment", "xr", "observed", "found"))
def test_replicas_go_only_when_fewer_are_asked_for(ask: wire.Ask) -> None:
    """However broken the rest: as many replicas stay as the deployment asks for, or all of them.

    One that has never held nodes may make room for one in another place.
    """
    ask, got = reconcile(run_of("compose-model-deployment"), ask)
    removed = {k for k in gone(ask, got) if k.startswith("replica-")} - never_ran(ask) - turned_out(ask)
    if removed:
        existing = {k for k in ask.observed if k.startswith("replica-")}
        new = {k for k in got.desired if k.startswith("replica-")} - existing
        assert len(removed) - len(new) <= max(len(existing) - ask.xr["spec"].get("replicas", 1), 0)
        assert not (new and any(ran(ask.observed[k]) for k in removed))


@EXAMPLES
@given(ask=asks("compose-model-replica", "xr", "observed", "found"))
def test_workloads_go_only_with_their_engine(ask: wire.Ask) -> None:
    """A replica's workload stays as long as its engine is there, and its route and service always."""
    ask, got = reconcile(run_of("compose-model-replica"), ask)
    removed = gone(ask, got)
    assert not removed & {"route", "service", "capacity"}
    if removed:
        assert not removed & {workload(engine) for engine in ask.xr["spec"]["engines"]}


def workload(engine: wire.Manifest) -> str:
    """A gang is another object than a Standalone, which goes when it becomes one."""
    shape = "group" if any(m.get("role") == "Leader" for m in engine["members"]) else "workload"
    return f"{shape}-{engine['name']}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_answer_without_its_fleet_keeps_everything(function: str) -> None:
    """Before what was asked for is here, nothing goes, whatever else is broken."""

    @EXAMPLES
    @given(ask=asks(function, "xr", "observed"))
    def holds(ask: wire.Ask) -> None:
        got = wire.run(run_of(function), replace(ask, found={}))
        well_said(ask, got)
        if got.requirements:
            assert not gone(ask, got)

    holds()
