from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scheduling.capacity import read_device
from scheduling.cel import compile_error, evaluate

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent


def _read(name):
    return yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))


def _full(expression):
    for which in ("attributes", "capacity"):
        expression = expression.replace(f"${which}", f'device.{which}["dra.example.com"]')
    return expression


DEVICES = _read("devices")
OURS = {name: read_device({"name": name, **device}).traits for name, device in DEVICES.items()}
TOPICS = sorted(path.stem for path in HERE.glob("*.yaml") if path.stem not in ("devices", "differences"))
EXPRESSIONS = [pytest.param(_full(text), id=f"{topic}: {text}") for topic in TOPICS for text in _read(topic)]
DIFFERENCES = {_full(text) for row in _read("differences") for text in row["expressions"]}


def _ours(expression, traits):
    if compile_error(expression):
        return "compile error"
    verdict = evaluate(expression, traits)
    if verdict.matches:
        return "true"
    return "runtime error" if verdict.reason else "false"


def _of_manifest(expression, device):
    try:
        traits = read_device({"name": "device", **device}).traits
    except ValueError:
        return "no such device"
    return _ours(expression, traits)


def _same(ask, expression, device):
    assert (expression, _of_manifest(expression, device)) == (
        expression,
        *ask([{"expression": expression, "device": device}]),
    )


@pytest.fixture(scope="session")
def answers(kubernetes):
    asked = [(param.values[0], name) for param in EXPRESSIONS for name in DEVICES]
    told = kubernetes([{"expression": text, "device": DEVICES[name]} for text, name in asked])
    return dict(zip(asked, told, strict=True))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_has_the_same_outcome(answers, expression):
    ours = {name: _ours(expression, traits) for name, traits in OURS.items()}
    theirs = {name: answers[expression, name] for name in DEVICES}
    if expression not in DIFFERENCES:
        assert ours == theirs
        return
    assert ours != theirs, "is no difference any more: take it out of differences.yaml"
    placed = {name for name in DEVICES if ours[name] == "true"}
    assert placed <= {name for name in DEVICES if theirs[name] == "true"}
    # What we let through must never be what the API server refuses.
    assert "compile error" not in theirs.values() or "compile error" in ours.values()


def test_every_difference_is_an_expression_that_is_asked():
    assert {param.values[0] for param in EXPRESSIONS} >= DIFFERENCES


def test_a_long_expression_is_refused_at_the_same_length(kubernetes):
    for spare in (0, 1):
        text = "true ||" + " " * (10 * 1024 - len("true ||true") + spare) + "true"
        _same(kubernetes, text, DEVICES["bare"])


