"""What was recorded of a replica counts until it is changed, and nothing that anybody writes there can break it."""

from __future__ import annotations

import json

import pytest
from compose_model_replica.routing import proof
from kit import labels
from schemas import ModelReplica

CONTAINER = {"name": "engine", "image": "vllm/vllm-openai:v0.19.1"}
MEMBER = {"role": "Standalone", "nodePoolName": "h100", "template": {"spec": {"containers": [CONTAINER]}}}
ENGINE = {"name": "decode", "phase": "Decode", "members": [MEMBER]}
SPEC = {"clusterName": "west", "serving": {"mode": "PrefillDecode"}, "engines": [ENGINE]}


def read(note, revision=None):
    annotations = {} if note is None else {labels.PROOF: note if isinstance(note, str) else json.dumps(note)}
    spec = SPEC if revision is None else {**SPEC, "revision": revision}
    return proof.read(ModelReplica.model_validate({"metadata": {"annotations": annotations}, "spec": spec}))


def note(revision=None, verdict="Disaggregating", link="", look=""):
    return {"revision": revision, "verdict": verdict, "link": link, "look": look}


def test_a_proof_is_of_one_revision():
    assert read(note()).disaggregates
    assert read(note(2), revision=2).disaggregates
    assert read(note(), revision=2) is None
    assert read(note(1), revision=2) is None


def test_a_verdict_names_the_link_and_where_to_look():
    found = read(note(verdict="DecodeOnly", link="role-label", look="serving pods without label."))
    assert (found.disaggregates, found.message) == (
        False,
        "`modelplane prove` has found DecodeOnly: role-label: serving pods without label.",
    )


@pytest.mark.parametrize("text", [None, "", "{", "[]", "1", "{}", '{"revision": null}', "null"])
def test_what_is_no_proof_proves_nothing(text):
    assert read(text) is None


def test_a_long_note_is_cut():
    assert len(read(note(verdict="x", look="word " * 2000)).message) < 500
