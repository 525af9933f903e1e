"""The layer that all images share: Debian's Python and the libraries it needs, without shell or package manager."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from release import debian
from release.architecture import ALL, BUILDER, Architecture
from release.debian import Package
from release.tree import Node, only, without

FILE = Path(__file__).with_name("runtime.yaml")
CONTENTS = Path(__file__).with_name("contents.yaml")
USER = 65532
INTERPRETER = "usr/bin/python3.11"
SITE = "usr/local/lib/python3.11/dist-packages/"
# Folders that a container engine mounts over, or that programs expect.
FOLDERS = ("dev", "etc", "proc", "sys", "tmp", "var")


# Whose images also run on clusters and fetch: the Jobs of caches.
FETCHING = ("compose-cluster-cache",)
_TLS = ("usr/lib/python3.11/lib-dynload/_ssl.*",)
_AUTHORITIES = "usr/share/ca-certificates/mozilla/*.crt"
# Where OpenSSL looks for them.
_BUNDLE = "usr/lib/ssl/cert.pem"


def packages(function: str = "", on: Architecture = BUILDER) -> list[Package]:
    """The pinned Debian packages that all images have, and those of one function."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    wanted = (*rows["packages"], *(rows["fetching"] if function in FETCHING else ()))
    return [_package(row, ALL if ALL in row["sha256"] else on.name) for row in wanted]


def _package(row: dict[str, Any], architecture: str) -> Package:
    return Package(row["name"], row["version"], row["sha256"][architecture], architecture)


def dropped(part: str) -> list[str]:
    """The patterns of what is left out of `runtime`, `fetching` or `wheels`."""
    patterns: list[str] = yaml.safe_load(CONTENTS.read_text(encoding="utf-8"))[part]
    return patterns


def files(cache: Path, on: Architecture = BUILDER) -> dict[str, Node]:
    """The runtime's files."""
    return {**without(_unpacked(packages(on=on), cache), dropped("runtime")), **debian.links(), **_accounts()}


def fetching(cache: Path, on: Architecture = BUILDER) -> dict[str, Node]:
    """What an image that fetches has on top."""
    shared, found = _unpacked(packages(on=on), cache), _unpacked(packages(FETCHING[0], on), cache)
    more = {name: node for name, node in found.items() if name not in shared}
    authorities = [node.data for name, node in sorted(only(more, (_AUTHORITIES,)).items())]
    bundle = {_BUNDLE: Node(b"\n".join(authorities))}
    return {**only(shared, _TLS), **without(more, dropped("runtime") + dropped("fetching")), **bundle}


def _unpacked(pinned: Iterable[Package], cache: Path) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for package in pinned:
        found |= debian.unpack(debian.fetch(package, cache))
    return found


def _accounts() -> dict[str, Node]:
    passwd = f"root:x:0:0::/:/sbin/nologin\nnonroot:x:{USER}:{USER}::/tmp:/sbin/nologin\n"
    group = f"root:x:0:\nnonroot:x:{USER}:\n"
    return {
        "etc/passwd": Node(passwd.encode()),
        "etc/group": Node(group.encode()),
        "etc/nsswitch.conf": Node(b"hosts: files dns\n"),
    }
