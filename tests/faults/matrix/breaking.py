"""The code that keeps a promise, broken on purpose: the row must fail, or it proves nothing."""

from __future__ import annotations

import os
import shutil
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from matrix.acts import act
from matrix.page import seen
from matrix.play import Fault, play
from matrix.stage import CLUSTERS, COMPOSITES, MODELS, Stage

# Looks without a call after which everything is at rest.
QUIET = 12
MOMENT = 20.0
LONGEST = 160
ROOT = Path(__file__).resolve().parents[3]


def source(fault: Fault) -> Path:
    """The file that the row's `breaks` is about."""
    return ROOT / fault.breaks["in"]


def broken_text(fault: Fault) -> str:
    """The file with its guard taken out. Raises ValueError when the guard is not there, or not once."""
    text = source(fault).read_text(encoding="utf-8")
    if text.count(fault.breaks["find"]) != 1:
        raise ValueError(f"{fault.id}: breaks.find must be in {fault.breaks['in']} once")
    return text.replace(fault.breaks["find"], fault.breaks["put"])


def fails(stage: Stage, fault: Fault, overlay: Path) -> str:
    """What the row said when its guard was broken; empty when it did not notice."""
    with _broken(stage, fault, overlay):
        try:
            play(stage, replace(fault, lasts=0.0, patience=_patience(fault)))
            told = ""
        except AssertionError as e:
            told = textwrap.shorten(str(e).splitlines()[0], LONGEST, placeholder=" …")
    _hear_kubelets(stage)
    stage.plane.wait("all serve again", stage.serves)
    return told


def _hear_kubelets(stage: Stage) -> None:
    """A node that was silent for long makes its pods NotReady; a kubelet would say otherwise when it is heard again."""
    for cluster in CLUSTERS:
        act(stage, {"nodes": {"cluster": cluster}})
        for name in MODELS:
            act(stage, {"pods": {"cluster": cluster, "of": f"{name}-0", "ready": True}})


def _patience(fault: Fault) -> float:
    """Twice as long as it took while the guard was whole, and a moment."""
    row = seen()["faults"].get(fault.id, {"named": MOMENT, "converged": MOMENT})
    return MOMENT + 2 * float(max(row["named"], row["converged"]))


@contextmanager
def _broken(stage: Stage, fault: Fault, overlay: Path) -> Iterator[None]:
    """Our functions, started from a copy of the package in which the guard is missing."""
    file = source(fault)
    package = next(p for p in file.parents if p.parent.name == "src")
    copy = overlay / package.relative_to(ROOT)
    shutil.copytree(package, copy)
    (overlay / "apis").symlink_to(ROOT / "apis")  # Where the package looks for it.
    (copy / file.relative_to(package)).write_text(broken_text(fault), encoding="utf-8")
    os.environ["PYTHONPATH"] = str(copy.parent)
    try:
        _restart(stage)
        yield
    finally:
        del os.environ["PYTHONPATH"]
        _restart(stage)


def _restart(stage: Stage) -> None:
    """Other functions, and everything composed by them once."""
    stage.kill("functions")
    stage.start("functions")
    stage.plane.kubectl("annotate", COMPOSITES, "--all", "-A", f"composed-by={time.time()}", "--overwrite")
    counts: list[int] = []

    def at_rest() -> bool:
        counts.append(sum(stage.plane.calls().values()))
        return len(counts) > QUIET and counts[-1] == counts[-1 - QUIET]

    stage.plane.wait("no more calls", at_rest)
