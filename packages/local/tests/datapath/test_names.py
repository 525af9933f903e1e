"""What the names of a cluster resolve to."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from dnslib import DNSRecord
from local.datapath import names, resolving
from local.datapath.names import Names, addresses
from local.errors import LocalError

SERVICES = [{"metadata": {"namespace": "mp-a", "name": n}} for n in ("picker", "gang", "empty")]
ENDPOINTS = {
    "picker": [
        {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
        {"addresses": ["10.0.0.1"]},
        {"addresses": ["10.0.0.3"], "conditions": {"ready": False}},
    ],
    "gang": [
        {"addresses": ["10.0.0.4"], "hostname": "gang-0", "conditions": {"ready": True}},
        {"addresses": ["10.0.0.5"], "hostname": "gang-0-1", "conditions": {"ready": True}},
    ],
}
SLICES = [
    {"metadata": {"namespace": "mp-a", "labels": {"kubernetes.io/service-name": n}}, "endpoints": e}
    for n, e in ENDPOINTS.items()
]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("picker.mp-a.svc.cluster.local.", ["10.0.0.1", "10.0.0.2"]),
        ("Picker.mp-a.svc.cluster.local", ["10.0.0.1", "10.0.0.2"]),
        ("gang-0.gang.mp-a.svc.cluster.local", ["10.0.0.4"]),
        ("gang.mp-a.svc.cluster.local", ["10.0.0.4", "10.0.0.5"]),
        ("empty.mp-a.svc.cluster.local", []),
        ("gang-7.gang.mp-a.svc.cluster.local", None),
        ("picker.mp-b.svc.cluster.local", None),
        ("picker.mp-a.svc", None),
        ("a.b.c.mp-a.svc.cluster.local", None),
        ("example.org", None),
    ],
)
def test_a_name_is_its_ready_pods(name, wanted):
    assert addresses(name, SERVICES, SLICES) == wanted


ENDS = {"addresses": ["10.0.0.6"], "conditions": {"ready": False, "serving": True, "terminating": True}}
BROKEN = {"addresses": ["10.0.0.7"], "conditions": {"ready": False, "serving": False, "terminating": True}}
READY = {"addresses": ["10.0.0.8"], "conditions": {"ready": True, "serving": True, "terminating": False}}


@pytest.mark.parametrize(
    ("endpoints", "cluster_ip", "wanted"),
    [
        ([ENDS, BROKEN], "10.96.0.1", ["10.0.0.6"]),
        ([ENDS, READY], "10.96.0.1", ["10.0.0.8"]),
        ([ENDS, BROKEN], "None", []),
    ],
)
def test_a_pod_that_ends_is_asked_while_there_is_no_other(endpoints, cluster_ip, wanted):
    """As kube-proxy leads a ClusterIP; the name of a headless Service has ready pods alone."""
    service = {"metadata": {"namespace": "mp-a", "name": "picker"}, "spec": {"clusterIP": cluster_ip}}
    found = [{**SLICES[0], "endpoints": endpoints}]
    assert addresses("picker.mp-a.svc.cluster.local", [service], found) == wanted


@pytest.mark.parametrize(
    ("name", "kind", "status", "answers"),
    [
        ("picker.mp-a.svc.cluster.local", "A", "NOERROR", ["10.0.0.1", "10.0.0.2"]),
        ("picker.mp-a.svc.cluster.local", "AAAA", "NOERROR", []),
        ("nothing.mp-a.svc.cluster.local", "A", "NXDOMAIN", []),
    ],
)
def test_a_question_is_answered_at_once(name, kind, status, answers):
    """A name without addresses of the asked kind is no unknown name: a resolver would give up looking."""
    known = Names(None, print)
    known._known = (SERVICES, SLICES)
    reply = known.resolve(DNSRecord.question(name, kind), None)
    from dnslib import RCODE

    assert (RCODE[reply.header.rcode], [str(r.rdata) for r in reply.rr]) == (status, answers)


def test_a_pod_of_a_gang_knows_itself_and_finds_short_names(tmp_path):
    pod = {"metadata": {"namespace": "mp-a", "name": "gang-0"}, "spec": {"hostname": "gang-0", "subdomain": "gang"}}
    files = resolving.files(pod, "10.0.0.4", "10.0.0.1", tmp_path)
    assert "10.0.0.4 gang-0.gang.mp-a.svc.cluster.local gang-0\n" in files["/etc/hosts"].read_text()
    told = files["/etc/resolv.conf"].read_text()
    assert "nameserver 10.0.0.1\nsearch mp-a.svc.cluster.local svc.cluster.local cluster.local\n" in told
    pod["spec"]["dnsPolicy"] = "Default"
    assert list(resolving.files(pod, "10.0.0.4", "10.0.0.1", tmp_path)) == ["/etc/hosts"]


def test_a_port_that_another_server_has_is_a_sentence(monkeypatch):
    """Such as a dnsmasq on every address."""

    def refused(*_args, **_options):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(names, "DNSServer", refused)
    monkeypatch.setattr(names.threading, "Thread", lambda **_: SimpleNamespace(start=lambda: None))
    known = Names(SimpleNamespace(find=lambda _: []), print)
    with pytest.raises(LocalError, match=r"Port 53 of 10\.0\.0\.1.*Address already in use: stop the DNS server"):
        known.serve("10.0.0.1")
