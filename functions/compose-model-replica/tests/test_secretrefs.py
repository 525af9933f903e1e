"""Every place where a pod may name a Secret is found, and nothing else of the pod is touched."""

from __future__ import annotations

import copy
from typing import Any

from compose_model_replica import secretrefs
from hypothesis import given
from hypothesis import strategies as st
from schemas import apis

names = st.sampled_from(["hub", "pull", "keys", "own"])
optional = st.fixed_dictionaries({}, optional={"optional": st.booleans()})
entries = st.one_of(
    st.builds(lambda n, o: {"name": "A", "valueFrom": {"secretKeyRef": {"name": n, "key": "k", **o}}}, names, optional),
    st.just({"name": "B", "value": "hub"}),
    st.just({"name": "C", "valueFrom": {"configMapKeyRef": {"name": "hub", "key": "k"}}}),
)
sources = st.one_of(
    st.builds(lambda n, o: {"secretRef": {"name": n, **o}}, names, optional),
    st.just({"configMapRef": {"name": "hub"}}),
)
volumes = st.one_of(
    st.builds(lambda n, o: {"name": "v", "secret": {"secretName": n, **o}}, names, optional),
    st.just({"name": "w", "configMap": {"name": "hub"}}),
)
pods = st.fixed_dictionaries(
    {
        "containers": st.lists(
            st.fixed_dictionaries(
                {"name": st.just("engine"), "env": st.lists(entries), "envFrom": st.lists(sources)},
            ),
            min_size=1,
            max_size=2,
        )
    },
    optional={
        "volumes": st.lists(volumes),
        "imagePullSecrets": st.lists(st.builds(lambda n: {"name": n}, names)),
    },
)


def named(value: Any) -> Any:
    return f"qwen-0-{value}"


@given(pods)
def test_renaming_there_and_back_changes_nothing_else(pod: dict[str, Any]) -> None:
    before = copy.deepcopy(pod)
    renamed = secretrefs.renamed(pod, named)
    assert pod == before
    assert secretrefs.renamed(renamed, lambda name: name.removeprefix("qwen-0-")) == pod


@given(pods)
def test_no_secret_keeps_its_name(pod: dict[str, Any]) -> None:
    renamed = secretrefs.renamed(pod, named)
    found = [ref[field] for ref, field in secretrefs._references(renamed)]
    assert all(name.startswith("qwen-0-") for name in found)
    assert len(found) == str(pod).count("'secretKeyRef'") + str(pod).count("'secretRef'") + str(pod).count(
        "'secretName'"
    ) + len(pod.get("imagePullSecrets", []))


def test_the_api_has_no_other_place_for_a_secret() -> None:
    """A new field of a pod that names a Secret must be found here, too."""
    (version,) = apis.definition("ModelReplica")["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    members = spec["engines"]["items"]["properties"]["members"]["items"]["properties"]
    found = sorted(set(_secret_fields(members["template"])))
    assert found == ["imagePullSecrets", "secret", "secretKeyRef", "secretName", "secretRef"]


def _secret_fields(schema: dict[str, Any]):
    for name, inner in schema.get("properties", {}).items():
        if "secret" in name.lower():
            yield name
        yield from _secret_fields(inner)
    if "items" in schema:
        yield from _secret_fields(schema["items"])
