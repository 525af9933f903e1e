from __future__ import annotations

import json

import local
import pytest
from local import control
from local.commands import port_names, process_names
from local.errors import LocalError, RefusedError
from local.processes import write
from local.state import Plan, State


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state")


def test_a_plan_is_remembered(state):
    state.claim()
    state.save(Plan(3, 2, ports={"etcd": 20000}))
    assert Plan(3, 2, ports={"etcd": 20000}) == State(state.folder).load()


def test_a_folder_with_other_files_is_refused(state):
    write(state.folder / "thesis.tex", "x")
    with pytest.raises(RefusedError, match="holds other files"):
        state.claim()
    assert [p.name for p in state.folder.iterdir()] == ["thesis.tex"]


def test_a_folder_that_we_made_goes_with_everything_in_it(state):
    state.claim()
    write(state.folder / "clusters" / "control-plane" / "pki" / "ca.crt", "x")
    (state.folder / ".state.json.123").touch()
    state.erase()
    assert not state.folder.exists()


def test_a_folder_that_was_there_stays_empty(state):
    state.folder.mkdir()
    state.claim()
    state.erase()
    assert list(state.folder.iterdir()) == []


def test_a_users_file_in_our_folder_survives(state):
    state.claim()
    (state.folder / "notes.txt").touch()
    state.erase()
    assert [p.name for p in state.folder.iterdir()] == ["notes.txt"]


def test_an_unreadable_plan_names_the_way_out(state):
    write(state.folder / "state.json", "{")
    with pytest.raises(RefusedError, match="modelplane down"):
        state.load()
    assert local.down(state.folder)
    assert not (state.folder / "state.json").exists()


def test_two_commands_never_work_on_one_folder(state):
    state.claim()
    with state.lock(), pytest.raises(RefusedError, match="Another modelplane command"), State(state.folder).lock():
        pass


def test_fewer_clusters_are_refused_before_anything_changes(state):
    state.claim()
    plan = Plan(2, ports={"etcd": 20000})
    state.save(plan)
    with pytest.raises(RefusedError, match="2 workload clusters exist and `up` only adds"):
        local.up(local.Options(state.folder, clusters=1, kubeconfig=False))
    assert plan == state.load()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(local.Options(), (2, 5), id="nothing-asked-keeps-what-is-recorded"),
        pytest.param(local.Options(clusters=3), (3, 5), id="more-clusters"),
        pytest.param(local.Options(nodes=1), (2, 1), id="other-nodes"),
    ],
)
def test_what_is_asked_replaces_what_is_recorded(options, expected):
    plan = control._plan(Plan(2, 5, ports={"etcd": 20000}), options)
    assert expected == (plan.clusters, plan.nodes)


def test_down_is_fine_twice_and_without_anything(state):
    assert not local.down(state.folder)
    state.claim()
    assert local.down(state.folder)
    assert not local.down(state.folder)


def test_status_names_what_is_missing(state):
    assert local.status(state.folder) == []
    state.claim()
    assert {"missing"} == {p.state for p in local.status(state.folder)}
    assert process_names(Plan()) == [p.name for p in local.status(state.folder)]


def test_a_record_of_a_dead_process_is_dead(state):
    state.claim()
    record = {"name": "etcd", "pid": 1, "start": 1, "boot": "another", "port": 20000}
    write(state.folder / "processes" / "etcd.json", json.dumps(record))
    assert next((p.state, p.port) for p in local.status(state.folder) if p.name == "etcd") == ("dead", 20000)


def test_logs_of_an_unknown_name_say_which_there_are(state):
    with pytest.raises(LocalError, match="run `modelplane up`"):
        local.logs("etcd", state.folder)
    state.claim()
    write(state.book.log("etcd"), "x")
    assert state.book.log("etcd") == local.logs("etcd", state.folder)
    with pytest.raises(RefusedError, match="'nothing'; the logs here are of etcd"):
        local.logs("nothing", state.folder)


@pytest.mark.parametrize("stack", [False, True])
def test_every_port_belongs_to_a_process(stack):
    """`down` and `up` know by the owner whether a port is ours."""
    owners = {name.partition("/")[0] for name in port_names(Plan(clusters=2, stack=stack))}
    assert owners < set(process_names(Plan(clusters=2, stack=stack)))
    assert ("provider-helm" in owners) == stack
    assert ("cluster-1-lws" in owners) != stack


def test_clusters_that_are_equipped_do_not_become_bare(state):
    """What a chart installs would clash with what `up` has put there."""
    state.claim()
    state.save(Plan(clusters=1, ports={"etcd": 20000}))
    with pytest.raises(RefusedError, match="run `modelplane down` first to have --stack"):
        local.up(local.Options(state=state.folder, stack=True, kubeconfig=False))


def test_bare_clusters_bring_their_own_gateways(state):
    """Envoy told by us would listen where the gateway of the charts does."""
    with pytest.raises(RefusedError, match="leave --envoy-alone out"):
        local.up(local.Options(state.folder, stack=True, data_path=True, envoy_alone=True, kubeconfig=False))


def test_a_broken_kubeconfig_stops_up_before_it_starts(state, monkeypatch, tmp_path):
    (tmp_path / "config").write_text("[")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(RefusedError, match="--no-kubeconfig"):
        local.up(local.Options(state.folder))
    assert not state.folder.exists()
