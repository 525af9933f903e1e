"""A file system as a value: paths to nodes, laid over one another, and its one possible tar."""

from __future__ import annotations

import fnmatch
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Node:
    """A file, or a symbolic link to `target`."""

    data: bytes = b""
    executable: bool = False
    target: str = ""


Tree = Mapping[str, Node]


def read(folder: Path, prefix: str = "") -> dict[str, Node]:
    """Every file below `folder`, by its path under `prefix`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = f"{prefix}{path.relative_to(folder)}"
        if path.is_symlink():
            found[name] = Node(target=str(path.readlink()))
        elif path.is_file():
            found[name] = Node(path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))
    return found


def write(tree: Tree, folder: Path) -> None:
    """Make the files of `tree` below `folder`."""
    for name, node in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if node.target:
            path.symlink_to(node.target)
            continue
        path.write_bytes(node.data)
        path.chmod(_mode(node))


def without(tree: Tree, patterns: Iterable[str]) -> dict[str, Node]:
    """What is left when all paths that match a pattern are taken away."""
    unwanted = tuple(patterns)
    return {name: node for name, node in tree.items() if not any(fnmatch.fnmatchcase(name, p) for p in unwanted)}


def only(tree: Tree, patterns: Iterable[str]) -> dict[str, Node]:
    """The paths that match a pattern."""
    wanted = tuple(patterns)
    return {name: node for name, node in tree.items() if any(fnmatch.fnmatchcase(name, p) for p in wanted)}


def archive(tree: Tree, folders: Iterable[str] = ()) -> bytes:
    """The tar of `tree`: sorted, of root, from 1970, so that the same files are the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted({*tree, *folders, *(parent for each in tree for parent in _parents(each))}):
            node = tree.get(name)
            info = tarfile.TarInfo(name)
            if node is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            elif node.target:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, node.target, 0o777
                tar.addfile(info)
            else:
                info.size, info.mode = len(node.data), _mode(node)
                tar.addfile(info, io.BytesIO(node.data))
    return out.getvalue()


def _mode(node: Node) -> int:
    return 0o755 if node.executable else 0o644


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]
