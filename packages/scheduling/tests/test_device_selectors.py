import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduling.capacity import read_device
from scheduling.cel import compile_error, evaluate, seen_values

DEVICE = read_device(
    {
        "name": "gpu",
        "driver": "gpu.nvidia.com",
        "deviceClassName": "gpu.nvidia.com",
        "count": 8,
        "attributes": {
            "productName": {"string": "NVIDIA H100"},
            "cudaDriverVersion": {"version": "12.4.1"},
            "mig": {"bool": False},
            "index": {"int": 3},
            "fabric.example.com/rail": {"int": 1},
        },
        "capacity": {"memory": {"value": "80Gi"}, "slices": {"value": "7"}},
    }
)
GPU = 'device.attributes["gpu.nvidia.com"]'
MEMORY = 'device.capacity["gpu.nvidia.com"].memory'


@pytest.mark.parametrize(
    "expression",
    [
        f'device.driver == "gpu.nvidia.com" && {MEMORY}.compareTo(quantity("40Gi")) >= 0',
        f'{MEMORY}.isGreaterThan(quantity("79Gi")) && {MEMORY}.isLessThan(quantity("81Gi"))',
        f'{MEMORY} == quantity("81920Mi")',
        f'{MEMORY}.sub(quantity("16Gi")).add(1).isGreaterThan(quantity("64Gi"))',
        f"{MEMORY}.isInteger() && {MEMORY}.asInteger() == 85899345920",
        'device.capacity["gpu.nvidia.com"].slices.asApproximateFloat() > 6.5',
        'isQuantity("4Gi") && !isQuantity("4gi") && sign(quantity("-1")) == -1',
        f'{GPU}.productName == "NVIDIA H100" && {GPU}.productName.contains("H100")',
        f'{GPU}.productName.lowerAscii().matches("h[0-9]+$")',
        f'{GPU}.cudaDriverVersion.isGreaterThan(semver("12.4.0"))',
        f'{GPU}.cudaDriverVersion.compareTo(semver("12.4.1+build")) == 0',
        f'{GPU}.cudaDriverVersion == semver("12.4.1")',
        'semver("v1.2", true).minor() == 2 && isSemver("1.2.3") && !isSemver("v1")',
        f"!{GPU}.mig && {GPU}.index == 3",
        'device.attributes["fabric.example.com"].rail == 1',
        f'{GPU}["index"] in [1, 2, 3]',
        f"cel.bind(gpu, {GPU}, !gpu.mig && gpu.index > 2)",
        f"{GPU}.?absent.orValue(true)",
        f"!has({GPU}.absent)",
        '!has(device.attributes["unknown.example.com"].x)',
        '!("unknown.example.com" in device.attributes)',
        'device.attributes.exists_one(x, x == "fabric.example.com")',
        '!("x" in device.capacity["gpu.nvidia.com"]) || false',
        f'{GPU}.productName.split(" ").size() == 2',
        "!device.allowMultipleAllocations",
    ],
)
def test_expression_holds(expression):
    assert compile_error(expression) == ""
    verdict = evaluate(expression, DEVICE.traits)
    assert verdict.matches, verdict.reason


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param(f'{MEMORY}.compareTo(quantity("81Gi")) >= 0', "", id="false-has-no-reason"),
        pytest.param(f"{GPU}.absent == 1", "absent", id="absent-attribute"),
        pytest.param(f"{GPU}.absent != 1", "absent", id="absent-attribute-is-never-unequal"),
        pytest.param("!device.attributes['a.b'].x", "x", id="absent-domain"),
        pytest.param(
            f'{GPU}.index.isGreaterThan(semver("1.0.0"))', "No matching overloads", id="method-of-another-type"
        ),
        pytest.param(
            f'{GPU}.cudaDriverVersion.isGreaterThan(quantity("1"))', "overload", id="version-against-quantity"
        ),
        pytest.param(f"{GPU}.productName", "must evaluate to a bool, not STRING", id="result-is-no-bool"),
        pytest.param('quantity("1Q") == quantity("1")', '"1Q" is no quantity', id="bad-quantity"),
        pytest.param('semver("1.0").major() == 1', '"1.0" is no semantic version', id="bad-version"),
        pytest.param('quantity("0.5").asInteger() == 0', "cannot convert", id="fraction-as-integer"),
        pytest.param("1 / 0 == 1", "divide by zero", id="division-by-zero"),
    ],
)
def test_expression_does_not_hold_and_says_why(expression, reason):
    assert compile_error(expression) == ""
    verdict = evaluate(expression, DEVICE.traits)
    assert not verdict.matches
    assert reason in verdict.reason if reason else verdict.reason == ""


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        pytest.param("device.driver ==", "line 1, column 17: the expression ends where", id="syntax"),
        pytest.param("device.vendor == 'x'", "undeclared reference to 'device.vendor'", id="no-such-field"),
        pytest.param("device.driver", "must evaluate to a bool, not STRING", id="no-bool"),
        pytest.param(f'{MEMORY} >= quantity("1")', "no matching overload", id="quantities-have-no-operators"),
        pytest.param(f"{MEMORY}.compareTo(40) >= 0", "no matching overload for 'compareTo'", id="quantity-against-int"),
        pytest.param(f'{MEMORY} == "80Gi"', "no matching overload", id="quantity-against-text"),
        pytest.param(
            'quantity("1").compareTo(semver("1.0.0")) > 0', "no matching overload", id="quantity-against-version"
        ),
        pytest.param("", "is empty: write what the device must be", id="empty"),
        pytest.param(" \n", "is empty: write what the device must be", id="blank"),
        pytest.param("'\ud800' == ''", "surrogate", id="half-a-character"),
        pytest.param("(" * 500 + "true" + ")" * 500, "recursion limit", id="too-deep"),
    ],
)
def test_compiler_refuses_with_place_and_cause(expression, message):
    assert message in compile_error(expression)
    assert not evaluate(expression, DEVICE.traits).matches


