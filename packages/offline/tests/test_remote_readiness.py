"""What stands on workload clusters, and when it is ready."""

from typing import Any

import pytest
from offline import conditions
from offline.findings import InvalidInputError
from offline.remote import cluster_of
from offline.store import Key

PARENT = "apiVersion: test.example/v1\nkind: Parent\nmetadata: {name: p}\nspec: {size: 2}\n"
CONFIG = (
    "---\napiVersion: kubernetes.m.crossplane.io/v1alpha1\nkind: ClusterProviderConfig\nmetadata: {name: west-config}\n"
)
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "namespace": "default"},
    "spec": {"replicas": 3},
}
GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "inference-gateway", "namespace": "modelplane-system"},
}
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "r", "namespace": "default"},
    "spec": {"parentRefs": [{"name": "g"}]},
}
ALL_READY = "object.status.readyReplicas == object.spec.replicas"


def an_object(manifest: Any, name: str = "o", *, cel: str = "", **spec: Any) -> dict[str, Any]:
    readiness = {"policy": "DeriveFromCelQuery", "celQuery": cel} if cel else {"policy": "SuccessfulCreate"}
    return {
        "apiVersion": "kubernetes.m.crossplane.io/v1alpha1",
        "kind": "Object",
        "metadata": {"name": name, "labels": {"modelplane.ai/cluster": "west"}},
        "spec": {
            "readiness": readiness,
            "providerConfigRef": {"kind": "ClusterProviderConfig", "name": "west-config"},
            "forProvider": {"manifest": manifest},
            **spec,
        },
    }


def seen(bench: Any, make: Any, *objects: dict[str, Any], lost: Any = (), config: str = CONFIG) -> Any:
    wanted = {f"o{i}": value for i, value in enumerate(objects)}
    result = bench.compose(PARENT + config, lost=lost, parent=lambda *_: make.wanting(**wanted))
    return result, result.objects[Key("kubernetes.m.crossplane.io", "Object", "default", "o")]


def ready(value: Any) -> str:
    return (conditions.find(value, "Ready") or {}).get("status", "absent")


def test_a_deployment_gets_the_status_that_its_controller_would_write(bench: Any, make: Any) -> None:
    result, value = seen(bench, make, an_object(DEPLOYMENT, cel=ALL_READY))
    assert value["status"]["atProvider"]["manifest"]["status"]["readyReplicas"] == 3
    assert (ready(value), conditions.is_true(value, "Synced")) == ("True", True)
    assert [(r.cluster, r.key.name) for r in result.remotes] == [("west", "d")]


@pytest.mark.parametrize("lost", ["Deployment/d", "deployment/d", "Object/o", "Parent/p", "InferenceCluster/west"])
def test_loss_is_simulated_by_any_name_above_it(bench: Any, make: Any, lost: str) -> None:
    _, value = seen(bench, make, an_object(DEPLOYMENT, cel=ALL_READY), lost=[lost])
    assert ready(value) == "False"


def test_a_loss_of_nothing_is_refused(bench: Any, make: Any) -> None:
    with pytest.raises(InvalidInputError, match="--not-ready: nothing on a cluster is, or is below, Deployment/x"):
        seen(bench, make, an_object(DEPLOYMENT), lost=["Deployment/x"])


@pytest.mark.parametrize(
    ("cel", "status"),
    [
        ("object.status.readyReplicas >= 1", "True"),
        ("object.status.nothing == 1", "False"),
        ("has(object.status.nothing)", "False"),
        ("this is no CEL", "False"),
        ("object.status.readyReplicas", "False"),
        ("object.status.readyReplicas % 2 == 1", "False"),
        ("object.status.conditions.exists(c, c.type == 'Available' && c.status == 'True')", "True"),
    ],
)
def test_cel_readiness(bench: Any, make: Any, cel: str, status: str) -> None:
    assert ready(seen(bench, make, an_object(DEPLOYMENT, cel=cel))[1]) == status


