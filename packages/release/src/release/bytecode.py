"""Compiled Python that is never checked against its source: starts faster, and is the same bytes each time."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from release.architecture import BUILDER
from release.errors import ReleaseError
from release.runtime import INTERPRETER
from release.tree import Node, Tree, read, write

_COMPILE = """
import compileall, py_compile, sys
root, mode = sys.argv[1], py_compile.PycInvalidationMode.UNCHECKED_HASH
sys.exit(not compileall.compile_dir(root, maxlevels=40, quiet=1, stripdir=root, prependdir='/', invalidation_mode=mode))
"""


def compiled(tree: Tree, runtime: Tree) -> dict[str, Node]:
    """The .pyc of every module in `tree`, made by an image's own Python, whatever Python runs this."""
    with tempfile.TemporaryDirectory() as work:
        root, target = Path(work, "runtime"), Path(work, "tree")
        write(runtime, root)
        write({name: node for name, node in tree.items() if name.endswith(".py")}, target)
        command = [
            str(root / BUILDER.libraries / BUILDER.loader),
            "--library-path",
            str(root / BUILDER.libraries),
            str(root / INTERPRETER),
            "-B",
            "-s",
            "-S",
        ]
        done = subprocess.run(
            [*command, "-c", _COMPILE, str(target)],
            env={"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ReleaseError(f"The image's Python cannot compile: {(done.stdout + done.stderr).strip()}")
        return {name: node for name, node in read(target).items() if name.endswith(".pyc")}
