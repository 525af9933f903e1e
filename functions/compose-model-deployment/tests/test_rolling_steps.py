"""One step of a roll: who is taken out, who is changed, who waits; by tables."""

from __future__ import annotations

import pytest
from compose_model_deployment.rolling import Change, Limits, Seen, Step, Turn, step

UP = Seen()
OLD = Seen(Change.UPDATE)
GONE = Seen(Change.UPDATE, published=False)
BROKEN = Seen(Change.UPDATE, published=False, serves=False)
DONE = Seen(published=False, serves=False, revision=1)
READY = Seen(published=False, revision=1)
NEW = Seen(revision=1)
YOUNG = Seen(revision=1, known=False)
MOVES = Seen(Change.REPLACE)
ENDS = Seen(Change.REMOVE, surplus=True)
UPDATE, REPLACE = Turn(Change.UPDATE), Turn(Change.REPLACE, replacement=2)
TIME = "2026-11-20T00:00:00Z"
DECIDED = Turn(Change.UPDATE, revision=1)
SINCE = Turn(Change.UPDATE, since=TIME, revision=1)
DRAINED = Turn(Change.UPDATE, since=TIME, drained=True, revision=1)
AGAIN = Turn(Change.UPDATE, since=TIME, drained=True, revision=2)


def names(**sets: set[int]) -> dict[str, frozenset[int]]:
    return {k: frozenset(v) for k, v in sets.items()}


