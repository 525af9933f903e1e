"""From a bare cluster to one that can serve, with the projects' own charts and the real provider-helm.

One control plane with bare workload clusters; the tests follow one another on the cluster west. Pods are played by
KWOK and the gateway's answers by the fleet, so no controller of a chart runs. NVIDIA's chart is a stand-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from bare import COMPONENTS, NFD, PARTS, RELEASES, Bare, east, name_of, north, push, releases, secret
from compose_serving_stack import parts
from local import charts
from local.testing import Manifest, start

pytestmark = [pytest.mark.e2e, pytest.mark.long]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "01-standalone"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """Bare clusters: west gets all that it needs, east has a kubeconfig that leads nowhere, north is to bring all itself."""
    plane, cluster = start(tmp_path_factory.mktemp("bare") / "state", clusters=2, stack=True)
    try:
        declared = [*yaml.safe_load_all((EXAMPLE / "fleet.yaml").read_text())]
        declared[1]["spec"]["servingStack"] = {"registry": cluster.registry}
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(declared))
        known = lambda: plane.kubectl.get("secret", "west-kubeconfig", "-n", "modelplane-system")  # noqa: E731  # Short here.
        plane.wait("west is workload cluster 1", known, patience=60)
        others = [*east(cluster, declared[1]), north(declared[1])]
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(others))
        ready = lambda: plane.condition("ic", "west", "Ready").get("status") == "True"  # noqa: E731  # Short here.
        plane.wait("west is Ready", ready, patience=900)
        yield Bare(plane, cluster)
    finally:
        cluster.down()


def test_a_bare_cluster_becomes_ready_with_the_projects_charts(bare: Bare) -> None:
    """Every component at its tested version, and Crossplane's circuits closed all the way."""
    rows = {row["name"]: (row["version"], row["ready"]) for row in bare.stack()["status"]["components"]}
    assert rows == {part.component: (part.version, True) for part in parts.table()}
    installed = {r["metadata"]["name"]: r["status"]["atProvider"]["state"] for r in releases(bare)}
    assert len(installed) == sum(bool(part.chart) for part in parts.table())
    assert set(installed.values()) == {"deployed"}
    assert bare.plane.open_circuits() == set()


def test_a_wrong_kubeconfig_is_named(bare: Bare) -> None:
    """Once for all that it keeps from being installed; nothing of it is a secret."""
    bare.says("east", "StackReady", "Failed", "envoyGateway", "127.0.0.1:1", "connection refused")


def test_a_cluster_that_is_to_bring_all_is_told_what(bare: Bare) -> None:
    """Nothing is installed; what a gateway needs is named where the gateway is missing."""
    listed = ", ".join(COMPONENTS)
    bare.says("north", "StackReady", "Ready", f"nothing is asked for. Left to the cluster: {listed}")
    bare.says("north", "GatewayReady", "NotReachable", "no matches for", "envoyGateway is left to")
    stack = bare.plane.kubectl.one("ss", "north", "-n", "modelplane-system")
    rows = {row["name"]: row for row in stack["status"]["components"]}
    assert all(rows[name]["message"].startswith("left to the cluster: ") for name in COMPONENTS)
    assert bare.plane.condition("ic", "north", "Ready")["status"] == "False"
    bare.plane.kubectl("delete", "ic", "north")
    # Its cluster is east's from now on, which learns the way there.
    right = bare.processes.workload_kubeconfig(2).read_text()
    bare.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(secret(right)))


def test_the_charts_that_are_tested_are_those_of_the_table() -> None:
    published = {(chart.name, chart.version) for chart in charts.published()}
    assert published == {(part.chart, part.version) for part in parts.table() if part.chart}


def test_envoy_gateway_leaves_inference_pools_to_the_ai_gateway(bare: Bare) -> None:
    """Its configuration names a Service and a port that the other chart has made."""
    config = bare.west.one("configmap", "envoy-gateway-config", "-n", PARTS["envoyGateway"].namespace)
    extension = yaml.safe_load(config["data"]["envoy-gateway.yaml"])["extensionManager"]
    backend = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "version": "v1"}
    assert extension["backendResources"] == [backend]
    assert extension["hooks"]["xdsTranslator"]["post"] == ["Translation", "Cluster", "Route"]
    name, namespace, *rest = extension["service"]["fqdn"]["hostname"].split(".")
    service = bare.west.one("service", name, "-n", namespace)
    assert rest == ["svc", "cluster", "local"]
    assert extension["service"]["fqdn"]["port"] in [port["port"] for port in service["spec"]["ports"]]
    bare.west.one("crd", "inferencepools.inference.networking.k8s.io")


