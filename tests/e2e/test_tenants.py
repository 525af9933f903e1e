"""What a second tenant tries with the first one's models: each attempt is refused, and the sentence says why."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from local.testing import Manifest, Plane

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND = "first-team", "second-team"
LABELS = {"modelplane.ai/deployment": "qwen"}
REPLICA_HOST = f"qwen-0.{FIRST}.modelplane.internal"


def made(kind: str, name: str, namespace: str = SECOND, group: str = "modelplane.ai/v1alpha1", **spec) -> Manifest:
    """A manifest of one namespace."""
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": LABELS},
        "spec": spec,
    }


def endpoint(namespace: str, **spec) -> Manifest:
    return made("ModelEndpoint", "mine", namespace, **{"url": "http://10.0.0.2", **spec})


SERVICE = made("ModelService", "mine", endpoints=[{"selector": {"matchLabels": LABELS}}])
GATEWAY_API, ENVOY = "gateway.networking.k8s.io/v1", "gateway.envoyproxy.io/v1alpha1"


@pytest.fixture(scope="module")
def tenants(plane: Plane) -> Plane:
    """Two teams, each with the role of users in its own namespace; the first one has an endpoint and a service."""
    plane.clear()
    plane.kubectl("apply", "-f", str(ROOT / "install"))
    for team in (FIRST, SECOND):
        plane.kubectl("create", "namespace", team)
        binding = ("-n", team, "--clusterrole=modelplane-user", f"--user={team}")
        plane.kubectl("create", "rolebinding", "user", *binding)
    own = [endpoint(FIRST, hostname=REPLICA_HOST), {**SERVICE, "metadata": {**SERVICE["metadata"], "namespace": FIRST}}]
    for manifest in own:
        assert "created" in write(plane, manifest, FIRST)
    yield plane
    plane.kubectl("delete", "namespace", FIRST, SECOND)


def write(plane: Plane, manifest: Manifest, person: str = SECOND) -> str:
    """What kubectl says when a person creates a manifest."""
    return kubectl(plane, "create", "-f", "-", stdin=yaml.safe_dump(manifest), person=person)


def kubectl(plane: Plane, *arguments: str, stdin: str = "", person: str = SECOND) -> str:
    who = (f"--as={person}", "--as-group=system:authenticated")
    return plane.kubectl(*arguments, *who, stdin=stdin, check=False)


@pytest.mark.parametrize("verb", ["get", "delete"])
@pytest.mark.parametrize("what", ["ms/mine", "me/mine", "md/qwen", "mr/qwen-0", "secret/provider"])
def test_what_another_team_has_is_not_read_nor_deleted(tenants: Plane, verb: str, what: str) -> None:
    assert "forbidden" in kubectl(tenants, verb, what, "-n", FIRST).lower()


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(endpoint(FIRST), id="an-endpoint-in-another-namespace"),
        pytest.param(made("ModelReplica", "forged"), id="a-replica-that-no-deployment-made"),
        pytest.param(made("ClusterTenant", "forged"), id="a-tenant"),
        pytest.param(made("CapacityLedger", "forged"), id="a-ledger"),
        pytest.param(made("InferenceGateway", "forged"), id="a-gateway"),
        pytest.param(made("Object", "forged", group="kubernetes.m.crossplane.io/v1alpha1"), id="an-object"),
        pytest.param(made("Secret", "forged", group="v1"), id="a-secret"),
        pytest.param(made("Service", "forged", group="v1"), id="a-service"),
        pytest.param(made("EndpointSlice", "forged", group="discovery.k8s.io/v1"), id="addresses-behind-a-name"),
    ],
)
def test_what_is_composed_is_not_forged(tenants: Plane, manifest: Manifest) -> None:
    told = write(tenants, manifest)
    assert "forbidden" in told.lower(), told


@pytest.mark.parametrize(
    "resource",
    [
        "httproutes.gateway.networking.k8s.io",
        "backends.gateway.envoyproxy.io",
        "httproutefilters.gateway.envoyproxy.io",
        "releases.helm.m.crossplane.io",
        "objects.kubernetes.m.crossplane.io",
        "modelreplicas.modelplane.ai",
        "modelendpoints.modelplane.ai/status",
        "endpointslices.discovery.k8s.io",
    ],
)
def test_no_role_of_ours_may_write_what_routes_are_made_of(tenants: Plane, resource: str) -> None:
    """Also where their kinds are not installed here."""
    kind, _, sub = resource.partition("/")
    asked = ["auth", "can-i", "create", kind, "-n", SECOND, *([f"--subresource={sub}"] if sub else [])]
    told = kubectl(tenants, *asked).split()
    assert "no" in told
    assert "yes" not in told


def test_anothers_endpoints_are_not_selected(tenants: Plane) -> None:
    """Labels are looked for in the service's own namespace. The gateway is not there: what is said first is that."""
    assert "created" in write(tenants, SERVICE)
    said = said_of(tenants, "ms")
    assert said["status"] == "False"
    assert "endpoints" not in tenants.kubectl.one("ms", "mine", "-n", SECOND).get("status", {})


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param(
            {"hostname": REPLICA_HOST},
            f"Host {REPLICA_HOST} is a replica's of another namespace: "
            f"an endpoint here may name *.{SECOND}.modelplane.internal only.",
            id="by-the-host-of-anothers-replica",
        ),
        pytest.param(
            {"hostname": REPLICA_HOST.upper()},
            f"Host {REPLICA_HOST} is a replica's of another namespace: "
            f"an endpoint here may name *.{SECOND}.modelplane.internal only.",
            id="in-capitals",
        ),
        pytest.param(
            {"auth": {"secretRef": {"name": "s"}, "header": "x-prefiller-host-port"}},
            "spec.auth.header must not be x-prefiller-host-port: name the header of the API's credential.",
            id="by-a-header-that-routes",
        ),
        pytest.param(
            {"url": "http://localtest.example.com:19000"},
            "Port 19000 of spec.url is the gateway's own: let the API listen on another one.",
            id="to-the-gateways-administration",
        ),
    ],
)
def test_anothers_replica_is_not_routed_to(tenants: Plane, spec: Manifest, sentence: str) -> None:
    assert "created" in write(tenants, endpoint(SECOND, **spec))
    try:
        said = said_of(tenants, "me")
        assert (said["status"], said["reason"], said["message"]) == ("False", "NotAllowed", sentence)
    finally:
        kubectl(tenants, "delete", "me", "mine", "-n", SECOND)


def said_of(plane: Plane, kind: str) -> Manifest:
    """What the second team's object says of its routing, once it says something."""

    def said() -> Manifest:
        found = plane.kubectl.get(kind, "mine", "-n", SECOND)
        conditions = found[0].get("status", {}).get("conditions", []) if found else []
        return next((c for c in conditions if c["type"] == "RoutingReady" and c["status"] != "Unknown"), {})

    answer: Manifest = plane.wait(f"{kind} says where it leads", said, patience=30)
    return answer
