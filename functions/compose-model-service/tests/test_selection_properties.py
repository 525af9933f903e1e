"""Who is called and with what weight, for any endpoints: the promises behind canaries, cut-overs and roll-backs."""

from fractions import Fraction

from compose_model_service import selection
from compose_model_service.selection import Endpoint
from hypothesis import assume, given
from hypothesis import strategies as st
from kit.address import Address

NAMES = st.text("abcdefgh", min_size=1, max_size=3)


@st.composite
def endpoints(draw, least=0, most=20, paths=("/v1",)):
    """Endpoints of distinct names, some with a certificate and so with a Backend of their own."""
    found = []
    for name in draw(st.lists(NAMES, min_size=least, max_size=most, unique=True)):
        is_tls = draw(st.booleans())
        address = Address("a.example", 443, is_tls=is_tls, path=draw(st.sampled_from(paths)), hostname="a.example")
        group, ready, copies = draw(st.integers(0, 3)), draw(st.booleans()), draw(st.integers(1, 64))
        found.append(Endpoint(name, group, address, ready=ready, copies=copies))
    return found


def weight_of(endpoint, shares, all_of_them):
    """What one endpoint gets of its Backend's weight: Envoy shares it evenly."""
    alike = [each for each in all_of_them if each.backend == endpoint.backend]
    return Fraction(shares[endpoint.backend], len(alike))


@given(endpoints(least=1, most=16), st.lists(st.integers(0, 1000), min_size=4, max_size=4))
def test_groups_share_by_weight_and_endpoints_by_copies(called, weights):
    shares = selection.shares(called, weights)
    assume(max(shares.values()) < 1_000_000)
    per_weight = set()
    for group in {each.group for each in called}:
        own = [each for each in called if each.group == group]
        got = {weight_of(each, shares, called) / each.copies for each in own}
        assert len(got) == 1, "within a group each copy gets the same"
        total = sum(weight_of(each, shares, called) for each in own)
        assert (total == 0) == (weights[group] == 0)
        if weights[group]:
            per_weight.add(total / weights[group])
    assert len(per_weight) <= 1, "each group gets what its weight says"


@given(endpoints(least=1, most=16), st.lists(st.integers(0, 1_000_000), min_size=4, max_size=4))
def test_weights_are_what_a_gateway_takes(called, weights):
    shares = selection.shares(called, weights)
    assert set(shares) == {each.backend for each in called}
    for each in called:
        assert 0 <= shares[each.backend] <= 1_000_000
        assert (shares[each.backend] > 0) == (weights[each.group] > 0), "who is meant to get some gets some"
    assert shares == selection.shares(called[::-1], weights)


@given(endpoints(paths=("/v1", "/openai")), st.lists(NAMES), st.sampled_from(["", "/v1", "/openai"]))
def test_only_the_ready_are_called_on_one_path_and_a_refusal_adds_nobody(selected, published, path):
    choice = selection.choose(selected, len(selected), published, path)
    assert all(each.ready for each in choice.endpoints)
    assert {each.address.path for each in choice.endpoints} <= {choice.path}
    assert choice.reason or len(choice.endpoints) <= selection.MOST_ENDPOINTS
    if choice.reason:
        assert {each.name for each in choice.endpoints} <= set(published)
        assert choice.path == path
    else:
        assert {each.name for each in choice.endpoints} == {each.name for each in selected if each.ready}
    assert choice == selection.choose(selected[::-1], len(selected), published[::-1], path)


@given(endpoints(most=16))
def test_models_are_told_only_where_every_endpoint_tells(called):
    assert selection.models(called) is None
    told = [Endpoint(e.name, e.group, e.address, models=(e.name, "shared")) for e in called]
    assert (selection.models(told) or ()) == tuple(sorted({*(e.name for e in told), "shared"} if told else ()))
