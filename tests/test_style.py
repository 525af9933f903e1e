"""The budgets of this code base, and what no committed file may hold."""

import ast
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "packages/schemas/src/schemas"
SOURCES = [
    path
    for path in sorted([*ROOT.glob("packages/*/src/**/*.py"), *ROOT.glob("functions/*/src/**/*.py")])
    if path.parent != GENERATED or path.name in ("apis.py", "base.py")
]
# In pieces, so that this file does not hold what it forbids.
FORBIDDEN = "|".join(
    [
        *(f"/{folder}/" for folder in ("work", "root", "farm")),
        "/tmp/bash" + "_jobs",  # noqa: S108  # Looked for, not written to.
        *(r"\.".join(host) for host in (("pypi", "org"), ("proxy", "golang", "org"), ("sum", "golang", "org"))),
        *(
            r"\.".join(host)
            for host in (("registry", "npmjs", "org"), ("static", "crates", "io"), ("deb", "debian", "org"))
        ),
        "python" + "hosted",
    ]
)
EXEMPTION = re.compile(
    r"#\s*(?:ruff:\s*)?(?:noqa|type:\s*ignore)\S*(?:\[[^]]*\]|:?\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*)*(.*)$"
)
REASON = re.compile(r"\s+[-#] \S")


def _functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _arguments(function):
    given = function.args
    return [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")]


def _comments(path):
    with tokenize.open(path) as stream:
        return [t for t in tokenize.generate_tokens(stream.readline) if t.type == tokenize.COMMENT]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_to_the_budgets(path):
    """Modules of 300 lines, functions of 40 with 5 arguments (or a comment why more), few comments, reasons to ignore."""
    lines = path.read_text(encoding="utf-8").splitlines()
    functions, comments = _functions(path), _comments(path)
    own = [c for c in comments if lines[c.start[0] - 1].strip().startswith("#")]
    code = sum(1 for line in lines if line.strip()) - len(own)
    found = [
        *([f"{len(lines)} lines"] if len(lines) > 300 else []),
        *(f"{f.name} has {n} lines" for f in functions if (n := f.end_lineno - f.lineno + 1) > 40),
        *(
            f"{f.name} has {n} arguments"
            for f in functions
            if (n := len(_arguments(f))) > 5 and "#" not in lines[f.lineno - 1]
        ),
        *([f"{len(own)} comment lines for {code} of code"] if len(own) > 0.2 * code else []),
        *(
            f"line {c.start[0]} gives no reason"
            for c in comments
            if (m := EXEMPTION.search(c.string)) and not REASON.match(m[1])
        ),
    ]
    assert found == []


def test_no_committed_file_names_this_machine_or_a_registry():
    told = subprocess.run(["git", "grep", "-nIE", FORBIDDEN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 1, told.stdout + told.stderr
