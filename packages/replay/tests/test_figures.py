import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay import figures
from replay.client import Outcome
from replay.figures import Objective
from replay.picture import picture


def outcome(first=0.1, between=0.02, tokens=11):
    return Outcome(0.0, "", first, first + between * (tokens - 1), tokens, between)


FAILED = Outcome(0.0, "status 503")


def measured(runs, variant, name, percentile):
    return next(c for c in figures.compare(runs, variant) if (c.name, c.percentile) == (name, percentile))


def test_a_request_that_failed_is_never_fast():
    some = [[outcome()] * 90 + [FAILED] * 10]
    assert math.isinf(measured(some, some, "e2e", 99).baseline)
    assert measured(some, some, "e2e", 50).baseline == pytest.approx(0.3)


def test_one_that_only_fails_is_slower_and_two_that_fail_say_nothing():
    good, bad = [[outcome()] * 40], [[FAILED] * 40]
    assert measured(good, bad, "ttft", 50).verdict == "slower"
    assert measured(bad, good, "ttft", 50).verdict == "faster"
    assert measured(bad, bad, "ttft", 50).verdict == "unknown"


def test_what_differs_less_than_it_varies_is_no_difference():
    base = [[outcome(0.1 + 0.001 * (n % 7)) for n in range(50)]]
    same = [[outcome(0.1 + 0.001 * ((n + 3) % 7)) for n in range(50)]]
    slow = [[outcome(0.2 + 0.001 * (n % 7)) for n in range(50)]]
    assert measured(base, same, "ttft", 50).verdict == "no difference seen"
    chance = random.Random(2)  # noqa: S311  # No secret.
    noisy = [[[outcome(chance.lognormvariate(-2, 0.5)) for _ in range(40)]] for _ in range(2)]
    found = measured(*sorted(noisy, key=lambda r: -figures.quantile([o.first for o in r[0]], 0.5)), "ttft", 50)
    assert (found.ratio < 1, found.verdict) == (True, "no difference seen")
    assert measured(base, slow, "ttft", 50).verdict == "slower"
    assert measured(slow, base, "ttft", 50).verdict == "faster"


def test_goodput_counts_what_was_sent_not_what_was_answered():
    objective = Objective(0.5, 0.05)
    runs = [[outcome(), outcome(first=0.6), outcome(between=0.06), FAILED]]
    found = figures.goodput(runs, objective, seconds=2)
    assert (found.share, found.per_second) == (0.25, 0.5)
    assert found.low <= found.share <= found.high


def test_errors_are_named_and_counted():
    assert figures.errors([[outcome(), FAILED], [FAILED, Outcome(0, "answer cut off")]]) == {
        "status 503": 2,
        "answer cut off": 1,
    }


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_a_value_with_so_many_below(values, part):
    found = figures.quantile(values, part)
    assert found in values
    assert sum(v <= found for v in values) >= part * len(values) - 1e-6


def test_the_picture_draws_failures_as_a_curve_that_ends_low():
    runs = ([[outcome()] * 3], [[outcome(), FAILED, FAILED]])
    drawn = picture(("old & new", "b"), runs, "simulated <so>")
    assert "old &amp; new" in drawn
    assert "simulated &lt;so&gt;" in drawn
    assert "inf" not in drawn
    assert "nan" not in drawn
