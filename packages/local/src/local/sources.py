"""Which of our own code a process runs, so that `up` restarts it when it runs an older one."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path

from schemas import apis


@functools.cache
def digest(process: str) -> str:
    """Changes with the Python, and the tables beside it, that the process runs."""
    ours = [name.replace("-", "_") for name in apis.function_names()]
    packages = (
        ["contract", "local", "schemas"] if process == "fleet" else ["contract", "kit", "scheduling", "schemas", *ours]
    )
    found = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(p for p in Path(folder).rglob("*") if p.suffix in (".py", ".yaml")):
                found.update(file.read_bytes())
    return found.hexdigest()[:16]
