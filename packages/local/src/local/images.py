"""A function that is run from the file system of its own image, as a container engine would, without one."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import RefusedError
from local.pki import Pki

# Where Crossplane mounts the certificates of a function.
CERTIFICATES = "tls/server"


@dataclass(frozen=True)
class Unpacked:
    """An image on disk: its layers, top first, and how it wants to be started."""

    layers: tuple[Path, ...]
    config: Mapping[str, Any]


def unpack(package: Path, layers: Path) -> Unpacked:
    """The image in a package file; each layer is unpacked once, whoever shares it."""
    with tarfile.open(package) as archive:
        (manifest,) = json.load(_file(archive, "manifest.json"))
        config = json.load(_file(archive, manifest["Config"]))
        folders = []
        for name in manifest["Layers"]:
            folder = layers / name.partition(".")[0].replace(":", "-")
            if not folder.exists():
                _unpack_layer(archive, name, folder)
            folders.append(folder)
    return Unpacked(tuple(reversed(folders)), config["config"])


def certificates(pki: Pki, folder: Path, user: str) -> Path:
    """A copy of the certificates that the image's user may read."""
    target = folder / CERTIFICATES
    target.mkdir(parents=True, exist_ok=True)
    uid, _, gid = user.partition(":")
    for file in sorted(pki.tls.iterdir()):
        copied = Path(shutil.copy(file, target))
        os.chown(copied, int(uid), int(gid or uid))
    return folder


def command(image: Unpacked, root: Path, own: Path, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Mounts that only the process sees, then the image's own entry point as the image's user."""
    if os.geteuid() != 0:
        raise RefusedError("--packages starts functions in file systems of their own: run it as root")
    lower = ":".join(str(path) for path in (own, *image.layers))
    mount, user = _program("mount"), f"--userspec={image.config['User']}"
    steps = (
        (mount, "-t", "overlay", "overlay", "-o", f"lowerdir={lower}", str(root)),
        (mount, "-t", "proc", "proc", str(root / "proc")),
        (mount, "--bind", "/dev", str(root / "dev")),
        ("exec", _program("chroot"), user, str(root), *image.config["Entrypoint"], *arguments),
    )
    return (_program("unshare"), "--mount", "/bin/sh", "-c", " && ".join(map(shlex.join, steps)))


def _program(name: str) -> str:
    """By its path: the PATH of the process is the image's."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise RefusedError(f"--packages needs the program {name}: install util-linux and coreutils")
    return found


def environment(image: Unpacked) -> dict[str, str]:
    """What the image sets, and where Crossplane says that certificates are."""
    given = dict(pair.split("=", 1) for pair in image.config.get("Env") or [])
    return {**given, "TLS_SERVER_CERTS_DIR": f"/{CERTIFICATES}"}


def _file(archive: tarfile.TarFile, name: str) -> Any:
    return archive.extractfile(name)


def _unpack_layer(archive: tarfile.TarFile, name: str, folder: Path) -> None:
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tarfile.open(fileobj=_file(archive, name)) as layer:
        layer.extractall(partial, filter="fully_trusted")  # noqa: S202 - An image is a whole file system, and our own.
    partial.rename(folder)
