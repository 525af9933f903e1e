"""demo/prefill-decode as its readers run it: from nothing to nothing, interrupted, and with what its gates are for."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from local import tools
from local.testing import Kubectl
from test_one_address import ask

pytestmark = [pytest.mark.datapath, pytest.mark.long]
ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo/prefill-decode"
PATH = "/default/qwen/v1/completions"
BODY = {"model": "qwen", "prompt": "hello", "max_tokens": 30, "ignore_eos": True}
# Two repeats of half the trace: what is tested is the way, its figures are the README's.
# A pool that comes or goes can cost a request of any other route in some milliseconds (design/one-address.md).
SHORT = {"BENCH": "--seconds 30s --repeats 2"}
BORNE = {"PROMOTE": "--errors 1", "ROLLBACK": "--errors 1"}


@contextmanager
def started(state, *verbs, **env):
    """The script, as it runs."""
    told = {**os.environ, "MODELPLANE_STATE": str(state), **BORNE, **env}
    command = [str(DEMO / "run.sh"), "--local", "--keep", *verbs]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=told, start_new_session=True, **pipes) as running:
        yield running


def run(state, *verbs, **env):
    """Its exit code and all that it says."""
    with started(state, *verbs, **env) as running:
        text = running.communicate()[0]
    return running.returncode, text


def interrupted(state, verb, when):
    """Ctrl-C once a line says so; what it says until it is gone."""
    with started(state, verb) as running:
        lines = []
        for line in running.stdout:
            lines.append(line)
            if when in line:
                os.killpg(running.pid, signal.SIGINT)
        running.wait()
    text = "".join(lines)
    assert when in text, text
    return running.returncode, text


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A control plane of our own on which the demo is deployed; nothing is left of it."""
    found = tmp_path_factory.mktemp("demo") / "state"
    try:
        code, text = run(found, "deploy")
        assert code == 0, text
        yield found
    finally:
        code, text = run(found, "down")
        assert (code, found.exists()) == (0, False), text


@pytest.fixture(scope="module")
def kube(state):
    return Kubectl(tools.path("kubectl"), state / "kubeconfig/control-plane")


def shape(kube):
    """Replicas of both deployments, and the service's weights."""
    old, new = (kube.one("md", name)["spec"]["replicas"] for name in ("qwen", "qwen-pd"))
    groups = kube.one("ms", "qwen")["spec"]["endpoints"]
    return old, new, tuple(g["weight"] for g in groups)


BEFORE, AFTER = (2, 1, (2, 0)), (0, 2, (0, 2))


@contextmanager
def clients(kube, count=3):
    """Users who ask on and on at the service's address; what they were answered."""
    url = kube.one("ms", "qwen")["status"]["address"].removesuffix("/default/qwen/v1")
    answers, over = [], threading.Event()

    def ask_on():
        while not over.is_set():
            try:
                answers.append(ask(url, PATH, body=BODY)[0])
            except OSError as e:
                answers.append(type(e).__name__)

    asking = [threading.Thread(target=ask_on) for _ in range(count)]
    for each in asking:
        each.start()
    try:
        yield answers
    finally:
        over.set()
        for each in asking:
            each.join()


def assert_none_is_lost(answers, pools):
    """But for one at most per pool that came or went, which is the gateway's."""
    lost = Counter(a for a in answers if a != 200)
    assert lost.total() <= pools, lost
    assert set(lost) <= {500}, lost


@contextmanager
def variant(state, folder, change):
    """The new deployment is another one as long as this lasts."""
    binary = str(tools.path("kubectl"))
    words = (binary, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(DEMO / "local"))
    found = [m for m in yaml.safe_load_all(subprocess.run(words, capture_output=True, check=True).stdout) if m]
    whole = copy.deepcopy(found)
    change(next(m for m in found if m["metadata"]["name"] == "qwen-pd"))
    assert found != whole
    (folder / "all.yaml").write_text(yaml.safe_dump_all(found))
    code, text = run(state, "deploy", MANIFESTS=str(folder))
    assert code == 0, text
    try:
        yield
    finally:
        run(state, "deploy")


def engine(deployment, number):
    return deployment["spec"]["engines"][number]["members"][0]["template"]["spec"]["containers"][0]


def test_one_that_is_slower_is_caught_before_anybody_is_sent_to_it(state, kube, tmp_path):
    """It disaggregates, answers everything, and takes three times as long for each token."""

    def slow(deployment):
        (speed,) = (e for e in engine(deployment, 1)["env"] if e["name"] == "LOCAL_ENGINE_SPEED")
        speed["value"] = json.dumps({**json.loads(speed["value"]), "step_ms": 60})

    with variant(state, tmp_path, slow):
        code, text = run(state, "promote")
        assert code == 1, text
        assert "NOT PROMOTED: mr/qwen-pd-0: " in text
        assert "inter-token latency p50 is " in text
        assert "weight 1 for" not in text
        assert shape(kube) == BEFORE


def test_one_that_silently_does_not_disaggregate_is_caught(state, kube, tmp_path):
    """Its author silenced the contract's rule; all is answered with 200, and decode computes everything."""

    def silent(deployment):
        deployment["metadata"]["annotations"] = {"modelplane.ai/contract-ignore": "connector-missing"}
        args = engine(deployment, 1)["args"]
        args[:] = [a for a in args if not a.startswith("--kv-transfer-config")]

    with variant(state, tmp_path, silent):
        code, text = run(state, "prove")
        assert (code, "KVTransferFailing" in text) == (1, True), text
        code, text = run(state, "promote")
        assert code == 1, text
        assert "NOT PROMOTED: qwen-pd-0 does not disaggregate: KVTransferFailing" in text
        assert shape(kube) == BEFORE


def test_it_goes_on_from_wherever_it_was_interrupted_and_loses_nothing(state, kube):
    with clients(kube) as answers:
        for when in ("gate before md/qwen-pd", "weight 1 for", "md/qwen-pd: 2 replicas"):
            code, text = interrupted(state, "promote", when)
            assert code == 130, text
            assert "run.sh --local --keep promote" in text
        code, text = run(state, "promote")
        assert code == 0, text
        assert shape(kube) == AFTER
        code, text = run(state, "promote", "prove")
        assert code == 0, text
        for when in ("md/qwen: 1 replica", "weight 1 for"):
            code, text = interrupted(state, "rollback", when)
            assert code == 130, text
        code, text = run(state, "promote")
        assert (code, "Rolling back first" in text) == (1, True), text
        assert shape(kube) == BEFORE
    assert_none_is_lost(answers, pools=6)
    assert len(answers) > 300


def test_a_rollback_from_the_middle_ends_where_it_began(state, kube):
    with clients(kube) as answers:
        interrupted(state, "promote", "md/qwen-pd: 2 replicas")
        code, text = run(state, "rollback", "rollback")
        assert code == 0, text
        assert "nothing to roll back" in text
        assert shape(kube) == BEFORE
    assert_none_is_lost(answers, pools=2)


@pytest.mark.parametrize("_time", ["once", "again"])
def test_the_whole_walk_from_nothing_leaves_nothing(tmp_path, _time):
    found = tmp_path / "state"
    verbs = ("deploy", "prove", "bench", "promote", "rollback", "down")
    code, text = run(found, *verbs, **SHORT)
    assert code == 0, text
    assert [f"== {verb}\n" in text for verb in verbs] == [True] * len(verbs)
    assert text.count("requests were sent through the service meanwhile") == 2
    assert not found.exists()
