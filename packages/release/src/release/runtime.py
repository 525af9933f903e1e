"""The layer that all images share: Debian's Python and the libraries it needs, without shell or package manager."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from release import debian
from release.debian import Package
from release.tree import Node, without

FILE = Path(__file__).with_name("runtime.yaml")
CONTENTS = Path(__file__).with_name("contents.yaml")
USER = 65532
INTERPRETER = "usr/bin/python3.11"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = f"{LIBRARIES}/ld-linux-x86-64.so.2"
SITE = "usr/local/lib/python3.11/dist-packages/"
# Folders that a container engine mounts over, or that programs expect.
FOLDERS = ("dev", "etc", "proc", "sys", "tmp", "var")


def packages() -> list[Package]:
    """The pinned Debian packages."""
    return [Package(**row) for row in yaml.safe_load(FILE.read_text(encoding="utf-8"))["packages"]]


def dropped(part: str) -> Iterable[str]:
    """The patterns of what is left out of `runtime` or `wheels`."""
    patterns: list[str] = yaml.safe_load(CONTENTS.read_text(encoding="utf-8"))[part]
    return patterns


def files(cache: Path) -> dict[str, Node]:
    """The runtime's files."""
    found: dict[str, Node] = {}
    for package in packages():
        found |= debian.unpack(debian.fetch(package, cache))
    return {**without(found, dropped("runtime")), **debian.links(), **_accounts()}


def _accounts() -> dict[str, Node]:
    passwd = f"root:x:0:0::/:/sbin/nologin\nnonroot:x:{USER}:{USER}::/tmp:/sbin/nologin\n"
    group = f"root:x:0:\nnonroot:x:{USER}:\n"
    return {
        "etc/passwd": Node(passwd.encode()),
        "etc/group": Node(group.encode()),
        "etc/nsswitch.conf": Node(b"hosts: files dns\n"),
    }
