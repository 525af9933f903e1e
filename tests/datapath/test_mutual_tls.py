"""A cluster's gateway lets nobody in but the control plane's, by the certificate that it shows; on the real gateways."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from contextlib import contextmanager

import breaking
import pytest
import served
import yaml
from certificates import Authority
from compose_serving_stack import gateway
from cryptography import x509
from envoys import envoy_says
from kit.names import GATEWAY_CERTIFICATE
from load import load
from schemas.servingstack import Gateway
from services import GATEWAY, applied, ready, service, status_of

pytestmark = [pytest.mark.datapath, pytest.mark.long]
PATH = "/default/qwen/v1/chat/completions"
HTTP = {"name": "http", "port": 80}
SYSTEM = ("-n", "modelplane-system")
CLIENTS, SERVERS, OTHERS = Authority("clients"), Authority("servers"), Authority("others")
# By TLS 1.3 a server says only after the handshake that it lets nobody in.
REFUSED = re.compile(r"alert|reset|EOF|closed")
CLIENT, SERVER = CLIENTS.sign("control-plane"), SERVERS.sign(GATEWAY_CERTIFICATE)


def pair(name, signed):
    """The Secret of a certificate and its key."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "modelplane-system"},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": signed.certificate, "tls.key": signed.key},
    }


def front(authority=""):
    """What a ServingStack puts on its cluster that asks callers for certificates, or lets everybody in both ways."""
    https = {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"secretRef": {"name": "gateway"}}}
    asked = {"listeners": [https], "clientAuthority": authority} if authority else {"listeners": [HTTP, https]}
    return list(gateway.manifests(Gateway.model_validate(asked)).values())


def published(authority):
    spec = {"clusters": {"authority": authority, "clientCertificate": {"secretRef": {"name": "clusters"}}}}
    return {
        "apiVersion": "modelplane.ai/v1alpha1",
        "kind": "InferenceGateway",
        "metadata": {"name": "public"},
        "spec": spec,
    }


def put(kubectl, *manifests):
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """A control plane and a cluster with a model at one address; their gateways speak plain HTTP to one another."""
    fleet = f"{(breaking.EXAMPLE / 'fleet.yaml').read_text()}---\n{GATEWAY}"
    with served.up(tmp_path_factory.mktemp("mutual") / "state", "gateways", fleet) as plane:
        model = yaml.safe_load(breaking.deployment())
        with applied(plane, model, service("qwen", ({"modelplane.ai/deployment": "qwen"}, 1))):
            plane.wait("the service is Ready", lambda: ready(plane, "ms", "qwen"))
            yield plane


@pytest.fixture(scope="module")
def kube(plane):
    return plane.cluster("geneva")


@pytest.fixture(scope="module")
def url(plane):
    return plane.kubectl.one("ig", "public")["status"]["url"]


@pytest.fixture(scope="module")
def closed(plane, kube, url):
    """What requests were answered while the cluster's gateway was closed to all but the control plane's."""
    plane.wait("it answers", lambda: answer(url) == 200, patience=40)
    with load(lambda: answer(url)) as found:
        put(plane.kubectl, pair("clusters", CLIENT), published(SERVERS.certificate))
        put(kube, pair("gateway", SERVER), *front())
        plane.wait("it is called by HTTPS", lambda: leads_by_https(plane))
        put(kube, *front(CLIENTS.certificate))
        plane.wait("nobody else is let in", lambda: is_closed(kube), patience=60)
    return found


def leads_by_https(plane):
    """The service's route leads to what is called by HTTPS, and its gateway has said so."""
    route = plane.kubectl.one("httproute", "-l", "crossplane.io/composite=qwen")
    said = [c for p in route["status"]["parents"] for c in p["conditions"]]
    is_told = all(c["observedGeneration"] == route["metadata"]["generation"] for c in said)
    return is_told and all("-tls-" in b["name"] for rule in route["spec"]["rules"] for b in rule.get("backendRefs", []))


def is_closed(kube):
    """Neither plain HTTP nor HTTPS without a certificate lead anywhere."""
    try:
        socket.create_connection((address(kube), 80), 5).close()
        return False
    except OSError:
        return is_refused(kube, None, SERVERS, None)


