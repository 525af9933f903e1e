from __future__ import annotations

import os
import sys

import local
import pytest
from cli.main import cli
from click.testing import CliRunner
from local.processes import Book, Spec, write
from local.state import Plan, State


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("MODELPLANE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))

    def run(*arguments):
        result = CliRunner().invoke(cli, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return run


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / "state")
    state.claim()
    return state


@pytest.mark.parametrize("name", ["up", "status", "logs", "down"])
def test_help_says_what_it_does(run, name):
    code, told = run(name, "--help")
    assert code == 0
    assert "--state" in told


def test_without_tools_up_says_so_and_leaves_nothing(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MODELPLANE_TOOLS", str(tmp_path / "none"))
    code, told = run("up")
    assert code == 4
    assert "is not built yet: run `make tools`" in told
    assert list(tmp_path.iterdir()) == []


def test_status_and_down_of_nothing(run):
    assert run("status") == (4, "Nothing runs here: `modelplane up` starts a control plane.\n")
    assert run("down") == (0, "Nothing was running.\n")


def test_status_is_a_table_and_4_when_something_is_dead(run, state):
    Book(state.folder).ensure(Spec("etcd", (sys.executable, "-c", "import time; time.sleep(600)"), port=20000))
    code, told = run("status")
    assert code == 4
    lines = {line.split()[0]: line.split() for line in told.splitlines() if line}
    assert lines["NAME"] == ["NAME", "PID", "STATE", "UPTIME", "MEMORY", "PORT"]
    assert lines["etcd"][2] == "running"
    assert lines["etcd"][-1] == "20000"
    assert lines["apiserver"][2] == "missing"
    assert run("down") == (0, "Stopped; nothing is left.\n")
    assert not state.folder.exists()


def test_logs_are_printed_as_they_are(run, state):
    write(state.book.log("etcd"), "one\n\N{SNOWMAN}\n")
    assert run("logs", "etcd") == (0, "one\n\N{SNOWMAN}\n")
    assert run("logs", "nothing") == (2, "There is no process 'nothing'; the logs here are of etcd\n")


@pytest.mark.parametrize(
    "arguments", [("up", "--clusters", "-1"), ("up", "--clusters", "many"), ("up", "--nodes", "0.5")]
)
def test_nonsense_is_invalid_input(run, arguments):
    assert run(*arguments)[0] == 2


def test_fewer_clusters_are_invalid_input(run, state):
    state.save(Plan(2, ports={"etcd": 20000}))
    code, told = run("up", "--clusters", "1")
    assert code == 2
    assert "run `modelplane down` first" in told


def test_a_folder_that_is_not_ours_is_invalid_input(run, tmp_path, monkeypatch):
    monkeypatch.setattr("local.control.check_tools", lambda _stack: None)
    write(tmp_path / "other" / "thesis.tex", "x")
    code, told = run("up", "--state", str(tmp_path / "other"))
    assert code == 2
    assert "give --state a new or an empty folder" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_sentence(run, tmp_path, monkeypatch):
    monkeypatch.setattr("local.control.check_tools", lambda _stack: None)
    tmp_path.chmod(0o500)
    assert run("up")[0] == 4


def test_a_system_error_is_a_sentence(run, monkeypatch):
    def fails(_folder):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(local, "status", fails)
    assert run("status") == (4, "/somewhere: Permission denied\n")
