"""Which Python a process runs, so that `up` restarts it when it runs an older one."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path

from schemas import apis


@functools.cache
def fingerprint(process: str) -> str:
    """Changes with every byte of the packages that the process runs."""
    ours = [name.replace("-", "_") for name in apis.function_names()]
    packages = ["contract", "local", "schemas"] if process == "fleet" else ["kit", "scheduling", "schemas", *ours]
    digest = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
