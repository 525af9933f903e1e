from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml
from local import tools
from local.errors import LocalError, ToolMissingError
from local.tools import building, declared

FAKE_GO = r"""#!/bin/sh
echo "$PWD $*" >> "$GO_CALLS"
case "$1" in
env) echo "${GO_VERSION:-go1.26.8}" ;;
build) [ -z "$GO_FAILS" ] || { echo "a.go:1: no such thing" >&2; exit 1; }
  while [ "$1" != -o ]; do shift; done; echo binary > "$2" ;;
mod) echo "{\"Dir\": \"$GO_MODULE\"}" ;;
esac
"""
ROW = {
    "module": "example.com/a",
    "version": "v1.0.0",
    "package": ".",
    "binaries": ["one", "two"],
    "files": {"crds": "crd/*.yaml"},
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one tool, and a `go` that only notes what it is asked."""
    folder = tmp_path / "tools" / "a"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module a\n\ngo 1.26.0\n")
    (tmp_path / "tools" / "tools.yaml").write_text(yaml.safe_dump({"a": ROW}))
    (tmp_path / "module" / "crd").mkdir(parents=True)
    (tmp_path / "module" / "crd" / "x.yaml").write_text("kind: X")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").write_text(FAKE_GO)
    (tmp_path / "bin" / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("GO_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("GO_MODULE", str(tmp_path / "module"))
    monkeypatch.delenv("MODELPLANE_TOOLS", raising=False)
    monkeypatch.setattr(declared, "sources", lambda: tmp_path / "tools")
    declared.table.cache_clear()
    yield tmp_path
    declared.table.cache_clear()


def states():
    told = []
    tools.build(on_step=lambda step: told.append(step.state))
    return told


def test_a_tool_is_built_once(checkout):
    assert states() == ["building", "built"]
    assert tools.path("two").read_text() == "binary\n"
    assert (tools.files("a") / "crds" / "x.yaml").read_text() == "kind: X"
    (checkout / "calls").unlink()
    assert states() == ["cached"]
    assert not (checkout / "calls").exists()


def test_a_changed_folder_is_built_anew_and_the_old_one_removed(checkout):
    states()
    old = tools.path("one")
    (checkout / "tools" / "a" / "main.go").write_text("package main")
    with pytest.raises(ToolMissingError, match="run `make tools`"):
        tools.path("one")
    assert states() == ["building", "built"]
    assert not old.exists()


def test_a_killed_build_leaves_nothing_that_counts(checkout):
    half = checkout / ".tools" / ".building-a"
    (half / "bin").mkdir(parents=True)
    with pytest.raises(ToolMissingError):
        tools.path("one")
    assert states() == ["building", "built"]
    assert not half.exists()


def test_a_folder_of_the_module_is_taken_whole(checkout):
    """Charts are folders of folders."""
    (checkout / "module" / "crd" / "x.yaml").unlink()
    (checkout / "module" / "crd" / "chart.yaml" / "templates").mkdir(parents=True)
    (checkout / "module" / "crd" / "chart.yaml" / "templates" / "a.tpl").write_text("a")
    states()
    assert (tools.files("a") / "crds" / "chart.yaml" / "templates" / "a.tpl").read_text() == "a"


def test_a_failed_build_says_what_go_said_and_leaves_nothing(checkout, monkeypatch):
    monkeypatch.setenv("GO_FAILS", "1")
    with pytest.raises(LocalError, match=r"a v1\.0\.0 could not be built.*\n.*no such thing"):
        states()
    assert [p.name for p in (checkout / ".tools").iterdir()] == [".lock"]


def test_files_that_the_module_no_longer_has_are_an_error(checkout):
    (checkout / "module" / "crd" / "x.yaml").unlink()
    with pytest.raises(LocalError, match=r"a\.files\.crds: example\.com/a v1\.0\.0 has no crd"):
        states()


@pytest.mark.usefixtures("checkout")
def test_without_go_there_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LocalError, match=r"`make tools` needs Go 1\.26\.0 or newer") as trouble:
        states()
    assert trouble.value.exit_code == 4


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("version", "ok"), [("go1.25.9", False), ("go1.26.0", True), ("go1.27", True), ("go1.9", False)]
)
def test_a_go_that_is_too_old_is_named(monkeypatch, version, ok):
    monkeypatch.setenv("GO_VERSION", version)
    if ok:
        states()
        return
    with pytest.raises(LocalError, match=rf"a needs Go 1\.26\.0 or newer, this is Go {version[2:]}"):
        states()


@pytest.mark.usefixtures("checkout")
def test_without_go_what_is_built_is_still_found(monkeypatch):
    states()
    monkeypatch.setenv("PATH", "")
    assert states() == ["cached"]


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("find", [tools.path, tools.files])
def test_an_unknown_name_says_what_there_is(find):
    with pytest.raises(ToolMissingError, match=r"There is no tool 'nothing'.*(one, two|a)"):
        find("nothing")


def test_the_module_prints_one_line_per_tool_and_exits_with_4_without_go(tmp_path):
    """The command behind `make tools`, in a folder where nothing is built yet."""
    environment = {"PATH": "", "MODELPLANE_TOOLS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "local.tools", "etcd"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "needs Go" in done.stderr


@pytest.mark.parametrize("name", list(tools.table()))
def test_the_tables_version_is_the_modules(name):
    """The table and go.mod say the same, and go.sum pins it."""
    tool = tools.table()[name]
    pinned = f"{tool.module} {tool.version}"
    assert re.search(rf"^\s*(require )?{re.escape(pinned)}\b", (tool.folder / "go.mod").read_text(), re.MULTILINE)
    assert f"{pinned} h1:" in (tool.folder / "go.sum").read_text()


def test_linker_variables_carry_the_tables_version():
    """Crossplane refuses packages when it does not know its own version."""
    for tool in tools.table().values():
        for variable, value in tool.variables.items():
            if variable.endswith((".version", ".gitVersion")):
                assert tool.version == value


def test_a_version_is_compared_by_numbers():
    assert building._numbers("go1.9.2", r"go(\d\S*)") < building._numbers("go 1.26.0", r"go (\S+)")
