"""What a container is given, compared with what a kubelet would give it."""

from __future__ import annotations

import base64

import pytest
from local.datapath import environment
from local.datapath.environment import UnresolvedError

POD = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"a/b": "c"}},
    "spec": {"nodeName": "node-1", "serviceAccountName": "me"},
    "status": {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "hostIP": "10.0.0.2"},
}
HELD = {
    ("ConfigMap", "c"): {"data": {"k": "from config"}},
    ("Secret", "s"): {"data": {"k": base64.b64encode(b"from secret").decode()}},
}


def source(kind, name):
    return HELD.get((kind, name))


def resolved(*env, **container):
    return environment.resolve({"env": list(env), **container}, POD, source)


def field(path):
    return {"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "n"),
        ("metadata.labels['a/b']", "c"),
        ("metadata.labels['none']", ""),
        ("spec.nodeName", "node-1"),
        ("status.podIP", "10.0.0.1"),
        ("status.podIPs", "10.0.0.1"),
        ("status.hostIP", "10.0.0.2"),
    ],
)
def test_a_field_of_the_pod(path, value):
    assert {"V": value} == resolved(field(path))


def test_later_entries_see_earlier_ones_and_only_those():
    found = resolved(
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)$(C)"},
        {"name": "C", "value": "$$(A)"},
    )
    assert found == {"A": "1", "B": "1$(C)", "C": "$(A)"}


def test_what_comes_from_a_secret_is_not_expanded():
    HELD["Secret", "dollar"] = {"data": {"k": base64.b64encode(b"$(A)").decode()}}
    entry = {"name": "B", "valueFrom": {"secretKeyRef": {"name": "dollar", "key": "k"}}}
    assert resolved({"name": "A", "value": "1"}, entry)["B"] == "$(A)"


def test_config_maps_and_secrets_by_key_and_whole():
    by_key = {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    whole = {"secretRef": {"name": "s"}, "prefix": "S_"}
    assert resolved(by_key, envFrom=[whole]) == {"S_k": "from secret", "B": "from config"}


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"configMapKeyRef": {"name": "c", "key": "none"}}, "couldn't find key none in ConfigMap c"),
    ],
)
def test_what_is_missing_is_said_unless_it_is_optional(reference, sentence):
    with pytest.raises(UnresolvedError, match=sentence):
        resolved({"name": "V", "valueFrom": reference})
    optional = {kind: {**r, "optional": True} for kind, r in reference.items()}
    assert resolved({"name": "V", "valueFrom": optional}) == {}


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [("limits.memory", "1Mi", "512"), ("limits.cpu", "1", "1"), ("limits.cpu", "1m", "500")],
)
def test_a_resource_is_rounded_up(resource, divisor, value):
    entry = {"name": "V", "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}}}
    assert {"V": value} == resolved(entry, resources={"limits": {"memory": "512Mi", "cpu": "500m"}})


def test_the_entry_point_stands_where_there_is_no_command():
    words = {"args": ["--name=$(A)", "$(UNKNOWN)"]}
    assert environment.command(words, ["run"], {"A": "1"}) == ["run", "--name=1", "$(UNKNOWN)"]
    assert environment.command({"command": ["sh", "-c", "$(A)"]}, ["run"], {"A": "1"}) == ["sh", "-c", "1"]
