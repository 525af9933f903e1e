"""What every function promises, tried on every case of every function."""

import copy
import importlib
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import conditions, labels, remote, wire
from kit.testing import ask_of, reconcile

ROOT = Path(__file__).parents[2]
CASES = sorted(ROOT.glob("functions/*/tests/cases/*.yaml"))
MOST_OBJECTS = 6
ENGINES_WITHIN_IT = 2
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
TIME = re.compile(
    r"\d{4}-\d\d-\d\d|\d\d:\d\d|\d+(\.\d+)? ?(ms|s|m|h|d|seconds?|minutes?|hours?|days?) (ago|old)|0x[0-9a-f]+"
)
# The API server owns these: an answer that holds one would claim it.
SERVERS = {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}

pytestmark = pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parents[2].name}/{p.stem}")


def function_of(path: Path) -> wire.RunFunction:
    module = importlib.import_module(path.parents[2].name.replace("-", "_"))
    run: wire.RunFunction = module.function
    return run


@cache
def asked(path: Path) -> wire.Ask:
    """The question of a reconcile's last round."""
    return reconcile(function_of(path), written(path))[0]


def written(path: Path) -> wire.Ask:
    return ask_of(yaml.safe_load(path.read_text()))


@cache
def answer(path: Path) -> wire.Answer:
    return wire.run(function_of(path), asked(path))


def objects(got: wire.Answer) -> list[dict[str, Any]]:
    return [m for m in got.desired.values() if (m["apiVersion"], m["kind"]) == (remote.API_VERSION, "Object")]


def everything(got: wire.Answer) -> Iterator[dict[str, Any]]:
    """All that is wanted, here and on clusters."""
    yield from got.desired.values()
    yield from (o["spec"]["forProvider"]["manifest"] for o in objects(got))


