"""One address for a model: what the control plane's real Envoy Gateway makes of composed services."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest
import served
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from providers import provider

pytestmark = pytest.mark.datapath
GATEWAY = "apiVersion: modelplane.ai/v1alpha1\nkind: InferenceGateway\nmetadata: {name: public}\nspec: {}\n"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """A control plane of our own with a real gateway; gone when these tests are."""
    with served.up(tmp_path_factory.mktemp("services") / "state", "gateways", GATEWAY, clusters=0) as plane:
        yield plane


@pytest.fixture(scope="module")
def url(plane):
    """Where services are published."""
    plane.wait("the gateway has an address", lambda: gateway(plane).get("url") and ready(plane, "ig", "public"))
    return gateway(plane)["url"]


@pytest.fixture(scope="module")
def here(url):
    """This machine's address, as the gateway's Envoy reaches it."""
    return f"{url.removeprefix('http://').rpartition('.')[0]}.1"


def gateway(plane):
    return plane.kubectl.one("ig", "public").get("status", {})


def ready(plane, kind, name):
    return plane.condition(kind, name, "RoutingReady").get("status") == "True"


def endpoint(name, url, labels, **spec):
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelEndpoint",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {"url": url, **spec},
    }


def service(name, *groups):
    endpoints = [{"selector": {"matchLabels": labels}, "weight": weight} for labels, weight in groups]
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "ModelService",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"endpoints": endpoints},
    }


@contextmanager
def applied(plane, *manifests):
    """On the control plane, and gone in the end."""
    text = yaml.safe_dump_all(manifests)
    plane.kubectl("apply", "-f", "-", stdin=text)
    try:
        yield
    finally:
        plane.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


def ask(url, path, method="POST", body=None, **headers):
    """Status, headers and body of one request."""
    link = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        content = json.dumps(body or BODY) if method == "POST" else None
        link.request(method, path, content, {"Content-Type": "application/json", **headers})
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        link.close()


def answers(plane, url, name, status=200):
    """Wait until a service is Ready and what it says is so at the gateway, too."""
    path = f"/default/{name}/v1/chat/completions"
    plane.wait(f"{name} answers {status}", lambda: ask(url, path)[0] == status, patience=40)
    return path


def who(url, path, times):
    """Which provider answered how often."""
    found = Counter()
    for _ in range(times):
        status, _, text = ask(url, path)
        found[json.loads(text)["provider"] if status == 200 else status] += 1
    return found


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
            with load(url, path) as found:
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


@contextmanager
def load(url, path, threads=4):
    """Requests without a pause until the end; how often each status came."""
    found, over = Counter(), threading.Event()

    def run():
        while not over.is_set():
            try:
                found[ask(url, path)[0]] += 1
            except OSError as e:
                found[type(e).__name__] += 1

    running = [threading.Thread(target=run) for _ in range(threads)]
    for each in running:
        each.start()
    try:
        yield found
    finally:
        over.set()
        for each in running:
            each.join()


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


def certificate(folder, name):
    """A certificate that is its own authority, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{name}.pem"
    file.write_bytes(pem + key.private_bytes(*plain))
    return file, pem.decode()


def secret(name, **data):
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "stringData": {key.replace("_", "."): value for key, value in data.items()},
    }


def test_an_external_api_is_called_with_its_name_its_credential_and_its_path(plane, url, here, tmp_path):
    """A caller's own credential does not reach it, and its own stands in no object but Secrets."""
    labels = {"app": "external"}
    file, authority = certificate(tmp_path, "models.example.com")
    with provider("external", here, certificate=file) as one:
        found = endpoint(
            "external-0",
            f"https://{here}:{one.port}/openai/v1",
            labels,
            hostname="models.example.com",
            auth={"secretRef": {"name": "key"}},
            tls={"hostname": "models.example.com", "caSecretRef": {"name": "ca"}},
        )
        secrets = secret("key", apiKey="not-a-real-key"), secret("ca", ca_crt=authority)
        with applied(plane, *secrets, found, service("external", (labels, 1))):
            path = answers(plane, url, "external")
            one.asked.clear()
            assert ask(url, path, Authorization="Bearer the-callers-own")[0] == 200
            (got,) = one.asked
            assert got["path"] == "/openai/v1/chat/completions"
            assert got["headers"]["host"] == "models.example.com"
            assert got["headers"]["authorization"] == "Bearer not-a-real-key"
            everything = "me,ms,httproutes,backends,httproutefilters,events"
            assert "not-a-real-key" not in plane.kubectl("get", everything, "-A", "-o", "yaml")


def test_a_certificate_of_another_name_or_authority_is_refused(plane, url, here, tmp_path):
    labels = {"app": "impostor"}
    file, _ = certificate(tmp_path, "models.example.com")
    _, other = certificate(tmp_path, "other.example.com")
    with provider("impostor", here, certificate=file) as one:
        tls = {"hostname": "models.example.com", "caSecretRef": {"name": "other-ca"}}
        found = endpoint("impostor-0", f"https://{here}:{one.port}", labels, tls=tls)
        with applied(plane, secret("other-ca", ca_crt=other), found, service("impostor", (labels, 1))):
            answers(plane, url, "impostor", status=503)
            plane.wait("it is routed", lambda: ready(plane, "ms", "impostor"), patience=20)
            assert ask(url, "/default/impostor/v1/chat/completions")[0] == 503
            assert one.asked == []


def test_callers_show_a_key_once_they_are_asked(plane, url, here):
    """OpenAI clients send it as bearer token; it is not passed on."""
    labels = {"app": "callers"}
    keys = secret("callers", alice="key-of-alice")
    keys["metadata"]["namespace"] = "modelplane-system"
    asked = {**yaml.safe_load(GATEWAY), "spec": {"callers": {"apiKeys": {"secretRefs": [{"name": "callers"}]}}}}
    with provider("callers", here) as one:
        found = endpoint("callers-0", f"http://{here}:{one.port}", labels)
        with applied(plane, keys, found, service("callers", (labels, 1))):
            path = answers(plane, url, "callers")
            try:
                plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(asked))
                said = lambda: plane.condition("ig", "public", "CallersAuthenticated")["status"] == "True"  # noqa: E731
                plane.wait("it says so", said, patience=30)
                plane.wait("strangers are refused", lambda: ask(url, path)[0] == 401, patience=20)
                one.asked.clear()
                assert ask(url, path, Authorization="Bearer key-of-alice")[0] == 200
                assert ask(url, path, Authorization="Bearer key-of-bob")[0] == 401
                (got,) = one.asked
                assert "authorization" not in got["headers"]
            finally:
                plane.kubectl("apply", "-f", "-", stdin=GATEWAY)
            plane.wait("everybody may call again", lambda: ask(url, path)[0] == 200, patience=30)


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