def test_no_webhook_is_asked_about_every_pod(bare: Bare) -> None:
    """Envoy Gateway's topology injector and the Prometheus operator would have one; the values switch them off."""
    found = bare.west.get("mutatingwebhookconfigurations,validatingwebhookconfigurations")
    on_pods = [
        webhook
        for configuration in found
        for webhook in configuration["webhooks"]
        for rule in webhook["rules"]
        if {"pods", "pods/binding", "*"} & set(rule["resources"]) and not webhook.get("objectSelector")
    ]
    assert on_pods == []
    assert not [c for c in found if "prometheus" in c["metadata"]["name"]]


def test_what_runs_on_nodes_tolerates_those_with_gpus(bare: Bare) -> None:
    for component in ("nodeFeatureDiscovery", "nvidiaDraDriver"):
        (daemon,) = bare.west.get("daemonsets", "-n", PARTS[component].namespace)
        tolerated = daemon["spec"]["template"]["spec"]["tolerations"]
        assert {"key": "nvidia.com/gpu", "operator": "Exists"} in tolerated


def test_prometheus_scrapes_replicas_and_gateways_and_brings_nothing_else(bare: Bare) -> None:
    namespace = PARTS["prometheus"].namespace
    monitors = {m["metadata"]["name"]: m["spec"] for m in bare.west.get("podmonitors", "-n", namespace)}
    assert {name: spec["namespaceSelector"] for name, spec in monitors.items()} == {
        "modelplane-replicas": {"any": True},
        "modelplane-gateway": {"any": True},
    }
    prometheus = bare.west.get("prometheuses", "-n", namespace)[0]["spec"]
    assert prometheus["podMonitorSelector"] == {}
    assert bare.west.get("alertmanagers,prometheusrules", "-n", namespace) == []
    assert [d["metadata"]["name"] for d in bare.west.get("deployments", "-n", namespace)] == [
        "modelplane-kube-prometheus-operator"
    ]


def test_certificates_can_be_asked_for_and_groups_make_their_own(bare: Bare) -> None:
    bare.west.one("crd", "certificates.cert-manager.io")
    (config,) = [c for c in bare.west.get("configmaps", "-n", "lws-system") if "lws" in c["metadata"]["name"]]
    written = yaml.safe_load(config["data"]["controller_manager_config.yaml"])
    assert written["internalCertManagement"] == {"enable": True}


def test_the_gateway_drops_what_clients_must_not_send(bare: Bare) -> None:
    gateway = bare.west.one("gateway", "inference-gateway", "-n", "modelplane-system")
    assert gateway["spec"]["gatewayClassName"] == "modelplane"
    controller = bare.west.one("gatewayclass", "modelplane")["spec"]["controllerName"]
    assert controller == "gateway.envoyproxy.io/gatewayclass-controller"
    policy = bare.west.one("clienttrafficpolicy", "inference-gateway", "-n", "modelplane-system")["spec"]
    assert policy["targetRefs"][0]["name"] == "inference-gateway"
    assert "x-prefiller-host-port" in policy["headers"]["earlyRequestHeaders"]["remove"]


def test_a_model_is_placed_on_it(bare: Bare) -> None:
    """Claims, routes and namespaces are taken by what the charts installed."""
    bare.plane.kubectl("apply", "-f", str(EXAMPLE / "deployment.yaml"))
    bare.plane.wait("qwen is Ready", lambda: bare.plane.condition("md", "qwen", "Ready").get("status") == "True")


def test_a_version_that_does_not_exist_is_named_and_nothing_that_runs_is_touched(bare: Bare) -> None:
    before = bare.pods(NFD.namespace)
    bare.override(versions={NFD.component: "9.9.9"})
    bare.says("west", "StackReady", "Failed", NFD.component, "9.9.9", "not found")
    assert bare.pods(NFD.namespace) == before
    bare.override(versions=None)
    bare.is_ready_again()


def test_a_manifest_that_the_api_server_refuses_is_named(bare: Bare) -> None:
    """Here provider-helm says Synced; the cause is only in its description."""
    push(bare, "0.18.98", {"templates/broken.yaml": b"{apiVersion: v1, kind: ConfigMap, metadata: {name: Not_A_Name}}"})
    bare.override(versions={NFD.component: "0.18.98"})
    bare.says("west", "StackReady", "Failed", NFD.component, "Not_A_Name")
    bare.override(versions=None)
    bare.is_ready_again()
    assert bare.component(NFD.component)["version"] == NFD.version


def test_a_registry_that_is_down_is_named_and_what_waits_for_it_goes_on_by_itself(bare: Bare) -> None:
    push(bare, "0.18.99", {})
    bare.kill("registry")
    bare.override(versions={NFD.component: "0.18.99"})
    bare.says("west", "StackReady", "Failed", NFD.component, "connection refused")
    bare.restart()
    push(bare, "0.18.99", {})  # The registry of these tests forgets manifests when it ends.
    bare.plane.wait("0.18.99 runs", lambda: bare.component(NFD.component).get("version") == "0.18.99", 120)
    bare.is_ready_again()


