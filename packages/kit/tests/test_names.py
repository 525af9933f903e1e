import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import names

LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4), st.sampled_from([49, 53, 63]))
def test_any_parts_make_a_dns_label(parts: list[str], limit: int) -> None:
    """Whatever a user calls a thing, its children have names that Kubernetes takes."""
    name = names.child_name(*parts, limit=limit)
    assert LABEL.fullmatch(name)
    assert len(name) <= limit


def test_parts_are_told_apart_by_where_they_end() -> None:
    """Replica a-0-1 with engine b is not replica a-0 with engine 1-b."""
    assert names.child_name("a-0-1", "b") != names.child_name("a-0", "1-b")


def test_content_changes_the_name() -> None:
    """What Kubernetes makes immutable gets a new name with new content."""
    assert names.child_name("a", content="x") != names.child_name("a", content="y")


@pytest.mark.parametrize(
    ("deployment", "want"),
    [
        pytest.param("qwen", "qwen-0", id="plain"),
        pytest.param("70b-chat", "m-70b-chat-0-d60b1", id="starts-with-a-digit"),
        pytest.param("qwen2.5", "qwen2-5-0-e561c", id="dots"),
    ],
)
def test_replica_names_stay_readable(deployment: str, want: str) -> None:
    """A replica is called after its deployment, hashed only where it must be."""
    assert want == names.replica_name(deployment, 0)


def test_two_deployments_never_share_a_replica_name() -> None:
    """A dot that becomes a dash does not make qwen2.5 and qwen2-5 one."""
    assert names.replica_name("qwen2.5", 0) != names.replica_name("qwen2-5", 0)


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True))
def test_tenant_namespaces_are_never_default(namespace: str) -> None:
    """Each tenant's namespace on a cluster is its own, and is a valid name."""
    name = names.tenant_namespace(namespace)
    assert LABEL.fullmatch(name)
    assert name.startswith("mp-")
