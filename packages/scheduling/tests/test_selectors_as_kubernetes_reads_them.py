"""What tests/oracle found to differ from Kubernetes' own package, kept right without Go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduling.capacity import read_device
from scheduling.cel import compile_error, evaluate

DEVICE = read_device(
    {
        "name": "gpu",
        "driver": "d.io",
        "attributes": {
            "text": {"string": "NVIDIA H100 80GB"},
            "padded": {"string": " 42"},
            "yes": {"bool": True},
            "int": {"int": 42},
            "version": {"version": "12.4.1"},
        },
        "capacity": {"memory": {"value": "80Gi"}, "slices": {"value": "7000m"}},
    }
)
BARE = read_device({"name": "gpu", "driver": "d.io"})
ATTRIBUTES, CAPACITY = 'device.attributes["d.io"]', 'device.capacity["d.io"]'


@pytest.mark.parametrize("device", [DEVICE, BARE])
@pytest.mark.parametrize(
    "expression",
    [
        "!has(device.attributes[device.driver].absent)",
        'device.attributes["a" + ".b"] == {}',
        '!("a.b" in device.attributes) && !has(device.attributes["a.b"].x)',
        '["a.b", "c.d"].all(domain, device.attributes[domain].size() == 0)',
        'device.attributes[?"a.b"].hasValue()',
        'device.capacity["a.b"].?x.orValue(quantity("1")) == quantity("1")',
        "has(device.attributes.anything)",
        "device.attributes.anything == {}",
        '!("a.b" in device.attributes) || device.attributes["a.b"].size() == 0',
    ],
)
def test_an_unknown_domain_is_an_empty_map(device, expression):
    assert compile_error(expression) == ""
    verdict = evaluate(expression, device.traits)
    assert verdict.matches, verdict.reason


def test_asking_for_an_unknown_domain_does_not_make_it_known():
    assert evaluate('size(device.attributes) == 1 && size(device.attributes["a.b"]) == 0', DEVICE.traits).matches


@pytest.mark.parametrize(
    "expression",
    [
        f'!({ATTRIBUTES}.version == "12.4.1")',
        f'!({ATTRIBUTES}.version in ["12.4.0"])',
        f"!({ATTRIBUTES}.version == {CAPACITY}.memory)",
        f"!({CAPACITY}.memory == {ATTRIBUTES}.int)",
        f"{ATTRIBUTES}.version.size() == 1",
        f"!({ATTRIBUTES}.text in {ATTRIBUTES}.text)",
        f"int({ATTRIBUTES}.padded) == 42",
        f"{CAPACITY}.slices.isInteger() || {CAPACITY}.slices.asInteger() == 7",
        'quantity("1.5Ki").isInteger() || quantity("1000m").isInteger() || quantity("10Ei").isInteger()',
        'quantity("0.5").add(quantity("0.5")).isInteger()',
        'quantity("0.3").asApproximateFloat() == 0.3',
        'isSemver("1.0.0-18446744073709551616")',
    ],
)
def test_what_kubernetes_does_not_place_is_not_placed(expression):
    assert compile_error(expression) == ""
    assert not evaluate(expression, DEVICE.traits).matches


@pytest.mark.parametrize(
    "expression",
    [
        f"{ATTRIBUTES}.int in [41, 42] && !({ATTRIBUTES}.yes in [1])",
        f'"12.4.1" != {ATTRIBUTES}.version && {ATTRIBUTES}.version != "12.4.1"',
        f'{CAPACITY}.slices in [quantity("7")] && {CAPACITY}.slices == quantity("7")',
        f'{ATTRIBUTES}.version in [semver("12.4.1+build")]',
        f'{CAPACITY} == {{"memory": quantity("81920Mi"), "slices": quantity("7")}}',
        f"{ATTRIBUTES}.int == 42.0 && {ATTRIBUTES}.yes == true && {ATTRIBUTES}.text != null",
        'quantity("1Ti").isInteger() && quantity("7").asInteger() == 7 && quantity("3k").isInteger()',
        f"{ATTRIBUTES}.exists(a, {ATTRIBUTES}.exists(b, a + b == 'yesint'))",
        'semver("1.2.-rc", true) == semver("1.2.0-rc")',
    ],
)
def test_what_kubernetes_places_is_placed(expression):
    assert compile_error(expression) == ""
    verdict = evaluate(expression, DEVICE.traits)
    assert verdict.matches, verdict.reason


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ('1 in [1, "a"]', "all elements of a list to be of one type"),
        ('{"a": 1, "b": "c"}.size() == 2', "all values of a map to be of one type"),
        ('{"a": 1, 2: 1}.size() == 2', "all keys of a map to be of one type"),
        ('true || "abc".matches("[")', "invalid regular expression"),
        ('true || duration("1x") == duration("1s")', "Duration"),
        ('true || int(" 42") == 42', "with spaces"),
        ("1e400 > 1.0", "beyond what a double holds"),
        ("dyn(true)", "must evaluate to a bool, not DYN"),
        (f"{ATTRIBUTES}.int.exists(x, x == 1)", "cannot be the range of a comprehension"),
        (f"{ATTRIBUTES}.`yes`", "no `quoted` names"),
        ("!has(device.allowMultipleAllocations)", "leave the has() out"),
        (f'{CAPACITY}.memory != quantity("80Gi")', "write !(a == b)"),
        ('dyn(quantity("1")) == dyn(quantity("1"))', "dyn() of quantities"),
        ("[type(1)].size() == 1", "refuses type()"),
        ("int == int", "compare optionals or types"),
        (f"{ATTRIBUTES}.?yes == optional.none()", "compare optionals or types"),
        ('["a"].join("-") == "a"', "refuses join()"),
        ('"%d".format([1]) == "1"', "format()"),
        (f'{ATTRIBUTES}.text.split(" ")[0].contains("H")', "contains on a text whose length it does not know"),
        (f'{ATTRIBUTES}.text.split(" ").exists(w, w.contains("H"))', "contains on a text"),
        (f'{ATTRIBUTES}.?text.orValue("").contains("H")', "contains on a text"),
        (f'cel.bind(w, {ATTRIBUTES}.text.split(" "), w[0] + "x" == "y")', "+ on a text"),
        ("cel.bind(a, device.attributes, has(a.x))", "bind the attributes of one domain"),
        ("device.capacity == {}", "maps of maps"),
        (f"{ATTRIBUTES}.all(a, {ATTRIBUTES}.all(b, {ATTRIBUTES}.all(c, a + b + c != '')))", "loops within loops"),
        ("true ||" + " " * 10240 + "true", "longer than the 10240 bytes"),
        ("+".join(["1"] * 3000) + " > 0", "recursion"),
    ],
)
def test_what_kubernetes_refuses_is_refused(expression, message):
    assert message in compile_error(expression)


def test_words_that_kubernetes_refuses_may_stand_in_texts():
    for text in ('"`" == r"`"', "'has(device.x)' == 'has(device.x)'", '"""a`""" == "a`" // `'):
        assert compile_error(text) == ""


