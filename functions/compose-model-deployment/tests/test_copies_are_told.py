"""What an endpoint tells of its copies follows them, and not at every step."""

import math

import pytest
from compose_model_deployment.endpoints import counted
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("ready", "desired", "told", "want"),
    [
        pytest.param(1, 4, 0, 1, id="the-first"),
        pytest.param(2, 4, 1, 2, id="twice-as-many"),
        pytest.param(3, 4, 2, 2, id="one-more-is-no-news"),
        pytest.param(4, 4, 2, 4, id="all"),
        pytest.param(3, 4, 4, 3, id="one-fewer"),
        pytest.param(2, 2, 4, 2, id="fewer-are-wanted"),
    ],
)
def test_what_is_news(ready, desired, told, want):
    assert counted(ready, desired, told) == want


@given(st.integers(1, 64))
def test_copies_that_come_up_one_by_one_are_told_a_few_times(desired):
    """And in the end exactly."""
    told, changes = 0, 0
    for ready in range(1, desired + 1):
        now = counted(ready, desired, told)
        assert now <= ready < 2 * now
        changes += now != told
        told = now
    assert told == desired
    assert changes <= math.log2(desired) + 2
