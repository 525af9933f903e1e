"""From a bare cluster to answers: the example that is one page, with the projects' charts and controllers that run.

The hub is a server of this machine. What the tests do follows the model on its way, so they follow one another.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial

import pytest
import served
import yaml
from cli import proving
from hub import COMMIT, TOKEN, Hub
from hub import served as serve_hub
from local.api import Api
from local.datapath.network import Network
from local.testing import start
from nothing import LAST, REAL, WEIGHTS, Bare, as_other, asked_for, cache_of, group, page, secret, split, storage
from remote import Remote

pytestmark = [pytest.mark.datapath, pytest.mark.long]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """The whole page is applied at once; the hub falls silent in the middle of the last file, once."""
    if os.geteuid() != 0:
        pytest.fail("tests/datapath makes network namespaces: run `make datapath` as root")
    plane, cluster = start(tmp_path_factory.mktemp("bare") / "state", clusters=1, stack=True, data_path="gateways")
    host = Network(cluster.state.load().network, 1).host
    hub = Hub(private=True, files=WEIGHTS, cut_at=10_000_000, cut_only=[LAST], hang=True)
    try:
        with serve_hub(hub, host):
            for each in (secret("hub", "HF_TOKEN", TOKEN), secret("qwen-keys", "api-key", "mine")):
                plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(each))
            stack = {"registry": cluster.registry, "components": cluster.components}
            plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(page(hub, stack)))
            plane.workload(1)("apply", "-f", "-", stdin=yaml.safe_dump(storage()))
            yield Bare(plane, hub)
    finally:
        cluster.down()


def test_a_fetch_that_is_interrupted_goes_on_by_itself_without_what_is_there(bare: Bare) -> None:
    """A pod that is killed in the last file: the files that were whole are not fetched once more."""
    bare.plane.wait("the hub is silent in the last file", bare.hub.hung.is_set, patience=300)
    whole = [name for name in WEIGHTS if name != LAST]
    bare.plane.wait("all others are there", lambda: all(bare.hub.bytes_of(n) == len(WEIGHTS[n]) for n in whole), 60)
    assert bare.cache()["phase"] == "Hydrating"
    (pod,) = bare.fetching()
    bare.west("delete", "pod", pod["metadata"]["name"], "-n", "mp-default", "--wait=false")
    bare.plane.wait("the weights are there", lambda: bare.cache().get("phase") == "Ready", patience=180)
    assert {name: bare.hub.bytes_of(name) for name in whole} == {name: len(WEIGHTS[name]) for name in whole}
    assert bare.hub.bytes_of(LAST) == 10_000_000 + len(WEIGHTS[LAST])
    assert bare.plane.kubectl.one("mc", "qwen")["status"]["revision"] == COMMIT


def test_the_cluster_becomes_ready_by_charts_whose_controllers_run(bare: Bare) -> None:
    bare.plane.wait("west is Ready", lambda: bare.is_true("ic", "west", "Ready"), patience=600)
    told = {row["name"]: row.get("ready") for row in bare.components()}
    assert told == {**dict.fromkeys(asked_for(), True), "certManager": None}
    bare.plane.wait("every controller and the Envoy are ready", lambda: bare.ready() == REAL, patience=60)
    assert bare.plane.open_circuits() == set()


def test_the_gateway_is_programmed_by_envoy_gateway(bare: Bare) -> None:
    def said() -> dict[str, str]:
        gateway = bare.west.one("gateway", "inference-gateway", "-n", "modelplane-system")
        return {c["type"]: c["status"] for c in gateway["status"]["conditions"]}

    bare.plane.wait("it is programmed", lambda: said() == {"Accepted": "True", "Programmed": "True"}, patience=60)
    assert bare.plane.kubectl.one("ic", "west")["status"]["gateway"]["address"]


def test_the_model_answers_with_the_weights_that_were_fetched(bare: Bare) -> None:
    """Its engine ends where /mnt/models holds no model."""
    bare.plane.wait("qwen is Ready", lambda: bare.is_true("md", "qwen", "Ready"), patience=240)
    asked = {"model": "qwen", "prompt": "hello", "max_tokens": 3}
    where = served.target(bare.plane, "qwen-0")
    status, text = bare.plane.wait("it answers", lambda: (a := proving.ask(where, asked))[0] == 200 and a, patience=30)
    assert (status, json.loads(text)["model"]) == (200, "qwen")


def test_groups_are_formed_by_the_controller_of_the_chart(bare: Bare) -> None:
    """Its webhooks are asked, with the certificate that it made for itself."""
    bare.plane.wait(
        "a group is taken", lambda: not bare.west("apply", "-f", "-", stdin=group(), check=False).count("rror")
    )
    pods = lambda: bare.west.get("pods", "-n", "default", "-l", "leaderworkerset.sigs.k8s.io/name=pair")  # noqa: E731  # Short here.
    bare.plane.wait("its leader and its worker are made", lambda: len(pods()) == 2, patience=60)
    bare.west("delete", "leaderworkerset", "pair", "-n", "default")
    bare.plane.wait("they are gone", lambda: not pods(), patience=60)


def test_a_token_that_the_hub_refuses_is_named_and_the_right_one_is_enough(bare: Bare) -> None:
    bare.hub.private, bare.hub.gated = False, True
    bare.apply(secret("wrong", "HF_TOKEN", "not-me"), cache_of(bare.hub, "gated", authSecret={"name": "wrong"}))
    with bare.untouched():
        bare.says("gated", "Failed", "the hub refuses the token")
        bare.change("gated", authSecret={"name": "hub"})
        bare.says("gated", "Ready")


def test_a_volume_that_is_too_small_is_named_and_a_larger_one_is_enough(bare: Bare) -> None:
    """The hub says three gigabytes, the volume has one; nothing is fetched before that is seen."""
    bare.hub.gated, bare.hub.sizes = False, {LAST: 3 << 30}
    before = len(bare.hub.sent)
    with bare.untouched():
        bare.apply(cache_of(bare.hub, "small"))
        bare.says("small", "Failed", "the volume is too small for the weights: raise spec.huggingFace.sizeGiB")
        assert len(bare.hub.sent) == before
        bare.hub.sizes = {}
        bare.change("small", sizeGiB=4)
        bare.says("small", "Ready")
    claims = bare.west.get("pvc", "-n", "mp-default")
    assert "4Gi" in [claim["spec"]["resources"]["requests"]["storage"] for claim in claims]


def test_a_hub_that_is_away_is_named_and_waited_for(bare: Bare) -> None:
    bare.hub.down = True
    with bare.untouched():
        bare.apply(cache_of(bare.hub, "away", revision="main"))
        bare.says("away", "Failed", "503")
        bare.hub.down = False
        bare.says("away", "Ready")


def test_while_the_ai_gateway_is_away_new_routes_wait_and_what_serves_goes_on(bare: Bare) -> None:
    """Envoy Gateway asks it about every change; this is what a cluster without one would be like."""
    own = ("deployment/ai-gateway-controller", "-n", "envoy-ai-gateway-system")
    where = served.target(bare.plane, "qwen-0", patience=2)
    (route,) = bare.west.get("httproutes", "-n", "mp-default")
    other = replace(where, hostname="other.modelplane.internal")
    asked = {"model": "qwen", "prompt": "hello", "max_tokens": 1}
    bare.west("scale", *own, "--replicas=0")
    try:
        bare.west("rollout", "status", *own, "--timeout=60s")
        bare.west("apply", "-f", "-", stdin=yaml.safe_dump(as_other(route, other.hostname)))
        answers = [(proving.ask(where, asked)[0], proving.ask(other, asked)[0]) for _ in range(40)]
        assert set(answers) == {(200, 404)}
    finally:
        bare.west("scale", *own, "--replicas=1")
    bare.plane.wait("the other route is published", lambda: proving.ask(other, asked)[0] == 200, patience=120)
    bare.west("delete", "httproute", "other", "-n", "mp-default")


def test_prefill_and_decode_are_served_by_the_same_gateways(bare: Bare) -> None:
    """Its pool, its picker and its sidecar: for Envoy AI Gateway, and by the engines' own counters."""
    bare.plane.kubectl("delete", "md", "qwen")
    bare.plane.wait("its pods are gone", lambda: not bare.engines())
    bare.apply(split())
    bare.plane.kubectl("wait", "--for=condition=Ready", "md/split", "--timeout=240s")
    where = served.target(bare.plane, "split-0", patience=20)
    asked = {"model": "qwen", "prompt": "hello", "max_tokens": 1}
    bare.plane.wait("it answers", lambda: proving.ask(where, asked)[0] == 200, patience=60)
    api = Api.from_file(bare.west.kubeconfig, "modelplane-tests")
    try:
        sent, verdict = served.prove(Remote(api), where)
    finally:
        api.close()
    assert (verdict.name, verdict.link) == ("Disaggregating", ""), sent
    served.disaggregates({s.name: asdict(s.counted) for s in sent})


def test_components_that_are_switched_off_are_explained_and_the_pair_goes_on_answering(bare: Bare) -> None:
    """From then on they are the cluster's own: nothing is uninstalled."""
    where = served.target(bare.plane, "split-0", patience=2)
    asked = {"model": "qwen", "prompt": "hello", "max_tokens": 1}
    before = bare.pods()
    for component in reversed(asked_for()):
        bare.switch_off(component)
        bare.plane.wait(f"{component} is the cluster's", partial(bare.is_left, component), patience=60)
        assert {proving.ask(where, asked)[0] for _ in range(10)} == {200}
    bare.plane.wait("no Release is left", lambda: not bare.plane.kubectl.get("releases.helm.m.crossplane.io", "-A"), 60)
    assert {proving.ask(where, asked)[0] for _ in range(20)} == {200}
    assert bare.pods() == before
    assert bare.is_true("ic", "west", "Ready")