NUMBERS = st.one_of(
    st.integers(0, 2000).map(str),
    st.integers(0, 2**66).map(str),
    st.from_regex(r"[0-9]{0,12}\.[0-9]{0,12}", fullmatch=True),
    st.sampled_from(["9223372036854775807", "9223372036854775808", "999999999999999999", "1000000000000000000"]),
)
SUFFIXES = st.sampled_from(["", *"numkMGTPE", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3", "e+6", "e-9", "K", "e"])
QUANTITIES = st.builds("{}{}{}".format, st.sampled_from(["", "-", "+"]), NUMBERS, SUFFIXES)
OF_QUANTITIES = [
    *(f'quantity("{{0}}").compareTo(quantity("{{1}}")) == {order}' for order in (-1, 0, 1)),
    'quantity("{0}") == quantity("{1}")',
    'quantity("{0}").isGreaterThan(quantity("{1}"))',
    'quantity("{0}").isLessThan(quantity("{1}"))',
    'quantity("{0}") in [quantity("{1}"), quantity("1")]',
    'quantity("{0}").isInteger()',
    'quantity("{0}").asInteger() > 1000',
    'quantity("{0}").asApproximateFloat() > 1000.0',
    'quantity("{0}").asApproximateFloat() == quantity("{1}").asApproximateFloat()',
    'quantity("{0}").add(quantity("{1}")).isInteger()',
    'quantity("{0}").sub(quantity("{1}")).isInteger()',
    'quantity("{0}").add(quantity("{1}")).sub(quantity("{0}")) == quantity("{1}")',
    'quantity("{0}").add(5).sub(quantity("{1}")).compareTo(quantity("{0}")) > 0',
    'sign(quantity("{0}").sub(quantity("{1}"))) == 1',
    'isQuantity("{0}")',
]


@settings(max_examples=600)
@given(st.sampled_from(OF_QUANTITIES), QUANTITIES, QUANTITIES)
def test_any_quantities_are_compared_and_counted_alike(kubernetes, template, one, other):
    _same(kubernetes, template.format(one, other), DEVICES["bare"])


@settings(max_examples=200)
@given(
    QUANTITIES,
    st.sampled_from(["80Gi", "7", "1m", "1E"]),
    st.sampled_from(["compareTo(quantity('{}')) >= 0", "isLessThan(quantity('{}'))", "isInteger()", "asInteger() > 5"]),
)
def test_any_capacity_is_read_alike(kubernetes, amount, limit, method):
    device = {"driver": "dra.example.com", "capacity": {"amount": {"value": amount}}}
    _same(kubernetes, _full(f"$capacity.amount.{method.format(limit)}"), device)


WORDS = st.from_regex(r"[0-9A-Za-z-]{1,4}(\.[0-9A-Za-z-]{1,3}){0,2}", fullmatch=True)
PARTS = st.one_of(st.integers(0, 12).map(str), st.sampled_from(["", "00", "01", "18446744073709551615", "x"]))
VERSIONS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "v"]),
    st.lists(PARTS, min_size=1, max_size=4).map(".".join),
    st.one_of(st.just(""), WORDS.map("-{}".format)),
    st.one_of(st.just(""), WORDS.map("+{}".format)),
)
OF_VERSIONS = [
    *(f'semver("{{0}}", true).compareTo(semver("{{1}}", true)) == {order}' for order in (-1, 0, 1)),
    'semver("{0}", true) == semver("{1}", true)',
    'semver("{0}").isLessThan(semver("{1}"))',
    'semver("{0}").isGreaterThan(semver("1.0.0"))',
    'semver("{0}", true).minor() > 0 || semver("{0}", true).patch() > 0',
    'isSemver("{0}")',
    'isSemver("{0}", true)',
]


@settings(max_examples=600)
@given(st.sampled_from(OF_VERSIONS), VERSIONS, VERSIONS)
def test_any_versions_are_compared_alike(kubernetes, template, one, other):
    _same(kubernetes, template.format(one, other), DEVICES["bare"])


TERMS = st.sampled_from(
    [_full(f"$attributes.{name}") for name in [*DEVICES["full"]["attributes"], "absent"] if "/" not in name]
    + [_full("$capacity.memory"), 'quantity("7")', 'semver("1.2.3")', "42", "42.0", '"42"', "true", "null", "[1]"]
)
OPERATORS = st.sampled_from(["==", "!=", "<", ">", "<=", ">=", "+", "-", "in", "&&", "||"])


@settings(max_examples=600)
@given(TERMS, OPERATORS, TERMS, st.sampled_from(["{}", "!({})", "({}) == true", "[{}].exists(x, x == true)"]))
@example(_full("$attributes.version"), "==", '"42"', "!({})")
def test_no_comparison_places_what_kubernetes_would_not(kubernetes, left, operator, right, form):
    expression = form.format(f"{left} {operator} {right}")
    theirs = kubernetes([{"expression": expression, "device": device} for device in DEVICES.values()])
    ours = [_ours(expression, traits) for traits in OURS.values()]
    assert [one == "true" for one in ours] == [one == "true" for one in theirs] or "compile error" in ours
    assert "compile error" not in theirs or "compile error" in ours
