"""Events tell what has happened, once: what a condition was before decides whether it is news."""

from __future__ import annotations

from typing import Any

import pytest
from crossplane.function.proto.v1 import run_function_pb2 as fnv1
from kit.report import Report

Said = tuple[str, str] | None
READY = ("True", "Ready")
LOST = ("False", "NotReady")


def events(was: Said, met: bool | None, reason: str) -> list[tuple[int, str, str]]:
    """What is told when RoutingReady, which was `was`, is now `met`."""
    before: dict[str, Any] = {}
    if was:
        before = {"status": {"conditions": [{"type": "RoutingReady", "status": was[0], "reason": was[1]}]}}
    report = Report("ModelReplica", before)
    report.condition("RoutingReady", met, reason, "As it is.")
    rsp = fnv1.RunFunctionResponse()
    report.write(rsp, None)
    return [(r.severity, r.reason, r.message) for r in rsp.results]


def test_what_is_there_at_last_is_told() -> None:
    assert events(LOST, True, "Ready") == [(fnv1.SEVERITY_NORMAL, "Ready", "RoutingReady: As it is.")]


def test_what_was_and_is_gone_is_a_warning() -> None:
    assert events(READY, False, "NotReady") == [(fnv1.SEVERITY_WARNING, "NotReady", "RoutingReady: As it is.")]


def test_another_reason_of_the_same_trouble_is_told() -> None:
    assert events(LOST, False, "InvalidSpec") == [(fnv1.SEVERITY_WARNING, "InvalidSpec", "RoutingReady: As it is.")]


@pytest.mark.parametrize(
    ("was", "met", "reason"),
    [
        pytest.param(None, False, "NotReady", id="a-birth"),
        pytest.param(READY, True, "Ready", id="nothing-changed"),
        pytest.param(LOST, False, "NotReady", id="still-not-there"),
        pytest.param(("Unknown", "Pending"), False, "NotReady", id="not-there-yet"),
        pytest.param(READY, None, "Pending", id="not-known-now"),
    ],
)
def test_what_is_no_news_is_not_told(was: Said, met: bool | None, reason: str) -> None:
    assert events(was, met, reason) == []
