"""The example alone, through the whole control plane: answered, disaggregated, streamed, and gone without a trace."""

from __future__ import annotations

import json

import breaking
import pytest
from served import deployed, disaggregates, streams, told

pytestmark = pytest.mark.datapath


@pytest.fixture(scope="module")
def qwen(plane):
    """The example's deployment, once it serves."""
    with deployed(plane, breaking.deployment()):
        yield


@pytest.mark.usefixtures("qwen")
def test_the_example_disaggregates_by_the_engines_own_counters(plane):
    code, output = told(plane, "md/qwen", "-o", "json")
    assert code == 0, output
    (replica,) = json.loads(output)["replicas"]
    assert (replica["verdict"], replica["link"]) == ("Disaggregating", "")
    disaggregates({e["request"]: e for e in replica["evidence"]})


@pytest.mark.usefixtures("qwen")
def test_a_stream_lasts_longer_than_a_gateways_default(plane):
    """Envoy ends a request after 15 s unless the route says otherwise; the route does."""
    streams(plane, "qwen-0", "qwen")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("qwen",), 2, "name a ModelDeployment as md/NAME"),
        (("md/none",), 4, "not found"),
    ],
)
def test_what_cannot_be_proven_is_said(plane, arguments, code, sentence):
    found, output = told(plane, *arguments)
    assert (found, sentence in output) == (code, True), output
