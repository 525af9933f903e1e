"""The reader of apis/ finds every kind, and says so when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from schemas import apis


def test_a_definition_is_found_by_its_kind() -> None:
    assert apis.definition("ModelDeployment")["metadata"]["name"] == "modeldeployments.modelplane.ai"


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(apis.UnknownKindError, match=r"No kind is called ModelZoo; .*InferenceClass, .*ServingStack"):
        apis.definition("ModelZoo")


def test_function_names_are_sorted_and_unique() -> None:
    names = apis.function_names()
    assert names == sorted(set(names))
    assert {"compose-model-deployment", "compose-model-service"} <= set(names)


def test_another_folder_may_hold_the_definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPLANE_APIS", str(tmp_path))
    assert (apis.folder(), apis.definitions()) == (tmp_path, [])


def test_what_a_caller_changes_is_not_seen_by_the_next() -> None:
    apis.definition("ModelDeployment")["spec"].clear()
    assert apis.definition("ModelDeployment")["spec"]


def test_a_missing_folder_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPLANE_APIS", str(tmp_path / "nowhere"))
    monkeypatch.setattr(apis, "__file__", str(tmp_path / "a" / "apis.py"))
    with pytest.raises(apis.ApisNotFoundError, match="Set MODELPLANE_APIS"):
        apis.folder()
