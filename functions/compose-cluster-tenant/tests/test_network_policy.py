"""Whom the composed NetworkPolicy lets reach an engine, evaluated as Kubernetes defines it; no cluster enforces it here."""

from pathlib import Path

import pytest
import yaml

CASE = Path(__file__).parent / "cases" / "callers-are-limited.yaml"
NAMESPACES = {
    name: {"kubernetes.io/metadata.name": name}
    for name in ("mp-ml-team", "mp-other-team", "envoy-gateway-system", "modelplane-monitoring", "default")
}


def policy():
    want = yaml.safe_load(CASE.read_text())["want"]["desired"]
    return want["callers"]["spec"]["forProvider"]["manifest"]


def matches(selector, labels):
    """A label selector of Kubernetes; the operators that policies of ours have."""
    wanted = (selector.get("matchLabels") or {}).items()
    expressions = selector.get("matchExpressions") or []
    assert {e["operator"] for e in expressions} <= {"In"}
    return wanted <= labels.items() and all(labels.get(e["key"]) in e["values"] for e in expressions)


def is_peer(peer, own, namespace, labels):
    """Both selectors hold where both are given; without one of namespaces a pod of the policy's own is meant."""
    assert set(peer) <= {"podSelector", "namespaceSelector"}
    if "namespaceSelector" not in peer:
        return namespace == own and matches(peer["podSelector"], labels)
    return matches(peer["namespaceSelector"], NAMESPACES[namespace]) and matches(peer.get("podSelector") or {}, labels)


def is_allowed(found, namespace, labels, target_labels):
    own, spec = found["metadata"]["namespace"], found["spec"]
    if not matches(spec["podSelector"], target_labels) or "Ingress" not in spec["policyTypes"]:
        return True
    # A rule without ports is about all of them, one without peers about everybody.
    assert all("ports" not in rule and rule["from"] for rule in spec["ingress"])
    return any(is_peer(peer, own, namespace, labels) for rule in spec["ingress"] for peer in rule["from"])


@pytest.mark.parametrize(
    ("namespace", "allowed"),
    [
        ("mp-ml-team", True),
        ("envoy-gateway-system", True),
        ("modelplane-monitoring", True),
        ("mp-other-team", False),
        ("default", False),
    ],
)
@pytest.mark.parametrize("labels", [{}, {"modelplane.ai/tenant": "ml-team"}, {"app": "envoy"}], ids=str)
@pytest.mark.parametrize("target", [{"modelplane.ai/engine": "main"}, {}], ids=["engine", "picker"])
def test_who_reaches_a_tenants_pods(namespace, allowed, labels, target):
    """Whatever labels a caller gives itself."""
    assert is_allowed(policy(), namespace, labels, target) == allowed