def answer(url):
    body = {"model": "qwen", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
    return status_of(url, PATH, body=body)


@contextmanager
def let_in(kube, signed=None, folder=None, authority=SERVERS):
    """A connection to a cluster's gateway of whoever shows this certificate; an error where it lets nobody in."""
    context = ssl.create_default_context(cadata=authority.certificate)
    if signed:
        context.load_cert_chain(signed.file(folder / "shown.pem"))
    with (
        socket.create_connection((address(kube), 443), 5) as plain,
        context.wrap_socket(plain, server_hostname=GATEWAY_CERTIFICATE) as link,
    ):
        yield link


def asked(kube, signed=None, folder=None, authority=SERVERS):
    """The status that a cluster's gateway answers whoever shows this certificate; an error where it lets nobody in."""
    with let_in(kube, signed, folder, authority) as link:
        return status_over(kube, link)


def status_over(kube, link):
    """What is answered over a connection, which stays open."""
    host = kube.get("httproute", "-n", "mp-default")[0]["spec"]["hostnames"][0]
    link.sendall(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    response = http.client.HTTPResponse(link)
    response.begin()
    response.read()
    return response.status


def address(kube):
    return kube.one("gateway", "inference-gateway", *SYSTEM)["status"]["addresses"][0]["value"]


def test_a_cluster_is_closed_to_all_but_the_control_plane_without_a_lost_request(closed):
    """First both ways are open, then the route leads by HTTPS, then the other way is taken away."""
    assert set(closed) == {200}, closed


@pytest.mark.usefixtures("closed")
def test_it_is_proven_through_the_gateway_that_asks_for_a_certificate(plane):
    replicas = ("mr", "-l", "modelplane.ai/deployment=qwen")
    plane.kubectl("wait", "--for=condition=Disaggregating", *replicas, "--timeout=60s")
    code, output = served.told(plane, "md/qwen")
    assert code == 0, output


@pytest.mark.usefixtures("closed")
def test_nobody_reaches_a_replica_past_the_control_plane(kube, tmp_path):
    """Neither without a certificate, nor with somebody else's, nor by plain HTTP."""
    assert asked(kube, CLIENT, tmp_path) == 200
    for shown in (None, OTHERS.sign("control-plane")):
        with pytest.raises(OSError, match=REFUSED):
            asked(kube, shown, tmp_path)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address(kube), 80), 5)


@pytest.mark.usefixtures("closed")
def test_who_was_let_in_stays_until_the_clusters_envoy_begins_anew(plane, kube, tmp_path):
    """Whom nobody trusts any more opens no new connection, and one of before is not looked at again."""
    with let_in(kube, CLIENT, tmp_path) as kept:
        assert status_over(kube, kept) == 200
        put(kube, *front(OTHERS.certificate))
        plane.wait("no other is let in", lambda: is_refused(kube, CLIENT, SERVERS, tmp_path))
        assert status_over(kube, kept) == 200
        own = "gateway.envoyproxy.io/owning-gateway-name=inference-gateway"
        kube("rollout", "restart", "deployment", "-n", "envoy-gateway-system", "-l", own)
        plane.wait("it ends", lambda: has_ended(kube, kept), patience=120)
    put(kube, *front(CLIENTS.certificate))
    plane.wait("it is trusted again", lambda: holds(kube, "inference-gateway", CLIENTS.certificate))
    assert asked(kube, CLIENT, tmp_path) == 200


def has_ended(kube, link):
    try:
        status_over(kube, link)
    except OSError:
        return True
    return False


@pytest.mark.usefixtures("closed")
def test_certificates_are_rotated_without_a_lost_request(plane, kube, url, tmp_path):
    """Each side first trusts the new authority too, then shows the new certificate, then trusts the new one alone."""
    clients, servers = Authority("clients-2"), Authority("servers-2")
    client, server = clients.sign("control-plane-2"), servers.sign(GATEWAY_CERTIFICATE)
    with load(lambda: answer(url)) as found:
        put(kube, *front(clients.certificate + CLIENTS.certificate))
        put(plane.kubectl, published(servers.certificate + SERVERS.certificate))
        plane.wait("the cluster trusts both", lambda: holds(kube, "inference-gateway", clients.certificate))
        plane.wait("so does the control plane", lambda: holds(plane.kubectl, "gateway-public", servers.certificate))
        put(plane.kubectl, pair("clusters", client))
        put(kube, pair("gateway", server))
        plane.wait("the new one is shown", lambda: holds(plane.kubectl, "gateway-public", client.certificate))
        plane.wait("and the cluster's", lambda: holds(kube, "inference-gateway", server.certificate))
        put(plane.kubectl, published(servers.certificate))
        put(kube, *front(clients.certificate))
        plane.wait("the old one is not let in", lambda: is_refused(kube, CLIENT, servers, tmp_path))
    assert set(found) == {200}, found
    # One request a connection: this one has shown the new certificate.
    assert answer(url) == 200


@pytest.mark.usefixtures("closed")
def test_a_control_plane_whose_certificate_is_not_trusted_is_not_let_in(plane, kube, url):
    put(kube, *front(OTHERS.certificate))
    plane.wait("the cluster trusts others", lambda: holds(kube, "inference-gateway", OTHERS.certificate))
    plane.wait("it is refused", lambda: answer(url) == 503, patience=60)


def is_refused(kube, signed, authority, folder):
    """Whether whoever shows this certificate is told to go, and not only met by a gateway that is about to change."""
    try:
        asked(kube, signed, folder, authority)
    except OSError as e:
        return bool(REFUSED.search(str(e)))
    return False


def holds(kubectl, gateway, certificate):
    """Whether the Envoy of a Gateway has a certificate as its own, or as the first of those that it trusts."""
    told = envoy_says(kubectl, gateway, "certs")
    known = {c["serial_number"] for each in json.loads(told)["certificates"] for kind in each.values() for c in kind}
    return f"{x509.load_pem_x509_certificate(certificate.encode()).serial_number:x}" in {k.lstrip("0") for k in known}
