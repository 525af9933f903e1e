"""The two Objects of a copy never show a byte, and never take the path that would write one."""

from __future__ import annotations

from kit import composed, labels, secrets
from kit.remote import Target

OWNED = {labels.REPLICA: "qwen-0"}
COPIES = secrets.Copies(Target("west", "west-1a2b3", "ml-team", OWNED), "qwen-0", "mp-ml-team", OWNED)
MADE = COPIES.objects("hub.example.com")
WRITER, REMOVER = MADE[secrets.copy_key("hub.example.com")], MADE[secrets.removal_key("hub.example.com")]


def test_the_writer_never_creates_and_the_remover_never_writes():
    """A create writes what was taken from references into the Object (design/secrets.md)."""
    assert WRITER["spec"]["managementPolicies"] == ["Observe", "Update"]
    assert REMOVER["spec"]["managementPolicies"] == ["Observe", "Delete"]
    assert "references" not in REMOVER["spec"]


def test_adding_the_finalizer_would_write_them_so_it_is_there_from_the_start():
    for obj in MADE.values():
        assert composed.complete(obj)["metadata"]["finalizers"] == ["finalizer.managedresource.crossplane.io"]


def test_the_manifest_has_no_data_and_is_the_same_for_both():
    assert WRITER["spec"]["forProvider"] == REMOVER["spec"]["forProvider"]
    assert set(WRITER["spec"]["forProvider"]["manifest"]) == {"apiVersion", "kind", "metadata"}


def test_bytes_and_type_are_taken_from_the_secret_beside_the_owner_once_the_remover_is_there():
    depends, *taken = WRITER["spec"]["references"]
    assert depends["dependsOn"]["name"] == REMOVER["metadata"]["name"]
    source = {"apiVersion": "v1", "kind": "Secret", "name": "hub.example.com", "namespace": "ml-team"}
    assert [reference["patchesFrom"] for reference in taken] == [
        {**source, "fieldPath": "data"},
        {**source, "fieldPath": "type"},
    ]


def test_both_have_the_label_that_the_admission_policy_goes_by():
    assert all(labels.COPIED in obj["metadata"]["labels"] for obj in MADE.values())
