"""A model that is served in one phase answers too: through its Service, without a picker."""

from __future__ import annotations

import json

import pytest
import yaml
from breaking import ROOT
from cli import proving
from cli.main import cli
from click.testing import CliRunner

pytestmark = pytest.mark.datapath


def test_a_unified_deployment_answers_through_its_service(plane):
    found = yaml.safe_load((ROOT / "examples/01-standalone/deployment.yaml").read_text())
    found["metadata"]["name"] = "single"
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(found))
    try:
        plane.kubectl("wait", "--for=condition=Ready", "md/single", "--timeout=120s")
        endpoint = plane.wait("its endpoint", lambda: plane.kubectl.get("modelendpoint", "single-0"))[0]
        target = proving.Target("single-0", "mp-default", endpoint["spec"]["url"], endpoint["spec"]["hostname"])
        body = {"model": "qwen", "prompt": "hello", "max_tokens": 3}
        status, text = plane.wait("it answers", lambda: (a := proving.ask(target, body))[0] == 200 and a, patience=20)
        assert json.loads(text)["model"] == "qwen"
        assert status == 200
        told = CliRunner().invoke(cli, ["prove", "md/single", "--kubeconfig", str(plane.kubectl.kubeconfig)])
        assert (told.exit_code, "nothing to prove" in told.output) == (2, True), told.output
    finally:
        plane.kubectl("delete", "md", "single")
        plane.wait("its pods are gone", lambda: not plane.cluster("geneva").get("pods", "-n", "mp-default"))
