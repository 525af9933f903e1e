"""One fault played: done, named by a condition, undone, converged; nothing lost meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import local
import yaml

from matrix.acts import act
from matrix.recorder import Thing
from matrix.stage import MODELS, Stage

Manifest = dict[str, Any]
HERE = Path(__file__).resolve().parents[1]
PATIENCE = 75.0


@dataclass(frozen=True)
class Fault:
    """One row of faults.yaml; its head says what the fields mean."""

    id: str
    fault: str
    do: list[Manifest]
    says: list[Manifest]
    stays: str
    guard: str
    breaks: Mapping[str, str] = field(default_factory=dict)
    heal: tuple[Manifest, ...] = ()
    lasts: float = 0.0
    edit: bool = False
    takes: tuple[str, ...] = ()
    within: float = 0.0
    patience: float = PATIENCE


@dataclass(frozen=True)
class Seen:
    """What a run measured: seconds until the fault was named, seconds from its end until all was as before."""

    named: float
    converged: float
    calls: int
    taken: float | None = None


def faults() -> list[Fault]:
    """The table."""
    rows = yaml.safe_load((HERE / "faults.yaml").read_text(encoding="utf-8"))
    return [Fault(**{k: tuple(v) if k in ("heal", "takes") else v for k, v in row.items()}) for row in rows]


def play(stage: Stage, fault: Fault) -> Seen:
    """Do the fault and undo it. Raises AssertionError where what is written does not come true."""
    stage.plane.wait("all serve before the fault", stage.serves, PATIENCE)
    stage.recorder.forget()
    before, settled = stage.recorder.now(), stage.settled()
    held, kept = stage.held(), frozenset(t for t in before if not _is_taken(fault, t))
    calls = sum(stage.plane.calls().values())
    began = time.monotonic()
    try:
        answers = [act(stage, step) for step in fault.do]
        if fault.edit:
            _edit(stage, fault.id)
        for said in fault.says:
            _await_said(stage, said, answers, settled, fault.patience)
        named = time.monotonic() - began
        taken = _await_taken(stage, fault, before, began)
        stage.plane.wait(
            f"{fault.id} has lasted", lambda: _keeps(stage, kept) and time.monotonic() - began > fault.lasts
        )
    finally:
        for step in fault.heal:
            act(stage, step)
    ended = time.monotonic()
    if not fault.edit:
        _edit(stage, fault.id)
    _await_as_before(stage, fault, settled, held)
    converged = time.monotonic() - ended
    _keeps(stage, kept)
    added = [f"{t} was created" for t in stage.recorder.added(before) if not _is_taken(fault, t)]
    assert not added, "; ".join(added)
    spent = sum(stage.plane.calls().values()) - calls
    return Seen(round(named, 1), round(converged, 1), spent, None if taken is None else round(taken, 1))


def _edit(stage: Stage, id: str) -> None:
    """What a person does meanwhile: it has to reach every endpoint in the end. And each cluster has a drift to repair."""
    for name in MODELS:
        stage.plane.kubectl("label", "md", name, f"probe={id}", "--overwrite")


def _await_said(
    stage: Stage, said: Manifest, answers: list[str], settled: dict[str, tuple[str, str]], patience: float
) -> None:
    try:
        stage.plane.wait(f"it is said: {said}", _is_said(stage, said, answers), patience)
    except AssertionError as e:
        raise AssertionError(f"{e}\nanswers: {answers}\nsaid instead: {_news(stage, settled)}") from None


def _news(stage: Stage, settled: dict[str, tuple[str, str]]) -> list[str]:
    """The conditions that are others than before the fault, in full."""
    now = stage.conditions().items()
    return [f"{n}: {c.get('message')}" for n, c in now if settled.get(n) != (c["status"], c.get("reason", ""))]


def _is_edited(stage: Stage, id: str) -> bool:
    """Whether what a person changed has come through to every endpoint."""
    found = {e["metadata"]["name"]: e["metadata"]["labels"] for e in stage.plane.kubectl.get("me")}
    return all(found.get(f"{name}-0", {}).get("probe") == id for name in MODELS)


def _is_said(stage: Stage, said: Manifest, answers: list[str]) -> Callable[[], bool]:
    if "answer" in said:
        return lambda: said["answer"] in answers[-1]
    if "edited" in said:
        return lambda: _is_edited(stage, said["edited"])
    if "status" in said:
        dead = stage.real(said["status"])
        return lambda: any(p.name == dead and p.state != "running" for p in local.status(stage.cluster.state.folder))

    def is_there() -> bool:
        found = stage.plane.kubectl.get(said["kind"], said["name"], "-n", said.get("namespace", "default"))
        conditions = found[0].get("status", {}).get("conditions", []) if found else []
        got = next((c for c in conditions if c["type"] == said["type"]), {})
        told = got.get("reason") == said["reason"] and said.get("message", "") in got.get("message", "")
        return told and got.get("status") == said.get("is", "False")

    return is_there


def _await_taken(stage: Stage, fault: Fault, before: frozenset[Thing], began: float) -> float | None:
    """Seconds until all that the fault takes was gone; None where it takes nothing."""
    if not fault.takes:
        return None
    taken = [t for t in before if _is_taken(fault, t)]
    when = stage.plane.wait(f"{', '.join(fault.takes)} is gone", lambda: stage.recorder.when_gone(iter(taken)))
    return float(when) - began


def _keeps(stage: Stage, kept: frozenset[Thing]) -> bool:
    lost = stage.recorder.lost(kept)
    assert not lost, "; ".join(lost)
    return True


def _is_taken(fault: Fault, thing: Thing) -> bool:
    return any(fnmatch(f"{thing.kind}/{thing.name}", pattern) for pattern in fault.takes)


def _await_as_before(
    stage: Stage, fault: Fault, settled: dict[str, tuple[str, str]], held: dict[str, Manifest]
) -> None:
    try:
        stage.plane.wait(f"all is as before {fault.id}", _is_as_before(stage, fault, settled, held), fault.patience)
    except AssertionError as e:
        raise AssertionError(f"{stage.differs or 'only the edit'} did not come back: {e}") from None


def _is_as_before(
    stage: Stage, fault: Fault, settled: dict[str, tuple[str, str]], held: dict[str, Manifest]
) -> Callable[[], bool]:
    """Whether every condition and every object is what it was, and the edit has come through to each endpoint."""
    was: dict[str, Any] = {**settled, **held}

    def is_so() -> bool:
        try:
            now: dict[str, Any] = {**stage.settled(), **stage.held()}
            stage.differs = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
            return not stage.differs and _is_edited(stage, fault.id)
        except AssertionError:
            return False  # An API server is not there yet.

    return is_so
