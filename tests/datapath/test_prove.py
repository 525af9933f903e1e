"""The example alone, through the whole control plane: answered, disaggregated, streamed, and gone without a trace."""

from __future__ import annotations

import json
import time

import breaking
import pytest
from cli import proving
from cli.main import cli
from click.testing import CliRunner

pytestmark = pytest.mark.datapath


@pytest.fixture(scope="module")
def served(plane):
    """The example's deployment, once it serves."""
    plane.kubectl("apply", "-f", "-", stdin=breaking.deployment())
    plane.kubectl("wait", "--for=condition=Ready", "md/qwen", "--timeout=120s")
    yield
    plane.kubectl("delete", "md", "qwen")
    plane.wait("its pods are gone", lambda: not plane.cluster("geneva").get("pods", "-n", "mp-default"))


def prove(plane, *arguments):
    result = CliRunner().invoke(cli, ["prove", *arguments, "--kubeconfig", str(plane.kubectl.kubeconfig)])
    return result.exit_code, result.output


@pytest.mark.usefixtures("served")
def test_the_example_disaggregates_by_the_engines_own_counters(plane):
    code, output = prove(plane, "md/qwen", "-o", "json")
    assert code == 0, output
    (replica,) = json.loads(output)["replicas"]
    found = {e["request"]: e for e in replica["evidence"]}
    assert (replica["verdict"], replica["link"]) == ("Disaggregating", "")
    for name in ("long", "streamed"):
        counted = {k: found[name][k] for k in ("handed", "on_prefill", "on_decode", "transfers", "failures", "decided")}
        assert counted == {"handed": 1, "on_prefill": 1, "on_decode": 1, "transfers": 1, "failures": 0, "decided": 1}
    for name in ("repeated", "short"):
        assert (found[name]["on_prefill"], found[name]["on_decode"], found[name]["transfers"]) == (0, 1, 0)


@pytest.mark.usefixtures("served")
def test_a_stream_lasts_longer_than_a_gateways_default(plane):
    """Envoy ends a request after 15 s unless the route says otherwise; the route does."""
    (endpoint,) = plane.kubectl.get("modelendpoint", "qwen-0")
    target = proving.Target("qwen-0", "mp-default", endpoint["spec"]["url"], endpoint["spec"]["hostname"], patience=60)
    body = {"model": "qwen", "prompt": "hello", "max_tokens": 8000, "stream": True, "ignore_eos": True}
    begun = time.monotonic()
    status, text = proving.ask(target, body)
    assert status == 200
    assert text.rstrip().endswith("data: [DONE]")
    assert time.monotonic() - begun > 15


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("qwen",), 2, "name a ModelDeployment as md/NAME"),
        (("md/none",), 4, "not found"),
    ],
)
def test_what_cannot_be_proven_is_said(plane, arguments, code, told):
    found, output = prove(plane, *arguments)
    assert (found, told in output) == (code, True), output
