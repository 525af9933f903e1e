"""Certificates, credentials and tokens at the control plane's real Envoy Gateway: who calls, and who is called."""

from __future__ import annotations

import base64
import json
import time
from contextlib import contextmanager

import pytest
import yaml
from certificates import its_own
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from providers import provider
from services import GATEWAY, answers, applied, ask, endpoint, ready, service

pytestmark = pytest.mark.datapath


@pytest.fixture(scope="module")
def plane(front):
    return front


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
    file, authority = its_own(tmp_path, "models.example.com")
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
    file, _ = its_own(tmp_path, "models.example.com")
    _, other = its_own(tmp_path, "other.example.com")
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
    with provider("callers", here) as one:
        found = endpoint("callers-0", f"http://{here}:{one.port}", labels)
        with applied(plane, keys, found, service("callers", (labels, 1))):
            path = answers(plane, url, "callers")
            with asked(plane, {"apiKeys": {"secretRefs": [{"name": "callers"}]}}):
                plane.wait("strangers are refused", lambda: ask(url, path)[0] == 401, patience=20)
                one.asked.clear()
                assert ask(url, path, Authorization="Bearer key-of-alice")[0] == 200
                assert ask(url, path, Authorization="Bearer key-of-bob")[0] == 401
                (got,) = one.asked
                assert "authorization" not in got["headers"]
            plane.wait("everybody may call again", lambda: ask(url, path)[0] == 200, patience=30)


ISSUER = "https://login.example.com"


def token(key, **claims):
    """A signed token for this audience, an hour long, unless `claims` say otherwise."""
    now = int(time.time())
    said = {"iss": ISSUER, "aud": "models", "sub": "alice", "iat": now, "exp": now + 3600, **claims}
    signed = f"{encoded(json.dumps({'alg': 'ES256', 'kid': 'key'}).encode())}.{encoded(json.dumps(said).encode())}"
    parts = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{encoded(b''.join(part.to_bytes(32, 'big') for part in parts))}"


def encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def key_set(key):
    """What an issuer publishes of its key."""
    numbers = key.public_key().public_numbers()
    x, y = (encoded(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"keys": [{"kty": "EC", "crv": "P-256", "kid": "key", "alg": "ES256", "use": "sig", "x": x, "y": y}]}


def name_of(address, name):
    """A name in namespace default for an address of this machine."""
    labels = {"kubernetes.io/service-name": name}
    ports = [{"name": "https", "port": 443, "protocol": "TCP"}]
    spec = {"clusterIP": "None", "ports": ports}
    listed = {"addressType": "IPv4", "endpoints": [{"addresses": [address]}], "ports": ports}
    return (
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": labels},
            **listed,
        },
    )


def test_callers_show_a_token_of_their_issuer(plane, url, here, tmp_path):
    """Of whom the authority is known; another's token, an old one, and one for somebody else are refused, none is passed on."""
    labels, own, other = (
        {"app": "tokens"},
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    host = "login.default.svc.cluster.local"
    file, authority = its_own(tmp_path, host)
    trusted = secret("login", ca_crt=authority)
    trusted["metadata"]["namespace"] = "modelplane-system"
    with provider("tokens", here) as one, provider("login", here, certificate=file) as login:
        login.answer = key_set(own)
        jwt = {
            "issuer": ISSUER,
            "audiences": ["models"],
            "jwksURI": f"https://{host}:{login.port}/keys",
            "caSecretRef": {"name": "login"},
        }
        found = endpoint("tokens-0", f"http://{here}:{one.port}", labels)
        with applied(plane, trusted, *name_of(here, "login"), found, service("tokens", (labels, 1))):
            path = answers(plane, url, "tokens")
            with asked(plane, {"jwt": jwt}):
                plane.wait("strangers are refused", lambda: ask(url, path)[0] == 401, patience=20)
                plane.wait("a caller is known", lambda: shown(url, path, token(own)) == 200, patience=40)
                one.asked.clear()
                assert shown(url, path, token(own)) == 200
                (got,) = one.asked
                assert "authorization" not in got["headers"]
                assert shown(url, path, token(other)) == 401
                assert shown(url, path, token(own, exp=int(time.time()) - 120)) == 401
                assert shown(url, path, token(own, aud="somebody-else")) == 403
                assert ask(url, f"{path}?access_token={token(own)}")[0] == 401
            plane.wait("everybody may call again", lambda: ask(url, path)[0] == 200, patience=30)


def shown(url, path, token):
    """The status of a request that shows a token."""
    return ask(url, path, Authorization=f"Bearer {token}")[0]


@contextmanager
def asked(plane, callers):
    """The gateway asks callers who they are, and says so; in the end it does not."""
    wanted = {**yaml.safe_load(GATEWAY), "spec": {"callers": callers}}
    try:
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(wanted))
        said = lambda: plane.condition("ig", "public", "CallersAuthenticated")["status"] == "True"  # noqa: E731
        plane.wait("it says so", said, patience=30)
        yield
    finally:
        plane.kubectl("apply", "-f", "-", stdin=GATEWAY)