def test_a_provider_that_is_killed_in_an_upgrade_comes_loose(bare: Bare) -> None:
    """Without a limit of retries "another operation in progress" would stay for ever."""
    bare.override(versions=None, components={NFD.component: {"values": {"master": {"replicaCount": 2}}}})
    secrets = ("secrets", "-n", NFD.namespace, "-l", "owner=helm,status=pending-upgrade")
    bare.plane.wait("an upgrade is under way", lambda: bare.west.get(*secrets), 60)
    bare.kill("provider-helm")
    bare.restart()
    bare.is_ready_again()
    (release,) = (r for r in releases(bare) if name_of(r).startswith(f"west-{NFD.chart}"))
    assert release["status"]["atProvider"]["state"] == "deployed"
    master = bare.west.one("deployment", "modelplane-node-feature-discovery-master", "-n", NFD.namespace)
    assert master["spec"]["replicas"] == 2


def test_a_definition_that_somebody_deletes_comes_back(bare: Bare) -> None:
    name = "inferenceobjectives.inference.networking.x-k8s.io"
    before = bare.west.one("crd", name)["metadata"]["uid"]
    bare.west("delete", "crd", name)
    bare.plane.wait(f"{name} is back", lambda: bare.west.get("crd", name), 60)
    assert bare.west.one("crd", name)["metadata"]["uid"] != before


def test_a_gateway_that_loses_its_address_is_named_and_nothing_that_runs_is_touched(bare: Bare) -> None:
    """Whoever plays its controller is gone for as long."""
    before = bare.pods("mp-default")
    bare.kill("fleet")
    gateway = ("gateway", "inference-gateway", "-n", "modelplane-system")
    bare.west("patch", *gateway, "--subresource=status", "--type=merge", "-p", '{"status": {"addresses": []}}')
    bare.says("west", "GatewayReady", "NoAddress", "has no address yet")
    assert bare.pods("mp-default") == before
    assert bare.plane.condition("md", "qwen", "Ready")["status"] == "True"
    bare.restart()
    bare.says("west", "GatewayReady", "Ready")


def test_the_right_kubeconfig_is_enough(bare: Bare) -> None:
    """It was put in place some tests ago; the providers look again by themselves, a minute apart at most."""
    told = lambda: bare.plane.condition("ic", "east", "StackReady")["message"]  # noqa: E731  # Short here.
    bare.plane.wait("east is reached", lambda: "127.0.0.1:1" not in told())
    bare.plane.kubectl("delete", "ic", "east")


def test_components_are_removed_one_after_the_other_and_stay_on_the_cluster(bare: Bare) -> None:
    """Somebody else looks after each from then on: nothing is uninstalled, and the model serves all the while."""
    namespaces = sorted({part.namespace for part in parts.table() if part.chart})
    before = {namespace: bare.pods(namespace) for namespace in namespaces}
    assert all(before.values())
    for component in reversed(COMPONENTS):
        bare.override(components={component: {"enabled": False}})
        charts_of = {part.chart for part in parts.table() if part.component == component and part.chart}
        gone = lambda: not charts_of & {r["spec"]["forProvider"]["chart"]["name"] for r in releases(bare)}  # noqa: B023, E731  # Called at once.
        bare.plane.wait(f"the Releases of {component} are gone", gone, 60)
        told = lambda: "left to the cluster: " in bare.component(component).get("message", "")  # noqa: B023, E731  # As above.
        bare.plane.wait(f"{component} is the cluster's", told, 60)
        bare.says("west", "StackReady", "Ready", "Left to the cluster: ")
        bare.says("west", "GatewayReady", "Ready")
    assert {namespace: bare.pods(namespace) for namespace in namespaces} == before
    assert bare.plane.condition("md", "qwen", "Ready")["status"] == "True"


def test_a_cluster_that_leaves_the_fleet_keeps_its_stack(bare: Bare) -> None:
    bare.plane.kubectl("delete", "md", "--all", "-A")
    bare.plane.wait("west is not in use", lambda: not named(bare, "clusterusages", "west-in-use"))
    bare.plane.kubectl("delete", "ic", "west")
    left = (bare, f"ss,{RELEASES}", "west", "-n", "modelplane-system")
    bare.plane.wait("nothing is left of it on the control plane", lambda: not named(*left))
    assert bare.west.one("deployment", "envoy-gateway", "-n", PARTS["envoyGateway"].namespace)
    assert bare.west.one("gateway", "inference-gateway", "-n", "modelplane-system")


def named(bare: Bare, kinds: str, prefix: str, *where: str) -> list[Manifest]:
    """The objects on the control plane whose names begin so."""
    return [m for m in bare.plane.kubectl.get(kinds, *where) if name_of(m).startswith(prefix)]
