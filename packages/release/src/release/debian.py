"""Debian packages: fetched by apt as they are pinned, and unpacked without dpkg."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from release.architecture import ALL, BUILDER
from release.errors import ReleaseError
from release.tree import Node

_MAGIC, _HEADER = b"!<arch>\n", 60
# Debian merges these into /usr; without the links a path would exist twice.
_MERGED = ("bin", "lib", "lib64", "sbin")


@dataclass(frozen=True)
class Package:
    """One row of runtime.yaml."""

    name: str
    version: str
    sha256: str
    architecture: str = BUILDER.name

    @property
    def asked(self) -> str:
        """As apt is asked for it, which knows what is the same for all by its bare name."""
        return self.name if self.architecture == ALL else f"{self.name}:{self.architecture}"


def fetch(package: Package, cache: Path) -> bytes:
    """The package's bytes, from the cache or from apt's sources; others than the pinned ones are refused."""
    file = cache / f"{package.sha256}.deb"
    if not file.exists():
        data = _download(package, cache)
        file.write_bytes(data)
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != package.sha256:
        file.unlink()
        raise ReleaseError(
            f"{package.name} {package.version} is not the pinned one: "
            "compare with runtime.yaml; `python -m release.pin` takes what apt offers now"
        )
    return data


def unpack(deb: bytes) -> dict[str, Node]:
    """The files that the package installs, under merged /usr."""
    member = next((data for name, data in _members(deb) if name.startswith("data.tar")), None)
    if member is None:
        raise ReleaseError("A Debian package without data.tar: fetch it again")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(member)) as tar:
        for entry in tar:
            node = _node(tar, entry)
            if node:
                found[_merged(entry.name.removeprefix("./"))] = node
    return found


def links() -> dict[str, Node]:
    """The links of merged /usr."""
    return {name: Node(target=f"usr/{name}") for name in _MERGED}


def _node(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Node | None:
    if entry.issym():
        return Node(target=entry.linkname)
    if not (entry.isfile() or entry.islnk()):
        return None
    content = tar.extractfile(entry)
    return Node(content.read() if content else b"", executable=bool(entry.mode & 0o100))


def _merged(name: str) -> str:
    return f"usr/{name}" if name.split("/", maxsplit=1)[0] in _MERGED else name


def _members(ar: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in an ar archive: a header of 60 bytes each, padded to even offsets."""
    if not ar.startswith(_MAGIC):
        raise ReleaseError("This is no Debian package: delete dist/cache and build again")
    at = len(_MAGIC)
    while at < len(ar):
        header = ar[at : at + _HEADER].decode("ascii")
        name, size = header[:16].strip().rstrip("/"), int(header[48:58])
        at += _HEADER
        yield name, ar[at : at + size]
        at += size + size % 2


def _download(package: Package, cache: Path) -> bytes:
    cache.mkdir(parents=True, exist_ok=True)
    work = cache / f".{package.name}"
    work.mkdir(exist_ok=True)
    wanted = f"{package.asked}={package.version}"
    told = _apt(("download", wanted), work, lists(package.architecture, cache))
    found = list(work.glob("*.deb"))
    if not found:
        raise ReleaseError(
            f"apt cannot download {wanted}: {told.strip()}. Run `apt-get update` on Debian 12 and delete dist/cache/lists; "
            "if the archive has a newer version, `python -m release.pin` writes it into runtime.yaml"
        )
    data = found[0].read_bytes()
    for file in found:
        file.unlink()
    work.rmdir()
    return data


def lists(architecture: str, cache: Path) -> tuple[str, ...]:
    """Options by which apt reads lists of that architecture; others than the builder's it gets for us alone."""
    if architecture in (BUILDER.name, ALL):
        return ()
    folder = cache.absolute() / "lists" / architecture
    settings = (f"APT::Architectures::={architecture}", f"Dir::State::lists={folder}", "Dir::Cache::pkgcache=")
    options = tuple(word for setting in (*settings, "Dir::Cache::srcpkgcache=") for word in ("-o", setting))
    if not folder.exists():
        (folder / "partial").mkdir(parents=True)
        _apt(("update",), cache, options)
    return options


def _apt(asked: tuple[str, ...], folder: Path, options: tuple[str, ...]) -> str:
    try:
        # As root, apt would become a user who may not write here, and warn.
        command = ["apt-get", "-o", "APT::Sandbox::User=root", *options, *asked]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as e:
        raise ReleaseError("Packages are built from Debian's Python: run this on Debian 12, or in its container") from e
    return done.stdout + done.stderr
