"""One address over replicas on two clusters, through the control plane's real gateway and each cluster's own."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from contextlib import closing

import pytest
import served
import yaml
from breaking import ROOT
from envoys import envoy_says
from load import CLIENTS, load
from services import GATEWAY, applied, ask, cut_off, ready, service

pytestmark = [pytest.mark.datapath, pytest.mark.long]
EXAMPLE = ROOT / "examples/11-one-address"
BODY = {"model": "qwen", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
PATH = "/default/qwen/v1/chat/completions"


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """A control plane and two workload clusters, all with real gateways, that serve the example's model."""
    fleet = f"{(EXAMPLE / 'fleet.yaml').read_text()}---\n{GATEWAY}"
    with served.up(tmp_path_factory.mktemp("two") / "state", "gateways", fleet, clusters=2) as plane:
        model = next(yaml.safe_load_all((EXAMPLE / "deployments.yaml").read_text()))
        (container,) = model["spec"]["engines"][0]["members"][0]["template"]["spec"]["containers"]
        # The simulated engine tells by a header which pod it is.
        container["env"] = [field("POD_NAME", "name"), field("POD_NAMESPACE", "namespace")]
        chosen = service("qwen", ({"modelplane.ai/deployment": "qwen"}, 1))
        with applied(plane, model, chosen):
            plane.wait("the service is Ready", lambda: ready(plane, "ms", "qwen"))
            plane.wait("both replicas serve", lambda: endpoints(plane) == "2/2", patience=60)
            yield plane


def endpoints(plane):
    return plane.kubectl.one("ms", "qwen")["status"]["endpoints"]["summary"]


def field(name, path):
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.{path}"}}}


@pytest.fixture(scope="module")
def clusters(plane):
    """The cluster of each replica."""
    return {e["metadata"]["name"]: e["metadata"]["labels"]["modelplane.ai/cluster"] for e in plane.kubectl.get("me")}


def test_replicas_on_both_clusters_answer_at_one_address(plane, url, clusters):
    assert set(clusters.values()) == {"east", "west"}
    found = plane.wait("both answer", lambda: len(found := who(url, 20)) == 2 and found, patience=40)
    assert set(found) == set(clusters), found
    shown = plane.kubectl("get", "ms", "qwen")
    assert "2/2" in shown
    assert f"{url}/default/qwen/v1" in shown
    status, _, text = ask(url, "/default/qwen/v1/models", "GET")
    assert (status, [m["id"] for m in json.loads(text)["data"]]) == (200, ["qwen"])


def test_losing_a_cluster_costs_no_more_than_what_is_under_way_there(plane, url, clusters):
    """It falls silent, and the control plane does not know yet; once it is back it serves again."""
    lost = next(name for name, cluster in clusters.items() if cluster == "west")
    with load(lambda: one(url)) as found:
        plane.wait("requests go to both", lambda: len(set(found) & set(clusters)) == 2, patience=30)
        under_way = CLIENTS
        with cut_off(plane, url, "west"):
            before = Counter(found)
            plane.wait("many more are answered", lambda: (Counter(found) - before).total() > 200, patience=60)
            after = Counter(found) - before
    failed = {what: times for what, times in after.items() if what not in clusters}
    assert sum(failed.values()) <= under_way, after
    assert after[lost] <= under_way, after
    plane.wait("it serves again", lambda: lost in who(url, 20), patience=60)


def test_a_request_to_a_cluster_that_is_silent_ends(plane, url, clusters):
    """After ten minutes without a byte; here after three seconds, which is sooner than TCP notices."""
    lost = next(name for name, cluster in clusters.items() if cluster == "west")
    policy = ("backendtrafficpolicy", "gateway-public", "-n", "modelplane-system")
    sooner = {"spec": {"timeout": {"http": {"streamIdleTimeout": "3s"}}}}
    plane.kubectl("annotate", "ig", "public", "crossplane.io/paused=true")
    try:
        plane.kubectl("patch", *policy, "--type=merge", "-p", json.dumps(sooner))
        told = lambda: '"idle_timeout": "3s"' in envoy_says(plane.kubectl, "gateway-public", "config_dump")  # noqa: E731
        plane.wait("Envoy is told", told, patience=30)
        link, answer = plane.wait("a stream of that cluster", lambda: stream(url, lost), patience=30)
        with (
            closing(link),
            closing(answer),
            cut_off(plane, url, "west"),
            pytest.raises((http.client.HTTPException, ConnectionError)),
        ):
            answer.read()
    finally:
        plane.kubectl("annotate", "ig", "public", "crossplane.io/paused-")
    plane.wait("it serves again", lambda: lost in who(url, 20), patience=60)


def stream(url, replica):
    """A long answer that a replica has begun; None where another one has."""
    link = http.client.HTTPConnection(url.removeprefix("http://"), timeout=15)
    body = {**BODY, "max_tokens": 8000, "stream": True, "ignore_eos": True}
    link.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json"})
    answer = link.getresponse()
    if answer.getheader("x-inference-pod", "").startswith(f"{replica}-main-"):
        return link, answer
    answer.close()
    link.close()
    return None


def test_a_cluster_that_is_drained_and_comes_back_costs_no_request(plane, url):
    """Its replica serves until another one does elsewhere; then it goes, what it has begun first."""
    with load(lambda: one(url)) as found:
        for drain in (True, False):
            plane.kubectl("patch", "ic", "west", "--type=merge", "-p", json.dumps({"spec": {"drain": drain}}))
            wanted = {"east"} if drain else {"east", "west"}
            if not drain:
                # What runs in the wrong place moves only when it is asked to.
                plane.kubectl("annotate", "md", "qwen", "modelplane.ai/reschedule=back")
            plane.wait(f"replicas serve on {wanted}", lambda wanted=wanted: places(plane) == wanted, patience=120)
    assert found.total() > 100, found
    assert all(str(what).startswith("qwen-") for what in found), found


def places(plane):
    """The clusters of the endpoints, once there are two."""
    found = [e["metadata"]["labels"]["modelplane.ai/cluster"] for e in plane.kubectl.get("me")]
    return set(found) if len(found) == 2 and endpoints(plane) == "2/2" else set()


def who(url, times):
    """Which replica answered how often."""
    return Counter(one(url) for _ in range(times))


def one(url):
    """The replica that answered, else the status or what went wrong."""
    try:
        status, headers, _ = ask(url, PATH, body=BODY)
    except OSError as e:
        return type(e).__name__
    pod = {key.lower(): value for key, value in headers.items()}.get("x-inference-pod", "")
    return pod.partition("-main-")[0] if status == 200 else status
