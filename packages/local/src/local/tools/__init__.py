"""The binaries and files of others that the local control plane runs: where they are and how they are built."""

from __future__ import annotations

from local.tools.building import build
from local.tools.declared import Tool, files, path, table

__all__ = ["Tool", "build", "files", "path", "table"]
