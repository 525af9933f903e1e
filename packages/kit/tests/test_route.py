"""How a cluster's gateway is called, by what its Gateway listens on."""

import pytest
from kit import route

HTTP, HTTPS = {"port": 80.0, "protocol": "HTTP"}, {"port": 443.0, "protocol": "HTTPS"}


@pytest.mark.parametrize(
    ("listeners", "address", "url"),
    [
        pytest.param([], "10.0.0.7", "http://10.0.0.7", id="not seen"),
        pytest.param([HTTP], "10.0.0.7", "http://10.0.0.7", id="http"),
        pytest.param([{**HTTP, "port": 8080.0}], "west.example", "http://west.example:8080", id="another port"),
        pytest.param([HTTP, HTTPS], "10.0.0.7", "https://10.0.0.7", id="https is preferred"),
        pytest.param([{**HTTPS, "port": 8443.0}], "fd00::7", "https://[fd00::7]:8443", id="IPv6"),
    ],
)
def test_a_gateway_is_called_by_https_where_it_listens_for_that(listeners, address, url):
    assert route.url({"spec": {"listeners": listeners}} if listeners else {}, address) == url
