"""The command that starts a container: its pod's network, a mount namespace on top of this machine's files, pids of its own."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.datapath.network import NAMESPACES

# What a container runtime gives a container that mounts nothing there.
_SHARED = "/dev/shm"  # noqa: S108  # A mount point, no temporary file.
_SHARED_MEMORY = "64m"


@dataclass(frozen=True)
class Launch:
    """A container, resolved: what is left is to run it."""

    namespace: str
    command: Sequence[str]
    env: Mapping[str, str]
    mounts: Mapping[str, Path] = field(default_factory=dict)
    """By the path inside of the container; files and folders of this machine."""
    user: str = ""
    folder: str = "/"
    writable: Sequence[str] = ()
    """Folders that are made, inside of the container, for anybody to write to."""
    idle: bool = False
    """Whether it stands for a program that is not here, so that nothing answers its probes."""

    def argv(self, scratch: Path) -> list[str]:
        """`scratch` is an empty folder that is mounted over, in the container's own mount namespace."""
        isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL"]
        return ["nsenter", f"--net={NAMESPACES / self.namespace}", *isolated, "sh", "-c", self.script(scratch)]

    def script(self, scratch: Path) -> str:
        """Mounts, then the container's own command in place of the shell."""
        base, root = shlex.quote(str(scratch)), shlex.quote(f"{scratch}/root")
        lines = [
            "set -e",
            f"mount -t tmpfs tmpfs {base}",
            f"mkdir {base}/upper {base}/work {base}/dev {base}/devices {root}",
            f"mount -t overlay overlay -o lowerdir=/,upperdir={base}/upper,workdir={base}/work {root}",
            f"mount -t proc proc {root}/proc",
            # A layer of its own: what is mounted or written there is not on this machine.
            f"mount -t overlay overlay -o lowerdir=/dev,upperdir={base}/dev,workdir={base}/devices {root}/dev",
            f"mount -t tmpfs -o size={_SHARED_MEMORY},mode=1777 tmpfs {root}{_SHARED}",
            *(f"mkdir -p -m 777 {root}{shlex.quote(folder)}" for folder in self.writable),
            *(self._bind(f"{scratch}/root", str(place), place) for place in _elsewhere()),
            *(self._bind(f"{scratch}/root", inside, place) for inside, place in sorted(self.mounts.items())),
            self._exec(root),
        ]
        return "\n".join(lines)

    def _bind(self, root: str, inside: str, place: Path) -> str:
        # Resolved here: an absolute link, such as /var/run, would lead out of the container's root.
        there = Path(root + os.path.realpath(inside))
        source, target = shlex.quote(str(place)), shlex.quote(str(there))
        made = f"mkdir -p {target}" if place.is_dir() else f"mkdir -p {shlex.quote(str(there.parent))}; touch {target}"
        return f"{made}; mount --bind {source} {target}"

    def _exec(self, root: str) -> str:
        pairs = [f"{k}={v}" for k, v in self.env.items()]
        words = [
            root.strip("'"),
            *self._as_user(),
            "/usr/bin/env",
            "-i",
            f"--chdir={self.folder}",
            *pairs,
            *self.command,
        ]
        return "exec chroot " + shlex.join(words)

    def _as_user(self) -> list[str]:
        """Linux forgets with another user that a process is to end with its parent, so that is said again."""
        if not self.user:
            return []
        user, _, group = self.user.partition(":")
        return ["setpriv", f"--reuid={user}", f"--regid={group or user}", "--clear-groups", "--pdeathsig=KILL"]


def _elsewhere() -> list[Path]:
    """Folders that this Python needs and that are not on the root file system, which is all that an overlay shows."""
    here = Path("/").stat().st_dev
    needed = {Path(p) for p in (sys.prefix, sys.base_prefix, *sys.path) if p and Path(p).exists()}
    return sorted(p for p in needed if p.stat().st_dev != here)
