"""The examples alone, behind the real Envoy Gateway and AI Gateway as the serving stack installs them."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace

import breaking
import pytest
import yaml
from breaking import ROOT
from cli import proving
from local.api import Api
from remote import Remote
from served import (
    attack,
    deployed,
    disaggregates,
    geneva,
    prove,
    published,
    running,
    settle,
    streams,
    target,
    told,
    traffic,
    up,
)

pytestmark = [pytest.mark.datapath, pytest.mark.long]
GANG = ROOT / "examples/07-gang"
GANGS = ROOT / "examples/09-prefill-decode-gangs"
# Where the route never reaches Envoy, it answers as if there were none.
CLIENTS = {"header-stripped-at-the-route": [200], "two-pools-in-a-rule": [404, 500]}
ROWS = [replace(r, client=CLIENTS[r.name]) for r in breaking.rows() if r.name in CLIENTS]


def fleet() -> str:
    """The nodes of all three examples on one cluster, twice as many of the first."""
    each = [yaml.safe_load_all((e / "fleet.yaml").read_text()) for e in (breaking.EXAMPLE, GANGS, GANG)]
    found = {(m["kind"], m["metadata"]["name"]): m for documents in each for m in documents}
    pools = found["InferenceCluster", "geneva"]["spec"]["nodePools"]
    for pool in pools:
        pool["nodeCount"] *= 2
    for name in ("turin", "stockholm"):
        pools += found.pop(("InferenceCluster", name))["spec"]["nodePools"]
    return yaml.safe_dump_all(found.values())


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """A control plane of our own, its cluster with real gateways; gone when these tests are."""
    with up(tmp_path_factory.mktemp("gateways") / "state", "gateways", fleet()) as plane:
        yield plane


@pytest.fixture(scope="module")
def kube(plane):
    return geneva(plane, nodes=17)


@pytest.fixture(scope="module")
def remote(kube):
    api = Api.from_file(kube.kubeconfig, "modelplane-tests")
    yield Remote(api)
    api.close()


@pytest.fixture(scope="module")
def qwen(plane):
    """The example of prefill and decode, once it serves."""
    with deployed(plane, breaking.deployment()):
        yield target(plane, "qwen-0")


def proven(remote, target) -> None:
    sent, verdict = prove(remote, target)
    assert (verdict.name, verdict.link) == ("Disaggregating", ""), sent
    disaggregates({s.name: asdict(s.counted) for s in sent})


def test_the_gateway_is_the_controllers_own(kube):
    """Nothing of ours has touched its status, and its Envoy runs from the Deployment that its controller made."""
    found = kube.one("gateway", "inference-gateway", "-n", "modelplane-system")
    conditions = {c["type"]: c["status"] for c in found["status"]["conditions"]}
    assert conditions == {"Accepted": "True", "Programmed": "True"}
    (envoy,) = kube.get(
        "pods", "-n", "envoy-gateway-system", "-l", "gateway.envoyproxy.io/owning-gateway-name=inference-gateway"
    )
    assert {c["name"]: c["ready"] for c in envoy["status"]["containerStatuses"]} == {
        "envoy": True,
        "shutdown-manager": True,
    }


def test_the_example_disaggregates_by_the_engines_own_counters(remote, qwen):
    proven(remote, qwen)


@pytest.mark.usefixtures("qwen")
def test_what_was_proven_is_told_by_the_replica(plane):
    code, output = told(plane, "md/qwen", "--record")
    assert code == 0, output
    plane.wait(
        "it is told", lambda: plane.condition("mr", "qwen-0", "Disaggregating")["reason"] == "Proven", patience=20
    )


@pytest.mark.usefixtures("qwen")
def test_a_stream_lasts_longer_than_a_gateways_default(plane):
    streams(plane, "qwen-0", "qwen")


def test_what_a_client_says_of_routing_reaches_nobody(remote, qwen):
    assert attack(remote, qwen, "qwen") == (200, False)


def test_without_the_clients_policy_a_client_chooses_whom_the_sidecar_calls(plane, kube, remote, qwen):
    """So it is this policy that the test above is about; and it protects again as soon as it is back."""
    named = ("clienttrafficpolicy", "inference-gateway", "-n", "modelplane-system")
    found = kube.one(*named)
    policy = {k: found[k] for k in ("apiVersion", "kind", "spec")}
    policy["metadata"] = {k: found["metadata"][k] for k in ("name", "namespace", "labels")}
    kube("delete", *named)
    try:
        plane.wait("the host that the client names is called", lambda: attack(remote, qwen, "qwen")[1], patience=60)
    finally:
        kube("apply", "-f", "-", stdin=yaml.safe_dump(policy))
    plane.wait("nobody is called any more", lambda: attack(remote, qwen, "qwen") == (200, False), patience=60)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_broken_link_is_named(plane, kube, remote, manifests, row):
    with running(plane, kube, row, manifests) as target:
        settle(plane, row, target)
        sent, verdict = prove(remote, target)
    assert sent[0].status in row.client, sent
    assert (verdict.name, verdict.link) == (row.verdict, row.link), sent


def test_gangs_of_both_phases_disaggregate_through_their_leaders(plane, remote):
    with deployed(plane, breaking.deployment(GANGS)):
        proven(remote, target(plane, "deepseek-0"))


def test_a_gangs_leader_serves(plane):
    with deployed(plane, (GANG / "deployment.yaml").read_text()):
        asked = {"model": "llama-405b", "prompt": "hello", "max_tokens": 3}
        where = target(plane, "llama-405b-0")
        status, text = plane.wait("it answers", lambda: (a := proving.ask(where, asked))[0] == 200 and a, patience=20)
    assert (status, json.loads(text)["model"]) == (200, "llama-405b")


def test_a_roll_of_two_replicas_costs_no_request(plane, kube):
    """A replica's endpoint goes first, and comes back when the changed one serves; the other serves meanwhile."""
    found = yaml.safe_load(breaking.deployment())
    found["metadata"]["name"] = "rolled"
    found["spec"]["replicas"] = 2
    for engine in found["spec"]["engines"]:
        engine["copies"] = 1
    with deployed(plane, yaml.safe_dump(found)), published(plane, "rolled") as targets:
        plane.wait("both are published", lambda: len(targets) == 2)
        with traffic(lambda: random.choice(targets)) as statuses:  # noqa: S311  # No secret.
            plane.wait("requests are answered", lambda: statuses.total() > 20)
            for number in range(2):
                path = f"/spec/engines/{number}/members/0/template/spec/containers/0/env"
                value = [{"name": "ROLLED", "value": "1"}]
                patch = [{"op": "add", "path": path, "value": value}]
                plane.kubectl("patch", "md", "rolled", "--type=json", "-p", json.dumps(patch))
            plane.wait("every engine is changed and both are published", lambda: has_rolled(kube) and len(targets) == 2)
        assert set(statuses) == {200}


def has_rolled(kube) -> bool:
    own = "modelplane.ai/serving,modelplane.ai/deployment=rolled"
    engines = [p["spec"]["containers"][0] for p in kube.get("pods", "-n", "mp-default", "-l", own)]
    return len(engines) == 4 and all({"name": "ROLLED", "value": "1"} in e.get("env", []) for e in engines)
