import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduling.quantity import parse_quantity
from scheduling.version import parse_version

BILLION = 10**9


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        pytest.param("1", BILLION, id="plain"),
        pytest.param("40Gi", 40 * 2**30 * BILLION, id="binary"),
        pytest.param("40G", 40 * 10**9 * BILLION, id="decimal"),
        pytest.param("1E", 10**18 * BILLION, id="E-alone-is-exa"),
        pytest.param("1E3", 1000 * BILLION, id="E-with-digits-is-an-exponent"),
        pytest.param("1e-2", BILLION // 100, id="negative-exponent"),
        pytest.param("100m", BILLION // 10, id="milli"),
        pytest.param("1.5Gi", 3 * 2**29 * BILLION, id="fraction-of-a-binary"),
        pytest.param("0.1n", 1, id="rounded-up-to-the-smallest"),
        pytest.param("-0.1n", -1, id="rounded-away-from-zero"),
        pytest.param("16Ei", (2**63 - 1) * BILLION, id="binary-is-capped"),
        pytest.param("+.5", BILLION // 2, id="no-leading-digit"),
    ],
)
def test_quantity_has_the_exact_amount(text, nanos):
    assert parse_quantity(text).nanos == nanos


@pytest.mark.parametrize("text", ["", " 1", "1 ", "Gi1", "1ki", "1KI", "1e", "--1", "1.2.3", "0x10", "\u0661"])
def test_quantity_refuses_with_a_sentence_that_shows_the_text(text):
    with pytest.raises(ValueError, match="is no quantity"):
        parse_quantity(text)


def test_an_exponent_that_would_fill_the_memory_is_refused():
    with pytest.raises(ValueError, match="has an exponent beyond 1000"):
        parse_quantity("1e999999999")


@given(st.text())
def test_any_text_is_a_quantity_or_a_value_error(text):
    for parse in (parse_quantity, parse_version):
        with contextlib.suppress(ValueError):
            parse(text)


def test_equal_amounts_are_equal_however_they_are_written():
    assert parse_quantity("1024Mi") == parse_quantity("1Gi") == parse_quantity("1073741824")
    assert hash(parse_quantity("1024Mi")) == hash(parse_quantity("1Gi"))


def test_versions_are_ordered_as_semver_2_says():
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"]
    texts += ["1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]
    parsed = [parse_version(text) for text in texts]
    backwards = parsed[::-1]
    assert sorted(backwards) == parsed
    assert len(set(parsed)) == len(texts)


def test_numbers_of_a_version_fit_64_bits():
    assert parse_version(f"{2**64 - 1}.0.0").major == 2**64 - 1
    with pytest.raises(ValueError, match="has a number beyond"):
        parse_version(f"{2**64}.0.0")


def test_build_metadata_does_not_count():
    assert parse_version("1.2.3+a") == parse_version("1.2.3+b")


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "1.2.3.4", "1.2.x"]
)
def test_version_refuses_what_semver_refuses(text):
    with pytest.raises(ValueError, match="is no semantic version"):
        parse_version(text)


@pytest.mark.parametrize(("text", "same"), [("v1", "1.0.0"), ("v01.02", "1.2.0"), ("1.2.3-rc", "1.2.3-rc")])
def test_version_is_normalized_on_request(text, same):
    assert parse_version(text, normalize=True) == parse_version(same)


def test_a_short_version_with_a_pre_release_cannot_be_normalized():
    with pytest.raises(ValueError, match="is no semantic version"):
        parse_version("1.2-rc", normalize=True)
