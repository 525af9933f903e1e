"""When a gate of a promotion stays shut, by outcomes alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from cli import targets
from cli.gates import Gates, Limits, slower
from cli.shifting import Gate
from replay.client import Outcome
from replay.figures import Objective

LIMITS = Limits(tolerance=0.25, errors=0, objective=Objective(0.5, 0.05))


def outcomes(first=0.2, between=0.02, count=60):
    """A little apart from one another, as real ones are."""
    return [
        Outcome(0.0, "", first * (1 + n % 9 / 50), first + 50 * between * (1 + n % 7 / 50), 51, between)
        for n in range(count)
    ]


def test_what_is_as_fast_passes():
    assert slower(outcomes(), outcomes(), LIMITS) == []


def test_what_is_a_little_slower_is_borne():
    assert slower(outcomes(), outcomes(first=0.22, between=0.022), LIMITS) == []


def test_a_decode_that_is_half_as_fast_is_named_with_its_range():
    found = slower(outcomes(), outcomes(between=0.04), LIMITS)
    assert any(text.startswith("inter-token latency p50 is ") and "times the baseline's (" in text for text in found)
    assert not any(text.startswith("time to first token") for text in found)


def test_a_first_token_may_come_later_as_long_as_the_objective_is_kept():
    assert slower(outcomes(), outcomes(first=0.4), LIMITS) == []
    found = slower(outcomes(), outcomes(first=0.51), LIMITS)
    assert found == ["the objective is kept by 0.0% of requests, by 100.0% of the baseline's"]


def test_few_slow_ones_are_no_certainty_at_the_median():
    found = slower(outcomes(), [*outcomes(count=57), *outcomes(first=5, count=3)], LIMITS)
    assert not any("p50" in text for text in found)


def test_one_that_fails_everything_is_slower():
    assert slower(outcomes(), [Outcome(0.0, "status 503")] * 60, LIMITS)


def looked(monkeypatch, *answers):
    """The reason of a gate before a shift that got these answers from the new replica, one a look; and the looks."""
    left = list(answers)

    async def ask(_self, _both):
        return [left.pop(0), outcomes()]

    monkeypatch.setattr(Gates, "_ask", ask)
    monkeypatch.setattr(Gates, "_replica", lambda *_: SimpleNamespace(target=SimpleNamespace(name="mr/new-0")))
    monkeypatch.setattr(targets, "replicas_of", lambda *_: [{}])
    plane = SimpleNamespace(namespace="default", get=lambda *_: {"spec": {}})
    promotion = SimpleNamespace(plane=plane, old="old", new="new")
    flow = SimpleNamespace(errors={})
    gates = Gates(promotion, None, [], LIMITS, 5.0, flow, lambda _: None)
    return gates.look(Gate("before", 1)), len(answers) - len(left)


SLOW, FAST, BROKEN = outcomes(between=0.06), outcomes(), [*outcomes(), Outcome(0.0, "status 503")]


@pytest.mark.parametrize(
    ("answers", "reason", "looks"),
    [
        pytest.param([FAST, SLOW], "", 1, id="as-fast"),
        pytest.param([SLOW, FAST], "", 2, id="slow-once-is-a-busy-machine"),
        pytest.param([SLOW, SLOW], "mr/new-0: inter-token latency p50", 2, id="slow-twice-is-slow"),
        pytest.param([BROKEN, FAST], "mr/new-0: 1 requests failed: status 503", 1, id="a-failure-is-never-forgiven"),
        pytest.param([SLOW, BROKEN], "mr/new-0: 1 requests failed: status 503", 2, id="nor-in-the-second-look"),
    ],
)
def test_what_is_slow_is_measured_once_more(answers, reason, looks, monkeypatch):
    told, looked_at = looked(monkeypatch, *answers)
    assert (told.startswith(reason), bool(told), looked_at) == (True, bool(reason), looks)