CASES = [
    pytest.param([UP, UP], {}, Step({}), id="nothing-to-do"),
    pytest.param([OLD, OLD], {}, Step({0: UPDATE}, later=(1,)), id="one-is-named-before-anything-is-done"),
    pytest.param(
        [OLD, OLD], {0: UPDATE}, Step({0: UPDATE}, **names(withdrawn={0}), later=(1,)), id="its-endpoint-goes"
    ),
    pytest.param(
        [GONE, OLD],
        {0: UPDATE},
        Step({0: DECIDED}, **names(withdrawn={0}, gone={0}), later=(1,)),
        id="its-drain-begins",
    ),
    pytest.param([GONE, OLD], {0: SINCE}, Step({0: SINCE}, **names(withdrawn={0}), later=(1,)), id="it-drains"),
    pytest.param(
        [GONE, OLD],
        {0: DRAINED},
        Step({0: DRAINED}, **names(withdrawn={0}), update={0: 1}, later=(1,)),
        id="is-changed",
    ),
    pytest.param([DONE, OLD], {0: DRAINED}, Step({0: DRAINED}, later=(1,)), id="the-rest-waits-until-it-serves"),
    pytest.param([READY, OLD], {0: DRAINED}, Step({0: DRAINED}, later=(1,)), id="until-its-endpoint-is-there"),
    pytest.param([YOUNG, OLD], {0: DRAINED}, Step({0: DRAINED}, later=(1,)), id="and-until-gateways-know-it"),
    pytest.param([NEW, OLD], {0: DRAINED}, Step({1: UPDATE}), id="then-the-next-is-named"),
    pytest.param([OLD, YOUNG], {}, Step({}, later=(0,)), id="nobody-is-taken-out-while-gateways-do-not-know-another"),
    pytest.param(
        [MOVES, UP, YOUNG],
        {0: REPLACE},
        Step({0: REPLACE}),
        id="who-is-replaced-serves-until-gateways-know-the-new-one",
    ),
    pytest.param(
        [OLD, BROKEN],
        {},
        Step({}, **names(withdrawn={1}), update={1: 1}, later=(0,)),
        id="what-does-not-answer-is-first-and-needs-no-turn",
    ),
    pytest.param([OLD, DONE], {}, Step({}, later=(0,)), id="nobody-is-taken-out-while-another-is-down"),
    pytest.param(
        [OLD, GONE], {}, Step({1: UPDATE}, later=(0,)), id="a-lost-status-is-taken-up-with-who-has-no-endpoint"
    ),
    pytest.param([GONE, GONE], {}, Step({}, later=(0, 1)), id="endpoints-that-are-not-seen-yet-are-awaited"),
    pytest.param([OLD], {}, Step({0: UPDATE}), id="an-only-replica-is-interrupted"),
    pytest.param([UP, OLD], {0: UPDATE}, Step({1: UPDATE}), id="a-change-that-was-taken-back-ends-the-turn"),
    pytest.param([READY, OLD], {0: SINCE}, Step({0: SINCE}, later=(1,)), id="but-not-before-its-endpoint-is-back"),
    pytest.param(
        [Seen(published=False), OLD],
        {0: SINCE},
        Step({0: SINCE}, **names(withdrawn={0}), update={0: 1}, later=(1,)),
        id="what-was-decided-is-done-whatever-is-asked-for-by-now",
    ),
    pytest.param(
        [Seen(Change.UPDATE, published=False, revision=1), OLD],
        {0: DRAINED},
        Step({0: AGAIN}, **names(withdrawn={0}), later=(1,)),
        id="another-change-in-the-middle-is-decided-first",
    ),
    pytest.param(
        [Seen(ending=True), OLD], {0: UPDATE}, Step({0: UPDATE}, later=(1,)), id="nor-while-the-old-one-still-ends"
    ),
    pytest.param([MOVES, UP], {}, Step({0: REPLACE}), id="a-move-names-who-comes-instead"),
    pytest.param([MOVES, MOVES], {}, Step({0: REPLACE}, later=(1,)), id="one-moves-at-a-time"),
    pytest.param([MOVES, UP, DONE], {0: REPLACE}, Step({0: REPLACE}), id="it-serves-until-the-other-does"),
    pytest.param([MOVES, UP, UP], {0: REPLACE}, Step({0: REPLACE}, **names(withdrawn={0})), id="then-it-goes"),
    pytest.param(
        [Seen(Change.REPLACE, published=False), UP, UP],
        {0: Turn(Change.REPLACE, 2, drained=True)},
        Step({0: Turn(Change.REPLACE, 2, drained=True)}, **names(withdrawn={0}, remove={0})),
        id="and-is-removed-when-drained",
    ),
    pytest.param([UP, UP, DONE], {0: REPLACE}, Step({}), id="a-move-that-is-taken-back-ends"),
    pytest.param([OLD, MOVES], {0: UPDATE}, Step({0: UPDATE}, **names(withdrawn={0}), later=(1,)), id="no-move-beside"),
    pytest.param([ENDS, UP], {}, Step({0: Turn(Change.REMOVE)}), id="who-is-too-many-is-named-as-well"),
    pytest.param([ENDS, ENDS], {}, Step({n: Turn(Change.REMOVE) for n in (0, 1)}), id="and-all-of-them-at-once"),
    pytest.param(
        [Seen(Change.REMOVE, published=False, serves=False, surplus=True)],
        {},
        Step({}, **names(withdrawn={0}, remove={0})),
        id="who-never-served-ends-at-once",
    ),
    pytest.param([], {4: UPDATE}, Step({}), id="a-turn-of-one-that-is-gone-is-over"),
]


@pytest.mark.parametrize(("seen", "turns", "want"), CASES)
def test_a_step(seen: list[Seen], turns: dict[int, Turn], want: Step) -> None:
    wanted = sum(1 for one in seen if not one.surplus) - any(t.change is Change.REPLACE for t in turns.values())
    assert step(dict(enumerate(seen)), turns, Limits(wanted), free=2) == want


def test_more_than_one_may_be_out_when_the_owner_says_so() -> None:
    assert set(step(dict.fromkeys(range(5), OLD), {}, Limits(5, most_down=2)).turns) == {0, 1}


def test_a_missing_replica_counts_as_down() -> None:
    """Three are wanted and two serve: to take one of them out would leave one."""
    assert step({0: OLD, 1: OLD}, {}, Limits(3)).turns == {}
