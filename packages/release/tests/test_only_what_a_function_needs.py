"""An image has the wheels and packages that its function imports, and no others."""

import ast
import importlib.metadata
import sys

import pytest
from release import wheels
from release.errors import ReleaseError
from schemas import apis

# Imported in a function's own packages, but never by the process that serves.
NOT_SERVED = {"kit": {"testing"}, "schemas": {"apis"}}


def _imported(folder):
    """The top-level modules that the sources in a folder import."""
    for path in folder.rglob("*.py"):
        if path.stem in NOT_SERVED.get(path.parent.name, ()):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield str(node.module).partition(".")[0]


def _provided(name):
    if name in wheels.members():
        return {path.name for path in (wheels.members()[name] / "src").iterdir()}
    files = importlib.metadata.files(name) or []
    return {file.parts[0].removesuffix(".py") for file in files}


@pytest.mark.parametrize("function", apis.function_names())
def test_all_that_is_imported_is_in_the_image(function):
    needed = wheels.closure(function)
    provided = set().union(*map(_provided, needed))
    ours = [wheels.members()[name] / "src" for name in needed & set(wheels.members())]
    imported = {module for folder in ours for module in _imported(folder)}
    assert imported - provided - set(sys.stdlib_module_names) == set()


def test_only_those_who_evaluate_selectors_have_cel():
    with_cel = {f for f in apis.function_names() if "cel-expr-python" in wheels.closure(f)}
    assert with_cel == {f for f in apis.function_names() if "modelplane-scheduling" in wheels.closure(f)}
    assert "compose-model-endpoint" not in with_cel


def test_each_wheel_is_locked_by_version_and_hashes():
    found = wheels.locked(["pydantic", "grpcio"])
    assert list(found) == ["grpcio", "pydantic"]
    assert all("--hash=sha256:" in entry and "==" in entry.splitlines()[0] for entry in found.values())
    assert wheels.versions(["grpcio"]) == {"grpcio": importlib.metadata.version("grpcio")}


def test_what_is_not_locked_is_refused_with_the_fix():
    with pytest.raises(ReleaseError, match=r"left-pad not in requirements\.txt: run `make lock`"):
        wheels.locked(["left-pad"])
