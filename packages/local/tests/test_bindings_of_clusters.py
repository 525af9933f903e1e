from __future__ import annotations

from typing import Any

from local.api import Kind
from local.fleet import controller
from local.fleet.bindings import base_secret, bind


def cluster(name, secret=None, age="2026-01-01", **reference):
    existing = {"secretRef": {"name": secret or f"{name}-kubeconfig", **reference}}
    return {
        "metadata": {"name": name, "creationTimestamp": age},
        "spec": {"cluster": {"source": "Existing", "existing": existing}},
    }


def secret(index=None):
    return {"metadata": {"labels": {"modelplane.ai/local-cluster": str(index)} if index else None}}


def bases(count):
    return {base_secret(i): secret(i) for i in range(1, count + 1)}


def pairs(bound):
    return {b.cluster["metadata"]["name"]: b.index for b in bound}


def test_clusters_are_given_out_oldest_first():
    clusters = [cluster("young", age="2026-02-02"), cluster("b"), cluster("a")]
    bound, refused = bind(clusters, bases(2), [1, 2])
    assert pairs(bound) == {"a": 1, "b": 2}
    assert [r.cluster["metadata"]["name"] for r in refused] == ["young"]
    assert "`modelplane up --clusters 3`" in refused[0].message


def test_a_cluster_keeps_what_its_secrets_label_says():
    secrets = {**bases(2), "late-kubeconfig": secret(2)}
    bound, _ = bind([cluster("early"), cluster("late", age="2026-02-02")], secrets, [1, 2])
    assert pairs(bound) == {"early": 1, "late": 2}


def test_the_secret_of_a_workload_cluster_may_be_named_itself():
    bound, _ = bind([cluster("a", base_secret(2)), cluster("b")], bases(2), [1, 2])
    assert pairs(bound) == {"a": 2, "b": 1}


def test_two_cannot_name_the_same_workload_cluster():
    bound, refused = bind([cluster("a", base_secret(1)), cluster("b", base_secret(1))], bases(2), [1, 2])
    assert pairs(bound) == {"a": 1}
    assert "a name of its own" in refused[0].message


def test_a_foreign_secret_is_left_alone():
    bound, refused = bind([cluster("a")], {**bases(1), "a-kubeconfig": secret()}, [1])
    assert (pairs(bound), refused) == ({}, [])


def test_a_cluster_that_a_cloud_makes_is_not_ours():
    cloud = {"metadata": {"name": "a"}, "spec": {"cluster": {"source": "GKE", "gke": {}}}}
    assert bind([cloud], bases(1), [1]) == ([], [])


def test_a_leftover_secret_whose_cluster_was_given_away_is_pointed_elsewhere():
    secrets = {**bases(2), "old-kubeconfig": secret(1)}
    bound, _ = bind([cluster("new", base_secret(1)), cluster("old", age="2026-02-02")], secrets, [1, 2])
    assert pairs(bound) == {"new": 1, "old": 2}


def test_the_kubeconfig_goes_under_the_key_that_was_asked_for():
    bound, _ = bind([cluster("a", key="config")], bases(1), [1])
    assert (bound[0].secret, bound[0].key) == ("a-kubeconfig", "config")


def test_a_kubeconfig_that_somebody_made_is_never_taken_for_missing():
    """Whenever he applies it, and then his InferenceCluster: between any two looks at the API server."""

    class Applied:
        """An API server on which both appear after the first answer."""

        def __init__(self) -> None:
            self.there: list[dict[str, Any]] = []

        def find(self, kind: Kind, namespace: str = "") -> list[dict[str, Any]]:
            found = [m for m in self.there if m["kind"] == kind.kind]
            self.there = [{"kind": "Secret", "metadata": {"name": "east"}}, {"kind": "InferenceCluster"}]
            return found

    clusters, secrets = controller.declared(Applied())
    assert clusters == [] or "east" in secrets
