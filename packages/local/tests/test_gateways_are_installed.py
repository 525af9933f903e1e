"""What is put on a cluster for its gateways: the serving stack's charts and values, each thing once and in order."""

from __future__ import annotations

import pytest
import yaml
from local import gateways
from local.gateways import Installation

MANIFESTS = [
    {"kind": "Deployment", "metadata": {"name": "controller"}},
    {"kind": "ClusterRole", "metadata": {"name": "controller"}},
    {"kind": "Secret", "metadata": {"name": "certificate"}},
    {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things"},
        "spec": {"group": "example.org", "names": {"kind": "Thing"}, "versions": [{"name": "v1"}]},
    },
]


class Server:
    """An API server as far as it is needed: what was put there, in order."""

    def __init__(self):
        self.seen = []

    def apply(self, manifest):
        self.seen.append(manifest["kind"])

    def create(self, manifest):
        self.seen.append(manifest["kind"])
        return True

    def serves(self, kind):
        return (kind.api_version, kind.kind) == ("example.org/v1", "Thing")


@pytest.fixture
def rendering(monkeypatch):
    """How often the chart is rendered."""
    calls = []

    def render(installation, _folder):
        calls.append(installation.chart)
        return yaml.safe_dump_all(MANIFESTS)

    monkeypatch.setattr(gateways, "_render", render)
    return calls


def test_the_controllers_find_each_other_by_the_names_of_the_stack():
    """Envoy Gateway calls its extension by a name that the other chart's values and namespace make."""
    found = {i.chart: i for i in gateways.of_the_stack()}
    assert list(found) == ["gateway-helm", "ai-gateway-crds-helm", "ai-gateway-helm"]
    called = found["gateway-helm"].values["config"]["envoyGateway"]["extensionManager"]["service"]["fqdn"]
    own = found["ai-gateway-helm"]
    name = f"{own.values['controller']['fullnameOverride']}.{own.namespace}.svc.cluster.local"
    assert called == {"hostname": name, "port": 1063}
    assert own.values["envoyGateway"]["namespace"] == found["gateway-helm"].namespace


def test_values_for_this_machine_are_added_and_take_nothing_away():
    values = gateways.of_the_stack()[0].values["config"]["envoyGateway"]
    assert values["envoyProxy"]["provider"]["kubernetes"]["useListenerPortAsContainerPort"] is True
    assert "extensionManager" in values
    (own,) = gateways.of_the_control_plane()
    assert "extensionManager" not in own.values["config"]["envoyGateway"]


def test_the_gateway_is_the_stacks_own():
    assert [m["kind"] for m in gateways.front()] == ["GatewayClass", "ClientTrafficPolicy", "Gateway"]


@pytest.mark.usefixtures("rendering")
def test_kinds_come_first_and_are_awaited_and_pods_last(tmp_path):
    server, awaited = Server(), []

    def until(_what, done):
        awaited.append((list(server.seen), done()))

    gateways.install(server, [Installation("chart", "there", {})], tmp_path, until)
    assert server.seen == ["Namespace", "CustomResourceDefinition", "Secret", "ClusterRole", "Deployment"]
    assert awaited == [(["Namespace", "CustomResourceDefinition"], True)]


def test_a_chart_is_rendered_once(rendering, tmp_path):
    """Again, it would have other certificates than those that its controller runs with."""
    for _ in range(2):
        gateways.rendered(Installation("chart", "there", {}), tmp_path)
    assert rendering == ["chart"]
