"""What install/ and the packages' dependencies grant is what functions ask of Crossplane, and names what exists."""

import functools
from pathlib import Path

import pytest
import yaml
from kit import labels, names
from release import packages
from schemas import apis

ROOT = Path(__file__).resolve().parents[1]
MANIFESTS = [m for m in yaml.safe_load_all(packages.install_manifests()) if m]
CASES = sorted(ROOT.glob("functions/*/tests/cases/*.yaml"))
# By Crossplane's own role, in its chart.
CROSSPLANE = {"ConfigMap", "Secret", "Service", "ServiceAccount", "Deployment"}
CROSSPLANE_GROUPS = {
    "protection.crossplane.io",
    "apiextensions.crossplane.io",
    "apiextensions.k8s.io",
    "pkg.crossplane.io",
}
# By Crossplane's RBAC manager, for the kinds of a provider that is installed.
# Nothing is composed of provider-helm's before it is there.
OPTIONAL = {"provider-helm"}
PROVIDERS = {"kubernetes.m.crossplane.io": "provider-kubernetes", "helm.m.crossplane.io": "provider-helm"}


def _of(kind):
    return [m for m in MANIFESTS if m["kind"] == kind]


@functools.cache
def _asked(case):
    """Every apiVersion and kind that a case composes or requires."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    want = yaml.load(case.read_text(encoding="utf-8"), loader)["want"]  # noqa: S506 - Either one is safe.
    each = (*want.get("desired", {}).values(), *want.get("requirements", {}).values())
    return {(e.get("apiVersion") or e["api_version"], e["kind"]) for e in each}


def _is_granted(api_version, kind):
    group = api_version.rpartition("/")[0]
    ours = {(xrd["spec"]["group"], xrd["spec"]["names"]["kind"]) for xrd in apis.definitions()}
    installed = {needed["package"].rpartition("/")[2] for needed in packages.dependencies()["dependsOn"]}
    if (group, kind) in ours or group in CROSSPLANE_GROUPS or PROVIDERS.get(group) in installed | OPTIONAL:
        return True
    if group in ("", "apps") and kind in CROSSPLANE:
        return True
    granted = [
        rule
        for role in _of("ClusterRole")
        if role["metadata"].get("labels", {}).get("rbac.crossplane.io/aggregate-to-crossplane") == "true"
        for rule in role["rules"]
    ]
    return any(group in rule["apiGroups"] and _plural(kind) in rule["resources"] for rule in granted)


def _plural(kind):
    word = kind.lower()
    return f"{word[:-1]}ies" if word.endswith(("cy", "xy")) else f"{word}es" if word.endswith("s") else f"{word}s"


@pytest.mark.parametrize("folder", sorted({case.parents[2].name for case in CASES}))
def test_crossplane_may_do_what_a_function_asks(folder):
    asked = {pair for case in CASES if case.parents[2].name == folder for pair in _asked(case)}
    assert {pair for pair in asked if not _is_granted(*pair)} == set()


def test_roles_name_kinds_that_exist_and_users_none_that_are_composed():
    plurals = {xrd["spec"]["names"]["plural"] for xrd in apis.definitions()}
    written = {
        role["metadata"]["name"]: {
            resource.partition("/")[0]
            for rule in role["rules"]
            if "create" in rule["verbs"]
            for resource in rule["resources"]
        }
        for role in _of("ClusterRole")
    }
    assert written["modelplane-viewer"] == set()
    assert written["modelplane-user"] < written["modelplane-platform"] < plurals
    assert not written["modelplane-platform"] & {
        "modelreplicas",
        "modelroutes",
        "clustertenants",
        "clustercaches",
        "capacityledgers",
    }


def test_everybody_may_read_every_group_of_ours():
    groups = {xrd["spec"]["group"] for xrd in apis.definitions()}
    for role in ("modelplane-viewer", "modelplane-user", "modelplane-platform"):
        rules = next(m for m in _of("ClusterRole") if m["metadata"]["name"] == role)["rules"]
        read = [r for r in rules if r["resources"] == ["*"] and r["verbs"] == ["get", "list", "watch"]]
        assert {group for rule in read for group in rule["apiGroups"]} == groups


def test_the_policy_is_about_the_labels_that_claims_and_grants_have():
    policy = _policy("modelplane-claims-and-grants")
    (condition,) = policy["spec"]["matchConditions"]
    for label in (labels.CAPACITY_CLAIM, labels.CAPACITY_GRANT):
        assert condition["expression"].count(f'"{label}"') == 2
        assert label in policy["spec"]["validations"][0]["message"]


def test_the_policy_is_about_the_label_that_copies_of_secrets_have():
    (condition,) = _policy("modelplane-copied-secrets")["spec"]["matchConditions"]
    assert f'"{labels.COPIED}"' in condition["expression"]


def _policy(name):
    return next(m for m in _of("ValidatingAdmissionPolicy") if m["metadata"]["name"] == name)


def test_what_is_composed_by_a_provider_is_activated():
    (policy,) = _of("ManagedResourceActivationPolicy")
    composed = {pair for case in CASES for pair in _asked(case) if pair[0].partition("/")[0] in PROVIDERS}
    # Configurations of a provider are no managed resources.
    managed = {f"{kind.lower()}s.{group.partition('/')[0]}" for group, kind in composed if "Config" not in kind}
    assert set(policy["spec"]["activate"]) == managed


def test_the_namespace_is_there_before_what_lives_in_it():
    assert (MANIFESTS[0]["kind"], MANIFESTS[0]["metadata"]["name"]) == ("Namespace", names.SYSTEM_NAMESPACE)
