"""The real control plane as processes of this machine."""

from __future__ import annotations

from local.control import Cluster, Options, Process, down, logs, status, up
from local.errors import LocalError, NotReadyError, RefusedError, ToolMissingError

__all__ = [
    "Cluster",
    "LocalError",
    "NotReadyError",
    "Options",
    "Process",
    "RefusedError",
    "ToolMissingError",
    "down",
    "logs",
    "status",
    "up",
]