@pytest.mark.parametrize(
    ("policy", "manifest", "status"),
    [
        ("SuccessfulCreate", DEPLOYMENT, "True"),
        ("AllTrue", DEPLOYMENT, "True"),
        ("DeriveFromObject", DEPLOYMENT, "False"),
        ("AllTrue", {**DEPLOYMENT, "kind": "ConfigMap"}, "False"),
        ("DeriveFromObject", {**DEPLOYMENT, "kind": "Pod"}, "True"),
    ],
)
def test_readiness_policies(bench: Any, make: Any, policy: str, manifest: Any, status: str) -> None:
    assert ready(seen(bench, make, an_object(manifest, readiness={"policy": policy}))[1]) == status


def test_the_gateway_of_every_cluster_exists_and_is_only_observed(bench: Any, make: Any) -> None:
    result, value = seen(bench, make, an_object(GATEWAY, managementPolicies=["Observe"]))
    assert value["status"]["atProvider"]["manifest"]["status"]["addresses"] == [
        {"type": "Hostname", "value": "west.example"}
    ]
    assert result.remotes == []


def test_observing_sees_what_another_object_makes(bench: Any, make: Any) -> None:
    watcher = an_object({**DEPLOYMENT, "spec": {}}, managementPolicies=["Observe"])
    _, value = seen(bench, make, watcher, an_object(DEPLOYMENT, "other"))
    assert value["status"]["atProvider"]["manifest"]["spec"] == {"replicas": 3}


def test_observing_what_is_not_there_is_not_synced(bench: Any, make: Any) -> None:
    _, value = seen(bench, make, an_object(DEPLOYMENT, managementPolicies=["Observe"]))
    assert (
        conditions.sentence(conditions.find(value, "Synced") or {})
        == "Synced: observe failed: Deployment default/d not found on west"
    )
    assert ready(value) == "absent"


def test_a_route_is_accepted_by_each_of_its_parents(bench: Any, make: Any) -> None:
    query = "object.status.parents.all(p, p.conditions.exists(c, c.type == 'Accepted' && c.status == 'True'))"
    assert ready(seen(bench, make, an_object(ROUTE, cel=query))[1]) == "True"
    assert ready(seen(bench, make, an_object(ROUTE, cel=query), lost=["HTTPRoute/r"])[1]) == "False"


@pytest.mark.parametrize(
    ("objects", "config", "sentence"),
    [
        ([an_object(DEPLOYMENT)], "", "cannot get provider config: ClusterProviderConfig west-config not found"),
        (
            [an_object({**DEPLOYMENT, "metadata": {"name": "d", "namespace": "mp-x"}})],
            CONFIG,
            'create failed: namespaces "mp-x" not found on west',
        ),
        ([an_object({"kind": "Deployment"})], CONFIG, "spec.forProvider.manifest is no manifest"),
        (
            [an_object(DEPLOYMENT), an_object(DEPLOYMENT, "a")],
            CONFIG,
            "Deployment default/d on west is already written by another Object",
        ),
    ],
)
def test_what_the_provider_could_not_apply_says_so(
    bench: Any, make: Any, objects: Any, config: str, sentence: str
) -> None:
    _, value = seen(bench, make, *objects, config=config)
    assert conditions.sentence(conditions.find(value, "Synced") or {}) == f"Synced: {sentence}"


def test_without_the_label_the_cluster_is_the_owner_of_the_provider_config(bench: Any, make: Any) -> None:
    bare = an_object(DEPLOYMENT)
    del bare["metadata"]["labels"]
    result, _ = seen(bench, make, bare)
    assert [r.cluster for r in result.remotes] == ["west-config"]
    config = result.objects[Key("kubernetes.m.crossplane.io", "ClusterProviderConfig", "", "west-config")]
    owned = {
        **config,
        "metadata": {**config["metadata"], "ownerReferences": [{"kind": "InferenceCluster", "name": "west"}]},
    }
    value = result.objects[Key("kubernetes.m.crossplane.io", "Object", "default", "o")]
    assert (
        cluster_of(
            value,
            {**result.objects, Key("kubernetes.m.crossplane.io", "ClusterProviderConfig", "", "west-config"): owned},
        )
        == "west"
    )
