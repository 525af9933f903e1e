"""Where an endpoint leads; that nobody reaches another namespace's replicas through a gateway that all share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import address, names
from schemas import ModelEndpoint


def endpoint(namespace="ml-team", **spec):
    metadata = {"name": "e", "namespace": namespace}
    return ModelEndpoint.model_validate({"metadata": metadata, "spec": spec})


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({"url": "http://10.0.0.2"}, ("10.0.0.2", 80, False, "/v1", "10.0.0.2"), id="address"),
        pytest.param({"url": "https://a.example/"}, ("a.example", 443, True, "/v1", "a.example"), id="root"),
        pytest.param(
            {"url": "https://A.Example:8443/x/v1/"}, ("a.example", 8443, True, "/x/v1", "a.example"), id="path"
        ),
        pytest.param(
            {"url": "http://a.example/x", "rewritePath": "/"}, ("a.example", 80, False, "/", "a.example"), id="/"
        ),
        pytest.param(
            {"url": "http://a.example", "hostname": "B.Example"},
            ("a.example", 80, False, "/v1", "b.example"),
            id="host",
        ),
        pytest.param({"url": "http://[2001:DB8::1]:81"}, ("2001:db8::1", 81, False, "/v1", "2001:db8::1"), id="ipv6"),
        pytest.param({"url": "http://[::ffff:10.0.0.2]"}, ("10.0.0.2", 80, False, "/v1", "10.0.0.2"), id="mapped"),
    ],
)
def test_an_address_is_read(spec, want):
    found = address.read(endpoint(**spec))
    assert (found.host, found.port, found.is_tls, found.path, found.hostname) == want


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "http://127.9.9.9",
        "http://[::1]",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
        "http://169.254.169.254",
        "http://[fe80::1]",
        "http://224.0.0.1",
        "http://localhost",
        "http://a.localhost",
        "http://a.example:19000",
        "http://a.example:19003",
        "http://kubernetes",
    ],
)
def test_what_is_the_gateways_own_is_nobodys_endpoint(url):
    with pytest.raises(address.Refused) as told:
        address.read(endpoint(url=url))
    assert told.value.reason == "NotAllowed"


@pytest.mark.parametrize(
    "url", ["http://2130706433", "http://127.1", "http://0x7f.1", "http://0x7f000001", "http://0177.1"]
)
def test_a_number_is_no_name_whatever_resolvers_make_of_it(url):
    with pytest.raises(address.Refused) as told:
        address.read(endpoint(url=url))
    assert told.value.reason == "InvalidURL"


@pytest.mark.parametrize(
    "url", ["https://u:hunter2@a.example", "https://u:hunter2@a.example:x", "ftp://u:hunter2@a.example"]
)
def test_a_password_is_not_repeated(url):
    with pytest.raises(address.Refused) as told:
        address.read(endpoint(url=url))
    assert "hunter2" not in str(told.value)


LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)


SPELLINGS = st.sampled_from([str, str.upper, str.title, lambda host: f"{host}."])


@given(LABELS, LABELS, LABELS, st.booleans(), SPELLINGS)
def test_nobody_names_a_replica_of_another_namespace(own, other, replica, in_url, spelled):
    host = spelled(names.hostname(replica, other))
    spec = {"url": f"http://{host}"} if in_url else {"url": "http://10.0.0.2", "hostname": host}
    if own == other:
        assert address.read(endpoint(own, **spec)).hostname == names.hostname(replica, own)
        return
    with pytest.raises(address.Refused) as told:
        address.read(endpoint(own, **spec))
    assert told.value.reason == "NotAllowed"


@pytest.mark.parametrize(
    "header", ["Host", "x-prefiller-host-port", "X-Envoy-Original-Path", "x-forwarded-host", "a b", ":path"]
)
def test_a_credential_is_no_header_that_routes(header):
    with pytest.raises(address.Refused):
        address.read(endpoint(url="https://a.example", auth={"secretRef": {"name": "s"}, "header": header}))
