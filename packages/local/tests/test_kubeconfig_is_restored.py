from __future__ import annotations

import copy

import pytest
import yaml
from local import kubeconfig
from local.errors import RefusedError

USERS = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {},
    "clusters": [{"name": "work", "cluster": {"server": "https://work"}}],
    "users": [{"name": "me", "user": {"token": "t"}}],
    "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me", "namespace": "n"}}],
    "current-context": "work",
}


def single(server):
    return {
        "clusters": [{"name": "x", "cluster": {"server": server}}],
        "users": [{"name": "x", "user": {"client-key-data": "k"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }


OURS = {"": single("https://a"), "cluster-1": single("https://b")}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kube" / "config"


@pytest.fixture
def users_file(file):
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(USERS, sort_keys=False))
    return file


def load(file):
    return yaml.safe_load(file.read_text())


def names(config, key="contexts"):
    return [entry["name"] for entry in config[key]]


def test_our_contexts_are_added_and_the_first_is_current(users_file):
    assert kubeconfig.merge_into(users_file, OURS, "/s") == "modelplane"
    config = load(users_file)
    for key in ("clusters", "users", "contexts"):
        assert {"modelplane", "modelplane-cluster-1"} < set(names(config, key))
    assert config["current-context"] == "modelplane"
    assert next(c for c in config["clusters"] if c["name"] == "modelplane")["cluster"]["server"] == "https://a"


def test_removal_restores_the_file_exactly(users_file):
    before = users_file.read_bytes()
    kubeconfig.merge_into(users_file, OURS, "/s")
    kubeconfig.merge_into(users_file, OURS, "/s")
    kubeconfig.remove_from(users_file, "/s")
    assert before == users_file.read_bytes()


def test_a_file_that_we_created_is_deleted(file):
    kubeconfig.merge_into(file, OURS, "/s")
    assert file.exists()
    kubeconfig.remove_from(file, "/s")
    assert list(file.parent.iterdir()) == []


def test_a_file_that_we_created_is_kept_when_the_user_added_something(file):
    kubeconfig.merge_into(file, OURS, "/s")
    config = load(file)
    for key in ("clusters", "users", "contexts"):
        config[key] += USERS[key]
    file.write_text(yaml.safe_dump(config))
    kubeconfig.remove_from(file, "/s")
    assert names(load(file)) == ["work"]


def test_an_empty_file_of_the_user_is_kept(file):
    file.parent.mkdir()
    file.write_text("")
    kubeconfig.merge_into(file, OURS, "/s")
    kubeconfig.remove_from(file, "/s")
    assert file.exists()


def test_what_the_user_chose_meanwhile_stays_current(users_file):
    kubeconfig.merge_into(users_file, OURS, "/s")
    config = load(users_file)
    users_file.write_text(yaml.safe_dump({**config, "current-context": "work"}))
    kubeconfig.remove_from(users_file, "/s")
    assert load(users_file)["current-context"] == "work"


def test_a_namespace_that_the_user_set_on_our_context_does_not_keep_it(users_file):
    before = load(users_file)
    kubeconfig.merge_into(users_file, OURS, "/s")
    config = load(users_file)
    config["contexts"][1]["context"]["namespace"] = "ml-team"
    users_file.write_text(yaml.safe_dump(config))
    kubeconfig.remove_from(users_file, "/s")
    assert before == load(users_file)


@pytest.mark.parametrize("order", [("/s", "/t"), ("/t", "/s")], ids=["first-first", "last-first"])
def test_two_states_side_by_side_leave_in_any_order(users_file, order):
    before = load(users_file)
    assert kubeconfig.merge_into(users_file, OURS, "/s") == "modelplane"
    assert kubeconfig.merge_into(users_file, OURS, "/t") == "modelplane-2"
    for state in order:
        kubeconfig.remove_from(users_file, state)
    assert before == load(users_file)


def test_two_states_in_a_created_file_leave_nothing(file):
    for state in ("/s", "/t"):
        kubeconfig.merge_into(file, OURS, state)
    for state in ("/s", "/t"):
        kubeconfig.remove_from(file, state)
    assert not file.exists()


def test_a_foreign_context_of_our_name_is_left_alone(users_file):
    config = copy.deepcopy(USERS)
    config["contexts"][0]["name"] = config["current-context"] = "modelplane"
    users_file.write_text(yaml.safe_dump(config))
    assert kubeconfig.merge_into(users_file, OURS, "/s") == "modelplane-2"
    kubeconfig.remove_from(users_file, "/s")
    assert config == load(users_file)


def test_a_cluster_that_is_gone_is_not_merged_again(users_file):
    kubeconfig.merge_into(users_file, OURS, "/s")
    kubeconfig.merge_into(users_file, {"": OURS[""]}, "/s")
    assert names(load(users_file)) == ["work", "modelplane"]


@pytest.mark.parametrize("text", ["[", "- a", "clusters: 3", "contexts: [x]"])
def test_a_broken_file_is_refused_by_its_name(file, text):
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(RefusedError, match="--no-kubeconfig") as refused:
        kubeconfig.read(file)
    assert str(file) in str(refused.value)


def test_the_users_file_is_kubectls(monkeypatch, tmp_path):
    second = tmp_path / "second"
    second.touch()
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'first'}:{second}")
    assert second == kubeconfig.users_file()
    second.unlink()
    assert second == kubeconfig.users_file()
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path / ".kube" / "config" == kubeconfig.users_file()


def test_a_link_to_the_file_stays_a_link(users_file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(users_file)
    kubeconfig.merge_into(link, OURS, "/s")
    assert link.is_symlink()
    assert "modelplane" in names(load(users_file))
