"""The layer that all images share: Debian's Python and the libraries it needs, without shell or package manager."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from release import debian
from release.debian import Package
from release.tree import Node, only, without

FILE = Path(__file__).with_name("runtime.yaml")
CONTENTS = Path(__file__).with_name("contents.yaml")
USER = 65532
INTERPRETER = "usr/bin/python3.11"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = f"{LIBRARIES}/ld-linux-x86-64.so.2"
SITE = "usr/local/lib/python3.11/dist-packages/"
# Folders that a container engine mounts over, or that programs expect.
FOLDERS = ("dev", "etc", "proc", "sys", "tmp", "var")


# Whose images also run on clusters and fetch: the Jobs of caches.
FETCHING = ("compose-cluster-cache",)
_TLS = ("usr/lib/python3.11/lib-dynload/_ssl.*",)
_AUTHORITIES = "usr/share/ca-certificates/mozilla/*.crt"
# Where OpenSSL looks for them.
_BUNDLE = "usr/lib/ssl/cert.pem"


def packages(function: str = "") -> list[Package]:
    """The pinned Debian packages that all images have, and those of one function."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [Package(**row) for row in (*rows["packages"], *(rows["fetching"] if function in FETCHING else ()))]


def dropped(part: str) -> list[str]:
    """The patterns of what is left out of `runtime`, `fetching` or `wheels`."""
    patterns: list[str] = yaml.safe_load(CONTENTS.read_text(encoding="utf-8"))[part]
    return patterns


def files(cache: Path) -> dict[str, Node]:
    """The runtime's files."""
    return {**without(_unpacked(packages(), cache), dropped("runtime")), **debian.links(), **_accounts()}


def fetching(cache: Path) -> dict[str, Node]:
    """What an image that fetches has on top."""
    shared, found = _unpacked(packages(), cache), _unpacked(packages(FETCHING[0]), cache)
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
