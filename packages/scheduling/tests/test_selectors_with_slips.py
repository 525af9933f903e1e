"""A slip in a selector is answered with what its author meant."""

import pytest
from scheduling.cel import compile_error, failure, seen_values
from scheduling.match import Unmatched, match
from scheduling.testing import gpu, node_class, request

GPU, MEMORY = 'device.attributes["gpu.nvidia.com"]', 'device.capacity["gpu.nvidia.com"].memory'
OFFER = gpu(
    attributes={
        "productName": {"string": "H100"},
        "driverVersion": {"version": "580.65.6"},
        "sms": {"int": 132},
        "mig": {"bool": False},
    },
    capacity={"memory": {"value": "80Gi"}},
)


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        pytest.param('device.driver = "x"', "column 15: write == to compare (Syntax error: ", id="one-equals-sign"),
        pytest.param('device.driver == "x', "a quote is not closed", id="open-quote"),
        pytest.param("device.driver == \u201cx\u201d", "write straight quotes", id="quotes-of-a-text-editor"),
        pytest.param('device.driver == "x" and true', "write && for and", id="and"),
        pytest.param('device.driver == "x" OR true', "write || for or", id="or"),
        pytest.param('device.driver == "x" & true', "write && for and", id="one-ampersand"),
        pytest.param('(device.driver == "x"', "ends where something is still to come", id="open-bracket"),
        pytest.param(f"{MEMORY} > 80", 'compareTo(quantity("40Gi")) >= 0', id="amount-against-number"),
        pytest.param(f'{MEMORY} >= quantity("1Gi")', 'compareTo(quantity("40Gi")) >= 0', id="amounts-by-operator"),
        pytest.param(f'{MEMORY} == "80Gi"', 'an amount is written quantity("40Gi")', id="amount-against-text"),
        pytest.param(f'{MEMORY}.compareTo("80Gi") >= 0', 'written quantity("40Gi")', id="amount-compared-to-text"),
        pytest.param(f"{MEMORY} == quantity(40)", 'written quantity("40Gi")', id="amount-of-a-number"),
        pytest.param(f'{GPU}.v > semver("1.0.0")', 'compareTo(semver("12.4.0")) >= 0', id="versions-by-operator"),
        pytest.param('device.capacity.memory == quantity("1")', "are by domain, such as device.cap", id="no-domain"),
        pytest.param('device.attributes.model == "x"', "are by domain, such as device.cap", id="attribute-no-domain"),
        pytest.param('device.vendor == "x"', "write device.driver, device.attributes", id="no-such-field"),
        pytest.param('devices.driver == "x"', "write device.driver, device.attributes", id="devices"),
        pytest.param('driver == "x"', "write device.driver, device.attributes", id="no-device"),
        pytest.param("device.driver == gpu.nvidia.com", "a text stands in quotes", id="no-quotes"),
        pytest.param('device.driver.StartsWith("x")', "did you mean startsWith?", id="method-in-another-spelling"),
    ],
)
def test_the_compilers_message_stands_behind_advice(expression, advice):
    assert advice in compile_error(expression)
    assert "expecting" not in compile_error(expression)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        pytest.param(f'{GPU}.productname == "x"', "productname: absent, did you mean productName?", id="near"),
        pytest.param(f'{GPU}.memory == "x"', "memory: absent, it is in device.capacity", id="other-map"),
        pytest.param(
            'device.attributes["gpu.nvidia.co"].sms == 1',
            'absent, it is in device.attributes["gpu.nvidia.com"]',
            id="domain",
        ),
        pytest.param(
            f'{GPU}.model == "x"', "absent, there are driverVersion, mig, productName, sms", id="none-is-near"
        ),
        pytest.param(
            'device.attributes["a.b"].model == 1', "a.b/model: absent, its domain is gpu.nvidia.com", id="other-domain"
        ),
        pytest.param(f'{GPU}.sms == "132"', "sms: int 132", id="type-of-a-number"),
        pytest.param(f'{GPU}.driverVersion == "580.65.6"', "driverVersion: version 580.65.6", id="type-of-a-version"),
    ],
)
def test_what_a_device_has_says_where_a_name_is_and_of_which_type(expression, told):
    assert told in ", ".join(seen_values(expression, OFFER.traits))


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param(f'{MEMORY}.compareTo(quantity("40GB")) >= 0', '"40GB" is no quantity: write digits', id="unit"),
        pytest.param(f'{GPU}.driverVersion.compareTo(semver("580")) > 0', '"580" is no semantic version', id="version"),
        pytest.param(f'{GPU}.driverVersion == "580.65.6"', 'a version is compared with semver("12.4.0")', id="types"),
        pytest.param(f"{GPU}.sms / 0 == 1", "divide by zero", id="division"),
    ],
)
def test_a_selector_that_fails_on_a_device_says_why(expression, reason):
    answer = match((request("gpu", 1, expression),), node_class(OFFER))
    assert isinstance(answer, Unmatched)
    assert f"; {reason}" in answer.message


def test_what_is_merely_absent_is_no_failure():
    assert failure(f"{GPU}.model == 1", OFFER.traits) == ""


def test_a_long_selector_is_cut_in_the_sentence_and_whole_beside_it():
    text = " || ".join(f'device.driver ==\n"x{number}"' for number in range(60))
    answer = match((request("gpu", 1, text),), node_class(OFFER))
    assert isinstance(answer, Unmatched)
    assert len(answer.message) < 350
    assert "\n" not in answer.message
    assert answer.expression == text