@pytest.mark.parametrize(
    "expression",
    [
        'dyn({"a": optional.of(1)}).isInteger()',
        "dyn(optional.of(1)) == 1",
        f"(true ? {ATTRIBUTES}.int : optional.of(1)) == 5",
        f"[{ATTRIBUTES}.?int] == {ATTRIBUTES}.int",
        '{"a": optional.of(1)} == {}',
    ],
)
def test_an_optional_cannot_crash_the_process(expression):
    assert compile_error(expression) != ""


def test_equal_amounts_that_are_written_differently_are_not_confused():
    seven, milli = (
        read_device({"name": "gpu", "driver": "d.io", "capacity": {"slices": {"value": value}}})
        for value in ("7", "7000m")
    )
    assert [evaluate(f"{CAPACITY}.slices.isInteger()", each.traits).matches for each in (seven, milli)] == [True, False]


PIECES = st.sampled_from(["optional.of(", "optional.none()", "dyn(", ".?text", "[?0]", ".orValue(", ".value()", ATTRIBUTES, "device.attributes", ".int", "[", "]", "{'a': ", "}", ")", " == ", " in ", " ? ", " : ", "1", "true", ".size()", ".isInteger()", "cel.bind(x, ", ", x)", ".map(x, ", "timestamp(0)", "duration('1s')", "b'x'", "int"])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_mixture_of_pieces_raises_or_crashes(expression):
    verdict = evaluate(expression, DEVICE.traits)
    assert not (verdict.matches and compile_error(expression))
