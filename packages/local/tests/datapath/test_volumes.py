"""What a pod finds in its volumes, first and later."""

from __future__ import annotations

import base64

import pytest
from local.datapath import volumes
from local.datapath.environment import UnresolvedError
from local.datapath.volumes import Folders

HELD: dict = {}


def source(kind, name):
    return HELD.get((kind, name))


def pod(*wanted):
    return {"metadata": {"name": "p", "namespace": "n", "labels": {"a": "b"}}, "spec": {"volumes": list(wanted)}}


def secret(text):
    return {"data": {"tls.crt": base64.b64encode(text.encode()).decode()}}


@pytest.fixture
def folders(tmp_path):
    HELD.clear()
    return Folders(tmp_path / "pod", tmp_path / "claims")


@pytest.fixture
def mounted(monkeypatch):
    """What would be mounted, and how large."""
    found = {}
    monkeypatch.setattr(volumes, "_mount", lambda place, size: found.update({place: size}))
    return found


def test_a_secret_that_changes_is_seen_by_pods_that_run(folders):
    """A controller that makes its own certificate waits for it."""
    HELD["Secret", "certificate"] = {"data": {}}
    mine = pod({"name": "certs", "secret": {"secretName": "certificate"}})
    place = volumes.make(mine, folders, source, str)["certs"]
    assert list(place.iterdir()) == []
    HELD["Secret", "certificate"] = secret("new")
    volumes.refresh(mine, folders.pod, source)
    assert (place / "tls.crt").read_text() == "new"


def test_what_did_not_change_is_not_written_again(folders):
    HELD["Secret", "certificate"] = secret("same")
    mine = pod({"name": "certs", "secret": {"secretName": "certificate"}})
    place = volumes.make(mine, folders, source, str)["certs"] / "tls.crt"
    before = place.stat().st_ino
    volumes.refresh(mine, folders.pod, source)
    assert place.stat().st_ino == before


def test_a_token_stays_when_what_is_beside_it_changes(folders):
    HELD["ConfigMap", "ca"] = {"data": {"ca.crt": "old"}}
    sources = [{"serviceAccountToken": {"path": "token", "audience": "a"}}, {"configMap": {"name": "ca"}}]
    mine = pod({"name": "api", "projected": {"sources": sources}})
    place = volumes.make(mine, folders, source, lambda audience: f"token for {audience}")["api"]
    HELD["ConfigMap", "ca"] = {"data": {"ca.crt": "new"}}
    volumes.refresh(mine, folders.pod, source)
    assert {f.name: f.read_text() for f in place.iterdir()} == {"token": "token for a", "ca.crt": "new"}


def test_every_pod_of_a_claim_has_the_same_volume_of_its_size(folders, mounted):
    requests = {"resources": {"requests": {"storage": "1Gi"}}}
    HELD["PersistentVolumeClaim", "w"] = {"metadata": {"uid": "u"}, "spec": requests, "status": {"phase": "Bound"}}
    mine = pod({"name": "weights", "persistentVolumeClaim": {"claimName": "w"}})
    other = Folders(folders.pod.with_name("other"), folders.claims)
    (place,) = {volumes.make(mine, each, source, str)["weights"] for each in (folders, other)}
    assert mounted == {place: "1Gi"}
    assert folders.pod not in place.parents


@pytest.mark.parametrize(("claim", "told"), [(None, "not found"), ({"status": {"phase": "Pending"}}, "is not bound")])
def test_a_pod_waits_for_its_claim(folders, mounted, claim, told):
    HELD["PersistentVolumeClaim", "w"] = claim
    with pytest.raises(UnresolvedError, match=told):
        volumes.make(pod({"name": "weights", "persistentVolumeClaim": {"claimName": "w"}}), folders, source, str)
    assert mounted == {}