def test_attribute_true_is_not_attribute_one():
    true = read_device({"name": "a", "driver": "d.io", "attributes": {"x": {"bool": True}}})
    one = read_device({"name": "a", "driver": "d.io", "attributes": {"x": {"int": 1}}})
    assert true != one
    assert [evaluate('device.attributes["d.io"].x == 1', each.traits).matches for each in (true, one)] == [False, True]


def test_endless_work_is_cut_short():
    ten = "[1,2,3,4,5,6,7,8,9,10]"
    expression = "true"
    for name in "abcde":
        expression = f"{ten}.all({name}, {expression})"
    assert compile_error(expression) == ""
    assert "budget" in evaluate(expression, DEVICE.traits).reason
    assert "loops within loops" in compile_error(f"{ten}.all(f, {expression})")


def test_seen_values_are_those_the_expression_mentions():
    expression = f'device.driver == "x" && {MEMORY} == quantity("1") && {GPU}.absent && !{GPU}.mig'
    driver, absent, *others = seen_values(expression, DEVICE.traits)
    assert driver == "driver: gpu.nvidia.com"
    assert absent.startswith("gpu.nvidia.com/absent: absent, there are ")
    assert others == ["gpu.nvidia.com/mig: bool false", "gpu.nvidia.com/memory: 80Gi"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"attributes": {"x": {"string": "a", "int": 1}}}, "devices.gpu.attributes.x must have exactly one of"),
        ({"attributes": {"x": {"bool": 1}}}, "with a value of that type"),
        ({"attributes": {"x": {"version": "1"}}}, 'devices.gpu.attributes.x.version: "1" is no semantic version'),
        ({"attributes": ["x"]}, "must be an object"),
        ({"capacity": {"memory": {"value": "many"}}}, 'devices.gpu.capacity.memory.value: "many" is no quantity'),
        ({"count": 0}, "devices.gpu.count must be a whole number of at least 1"),
        ({"claim": "Maybe"}, "devices.gpu.claim must be DRA or Synthetic"),
        ({"driver": 5}, "devices.gpu.driver must be a text"),
    ],
)
def test_device_that_cannot_be_read_names_its_field(entry, message):
    with pytest.raises(ValueError, match="devices") as caught:
        read_device({"name": "gpu", **entry})
    assert message in str(caught.value)


ALPHABET = st.sampled_from(["device.driver", "optional.of(", "dyn(", GPU, MEMORY, ".index", ".mig", '"x"', "quantity(", "semver(", ")", "(", "==", "&&", "!", "1", "in", "[", "]", ".all(", "x", ",", "?", ":", "\0", "😀", "-"])  # fmt: skip


@given(st.one_of(st.text(), st.lists(ALPHABET).map("".join), st.text(st.characters())))
def test_no_text_raises(expression):
    verdict = evaluate(expression, DEVICE.traits)
    assert not (verdict.matches and compile_error(expression))


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.dictionaries(
            st.sampled_from(["name", "attributes", "capacity", "count", "claim", "x", "int", "value"]), inner
        ),
    )
)
def test_no_device_manifest_raises_anything_but_a_sentence(manifest):
    with contextlib.suppress(ValueError):
        read_device(manifest)