def said_by_gateways(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions of a route at each of its gateways."""
    parents = (manifest.get("status") or {}).get("parents") or []
    return [said for parent in parents for said in parent.get("conditions") or []]


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
        return
    yield value


def test_at_most_six_objects_for_two_engines(path: Path) -> None:
    """More Objects at once open Crossplane's circuit breaker at birth; each engine costs two, a replica two.

    The copies of a replica's Secrets come on top, and before the rest.
    """
    is_replica = path.parents[2].name == "compose-model-replica"
    engines = len(asked(path).xr["spec"].get("engines", [])) if is_replica else 0
    wanted = [o for o in objects(answer(path)) if not (is_replica and labels.COPIED in o["metadata"]["labels"])]
    assert len(wanted) <= max(MOST_OBJECTS, 2 + 2 * engines)
    if engines <= ENGINES_WITHIN_IT:
        assert len(wanted) <= MOST_OBJECTS


def test_every_condition_of_the_kind_is_said(path: Path) -> None:
    """Crossplane drops a condition that an answer leaves out."""
    kind = asked(path).xr["kind"]
    assert [c["type"] for c in answer(path).conditions] == [c.type for c in conditions.of(kind)]


def test_messages_are_sentences_that_do_not_tick(path: Path) -> None:
    """One line, a full stop, no traceback, and nothing that changes while nothing else does."""
    for said in answer(path).conditions:
        assert said["reason"]
        message = said["message"]
        assert not message or message.endswith("."), message
        assert not message.endswith(".."), message
        assert "\n" not in message
        assert "Traceback" not in message
        assert not TIME.search(message), message


def test_the_servers_bookkeeping_changes_nothing(path: Path) -> None:
    """New resource versions, generations and times come with every write: an answer must not follow them."""
    ask = asked(path)
    later = copy.deepcopy(ask)
    for manifest in (later.xr, *later.observed.values(), *(m for items in later.found.values() for m in items)):
        before = manifest["metadata"].get("generation")
        manifest["metadata"] |= {"resourceVersion": "999", "generation": 99}
        for said in [*conditions.said_by(manifest), *said_by_gateways(manifest)]:
            said["lastTransitionTime"] = "2026-01-02T03:04:05Z"
            if before and said.get("observedGeneration") == before:
                said["observedGeneration"] = 99
    got, before = wire.run(function_of(path), later), wire.run(function_of(path), ask)
    assert got.only_if in ("", "999")
    assert replace(got, only_if=before.only_if) == before


def test_every_object_watches_its_cluster_and_names_it(path: Path) -> None:
    """Without a watch a change is seen ten minutes late; without the label nobody finds what is where."""
    for wanted in objects(answer(path)):
        assert wanted["spec"]["watch"] is True
        assert wanted["metadata"]["labels"][labels.CLUSTER]
        assert wanted["spec"]["providerConfigRef"]["kind"] == "ClusterProviderConfig"


def test_names_and_labels_fit_kubernetes(path: Path) -> None:
    """A name too long or an illegal label is refused by the API server, and then nothing is created."""
    for manifest in everything(answer(path)):
        if manifest["kind"] == "CustomResourceDefinition":
            continue  # Its name is its plural and its group.
        assert DNS_LABEL.fullmatch(manifest["metadata"]["name"]), manifest["metadata"]["name"]
        for value in manifest["metadata"].get("labels", {}).values():
            assert LABEL_VALUE.fullmatch(value), value


def test_nothing_is_null_and_nothing_is_the_servers(path: Path) -> None:
    """A null would claim a field to delete it; uid and its like belong to the API server."""
    got = answer(path)
    assert None not in list(leaves([got.desired, got.status]))
    for manifest in everything(got):
        assert not SERVERS & set(manifest["metadata"])
        # Crossplane sets the composite; only an Object says, of another Object, which of them goes first.
        owners = manifest["metadata"].get("ownerReferences", [])
        assert {(manifest["kind"], o["kind"], o.get("controller")) for o in owners} <= {("Object", "Object", None)}
    assert all("status" not in manifest for manifest in got.desired.values())


def test_the_same_question_has_the_same_answer(path: Path) -> None:
    """Byte by byte, also when maps and lists arrive in another order."""
    ask, run = asked(path), function_of(path)
    reverse = replace(
        ask,
        observed=dict(reversed(list(ask.observed.items()))),
        found={k: list(reversed(v)) for k, v in reversed(list(ask.found.items()))},
    )
    first, again, turned = (run(wire.request(a)).SerializeToString(deterministic=True) for a in (ask, ask, reverse))
    assert first == again == turned


def test_requirements_are_few_and_named(path: Path) -> None:
    """What the last round requires is watched and each event costs: one by name, few by label, no kind of many."""
    got = answer(path)
    assert list(got.requirements) == sorted(got.requirements)
    required = {k: s for k, s in got.requirements.items() if s.kind != "InferenceGateway"}  # A fleet has one or two.
    whole = {k for k, s in required.items() if s.name is None and not s.labels}
    assert whole <= set(got.requirements) - set(asked(path).found)


def test_look_again_when_something_is_awaited(path: Path) -> None:
    """Ready or waiting for an edit: only on events. Not fetched: soon. Else: in half a minute."""
    ask, got = asked(path), answer(path)
    if set(got.requirements) - set(ask.found) and got.ttl_seconds != 3:
        assert got.ttl_seconds == 10
    elif said(got, "InternalError"):
        assert got.ttl_seconds == 30
    elif (
        said(got, "NotAvailable", "InvalidDevices", "InvalidContract", "UnknownPicker")
        and ask.xr["kind"] != "ModelReplica"
    ):
        # Whoever is taken out of service is, although nothing new may be composed.
        assert got.ttl_seconds == (1 if got.status.get("turns") else 0)
    elif ask.xr["kind"] == "ModelDeployment" and not said(got, "InvalidSpec"):
        # The fleet is not watched, so it is looked at again, and soon while a place is missing.
        settled = not got.requirements and not got.context and said(got, "Scheduled")
        assert got.ttl_seconds <= 20 or said(got, "Scheduled")
        assert got.ttl_seconds > 0 or settled
    elif ask.xr["kind"] == "CapacityLedger":
        # After a commit what was read back is projected; while nodes wait for evidence it is looked for.
        assert got.ttl_seconds in (0, 1, 3)
    elif ask.xr["kind"] == "ModelCache" and not said(got, "InvalidSpec"):
        assert got.ttl_seconds in (1, 20, 120)  # After a commit, while clusters are to begin, for new clusters.
    elif ask.xr["kind"] == "ServingStack" and not got.ready:
        assert got.ttl_seconds in (10, 30)  # Sooner while parts are held back: births are spread over minutes.
    elif ask.xr["kind"] == "InferenceCluster" and not said(got, "InvalidSpec"):
        assert got.ttl_seconds in (
            5,
            30,
            60,
            600,
        )  # Its classes are not watched before it can be reached, its nodes never.
    elif said(got, "TenantNotReady"):
        assert got.ttl_seconds == 1  # The tenant is not watched.
    else:
        assert got.ttl_seconds == (0 if got.ready else 30)


def said(got: wire.Answer, *reasons: str) -> bool:
    return any(c["reason"] in reasons for c in got.conditions)


def test_an_open_circuit_is_passed(path: Path) -> None:
    """While Crossplane holds events back, every composite asks to be called every five seconds."""
    ask = asked(path)
    status = ask.xr.get("status", {})
    responsive = {"type": "Responsive", "status": "False", "lastTransitionTime": "2999-01-01T00:00:00Z"}
    xr = {**ask.xr, "status": {**status, "conditions": [*status.get("conditions", []), responsive]}}
    assert wire.run(function_of(path), replace(ask, xr=xr)).ttl_seconds == 5


def test_nothing_is_fatal_and_nothing_goes_before_it_was_fetched(path: Path) -> None:
    """FATAL at birth is never woken; without what was required all that exists stays."""
    ask = asked(path)
    assert not answer(path).fatal
    blind = wire.run(function_of(path), replace(ask, found={}, context={}))
    if blind.requirements:
        assert set(ask.observed) <= set(blind.desired)


def test_what_keeps_also_keeps_what_has_no_status(path: Path) -> None:
    """A restore loses every status at once: the same fault then deletes nothing either."""
    if "keeps-what-exists" not in path.name:
        return  # Its name promises nothing.
    ask = asked(path)
    bare = {k: {f: v for f, v in m.items() if f != "status"} for k, m in ask.observed.items()}
    xr = {f: v for f, v in ask.xr.items() if f != "status"}
    assert set(ask.observed) <= set(wire.run(function_of(path), replace(ask, xr=xr, observed=bare)).desired)
