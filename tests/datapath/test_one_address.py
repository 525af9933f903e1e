"""One address for a model: what the control plane's real Envoy Gateway makes of composed services."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import ExitStack

import pytest
import yaml
from load import load
from providers import provider
from services import answers, applied, ask, endpoint, ready, service, status_of, who

pytestmark = pytest.mark.datapath


@pytest.fixture(scope="module")
def plane(front):
    return front


def test_the_gateway_says_where_it_is_and_that_everybody_may_call(plane, url):
    assert url.startswith("http://10.")
    said = plane.condition("ig", "public", "CallersAuthenticated")
    assert (said["status"], said["reason"]) == ("False", "NotRequested")


def test_replicas_behind_one_address_have_their_own_host_and_an_even_share(plane, url, here):
    """The same address and port three times: each is asked for by its own name, each as often as the others."""
    labels = {"app": "even"}
    with provider("one", here) as one:
        each = [
            endpoint(f"even-{n}", f"http://{here}:{one.port}", labels, hostname=f"even-{n}.default.modelplane.internal")
            for n in range(3)
        ]
        with applied(plane, *each, service("even", (labels, 1))):
            path = answers(plane, url, "even")
            plane.wait("it says so", lambda: ready(plane, "ms", "even"), patience=20)
            one.asked.clear()
            for _ in range(90):
                assert ask(url, path)[0] == 200
            hosts = Counter(a["headers"]["host"] for a in one.asked)
            assert set(hosts) == {f"even-{n}.default.modelplane.internal" for n in range(3)}
            assert min(hosts.values()) >= 15, hosts
            assert {a["path"] for a in one.asked} == {"/v1/chat/completions"}
            assert not any("x-forwarded-host" in a["headers"] for a in one.asked)
            found = plane.kubectl.one("ms", "even")["status"]
            assert found["address"] == f"{url}/default/even/v1"
            assert found["endpoints"]["summary"] == "3/3"
            assert "3/3" in plane.kubectl("get", "ms", "even")


def test_a_canary_gets_its_weight_and_a_roll_back_takes_it_away(plane, url, here):
    stable, canary = {"track": "stable"}, {"track": "canary"}
    with provider("stable", here) as old, provider("canary", here) as new:
        each = [
            endpoint("stable-0", f"http://{here}:{old.port}", stable),
            endpoint("stable-1", f"http://{here}:{old.port}", stable),
            endpoint("canary-0", f"http://{here}:{new.port}", canary),
        ]
        with applied(plane, *each, service("canary", (stable, 90), (canary, 10))):
            path = answers(plane, url, "canary")
            plane.wait("both answer", lambda: set(who(url, path, 60)) == {"stable", "canary"}, patience=30)
            found = who(url, path, 400)
            assert 15 <= found["canary"] <= 70, found
            plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(service("canary", (stable, 90), (canary, 0))))
            plane.wait("the canary gets nothing", lambda: set(who(url, path, 60)) == {"stable"}, patience=30)


def test_an_endpoint_that_is_withdrawn_under_load_costs_no_request(plane, url, here):
    labels = {"app": "rolling"}
    with provider("a", here) as one, provider("b", here) as two:
        first = endpoint("rolling-0", f"http://{here}:{one.port}", labels)
        second = endpoint("rolling-1", f"http://{here}:{two.port}", labels)
        with applied(plane, first, second, service("rolling", (labels, 1))):
            path = answers(plane, url, "rolling")
            plane.wait("both answer", lambda: len(who(url, path, 20)) == 2, patience=30)
            with load(lambda: status_of(url, path)) as found:
                for _ in range(3):
                    plane.kubectl("delete", "me", "rolling-1")
                    plane.wait("one is called", lambda: not recently(two), patience=20)
                    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(second))
                    plane.wait("both are called", lambda: recently(two), patience=40)
            assert set(found) == {200}, found


def recently(provider):
    """Whether a provider is asked within a second."""
    provider.asked.clear()
    time.sleep(1)
    return bool(provider.asked)


def test_one_that_fails_is_left_out_within_seconds(plane, url, here):
    """Its address refuses connections, and nobody has told the control plane: the others answer all requests."""
    labels = {"app": "failing"}
    with ExitStack() as stack:
        alive = stack.enter_context(provider("alive", here))
        dead = provider("dead", here)
        gone = dead.__enter__()
        each = [
            endpoint("failing-0", f"http://{here}:{alive.port}", labels),
            endpoint("failing-1", f"http://{here}:{gone.port}", labels),
        ]
        with applied(plane, *each, service("failing", (labels, 1))):
            path = answers(plane, url, "failing")
            plane.wait("both answer", lambda: len(who(url, path, 20)) == 2, patience=30)
            dead.__exit__(None, None, None)
            assert set(who(url, path, 200)) == {"alive"}


def test_with_none_ready_it_answers_503_and_says_why(plane, url):
    with applied(plane, service("empty", ({"app": "nobody"}, 1))):
        path = answers(plane, url, "empty", status=503)
        status, headers, text = ask(url, path)
        assert (status, headers["content-type"]) == (503, "application/json")
        assert json.loads(text)["error"]["code"] == "no_ready_endpoint"
        said = plane.condition("ms", "empty", "RoutingReady")
        assert said["message"] == "No ModelEndpoint in namespace default has app=nobody."


def test_only_the_api_is_public_and_models_are_told(plane, url, here):
    labels = {"app": "api"}
    with provider("api", here) as one:
        found = endpoint("api-0", f"http://{here}:{one.port}", labels, models=["qwen", "100%"])
        with applied(plane, found, service("api", (labels, 1))):
            answers(plane, url, "api")
            one.asked.clear()
            status, _, text = ask(url, "/default/api/v1/models", "GET")
            assert (status, [m["id"] for m in json.loads(text)["data"]]) == (200, ["100%", "qwen"])
            for path in (
                "/metrics",
                "/health",
                "/v1/../metrics",
                "/v1/load_lora_adapter",
                "/v1x",
                "",
                "/v1/%2e%2e/metrics",
            ):
                assert ask(url, f"/default/api{path}")[0] in (404, 307), path
            assert [a["path"] for a in one.asked] == []


def test_routing_headers_of_a_client_reach_nobody(plane, url, here):
    labels = {"app": "headers"}
    with provider("headers", here) as one:
        found = endpoint("headers-0", f"http://{here}:{one.port}", labels)
        with applied(plane, found, service("headers", (labels, 1))):
            path = answers(plane, url, "headers")
            one.asked.clear()
            sent = {
                "x-prefiller-host-port": "10.0.0.1:1",
                "x-gateway-destination-endpoint": "10.0.0.1:1",
                "x-mine": "1",
            }
            assert ask(url, path, **sent)[0] == 200
            (got,) = one.asked
            assert got["headers"]["x-mine"] == "1"
            assert not set(got["headers"]) & {"x-prefiller-host-port", "x-gateway-destination-endpoint"}


def test_sixteen_endpoints_at_once_open_no_circuit(plane, url, here):
    """What a service composes is few objects, whatever it selects; the next endpoint is not added, and it says why."""
    labels = {"app": "many"}
    with provider("many", here) as one:
        each = [
            endpoint(f"many-{n}", f"http://{here}:{one.port}", labels, hostname=f"many-{n}.default.modelplane.internal")
            for n in range(17)
        ]
        with applied(plane, *each[:16], service("many", (labels, 1))):
            path = answers(plane, url, "many")
            plane.wait("it says so", lambda: ready(plane, "ms", "many"), patience=30)
            plane.wait("all are called", lambda: len(hosts(one, url, path)) == 16, patience=30)
            assert plane.open_circuits() == set()
            with applied(plane, each[16]):
                said = lambda: plane.condition("ms", "many", "RoutingReady")["reason"]  # noqa: E731
                plane.wait("it says why", lambda: said() == "TooManyEndpoints", patience=20)
                assert "many-16.default.modelplane.internal" not in hosts(one, url, path)


def hosts(provider, url, path):
    """The Hosts that a hundred requests are sent with."""
    provider.asked.clear()
    for _ in range(100):
        assert ask(url, path)[0] == 200
    return {a["headers"]["host"] for a in provider.asked}
