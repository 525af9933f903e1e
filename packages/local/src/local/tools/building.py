"""Building what is missing: one at a time, each in a folder that gets its name only when it is complete."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.tools.declared import Tool, built, table


@dataclass(frozen=True)
class Step:
    """What is told while building: `state` is cached, building or built."""

    tool: Tool
    state: str
    seconds: float = 0.0


def _quiet(_step: Step) -> None:
    """Tell nobody."""


def build(names: Iterable[str] = (), on_step: Callable[[Step], None] = _quiet) -> None:
    """Build the named tools (all without names) that are not built as they are declared now."""
    wanted = _wanted(list(names))
    with _lock():
        for tool in wanted:
            if tool.place.exists():
                on_step(Step(tool, "cached"))
                continue
            _check_go(tool)
            on_step(Step(tool, "building"))
            start = time.monotonic()
            _make(tool)
            on_step(Step(tool, "built", time.monotonic() - start))


def _wanted(names: list[str]) -> list[Tool]:
    unknown = sorted(set(names) - set(table()))
    if unknown:
        raise LocalError(f"There is no tool {unknown[0]!r} in tools/tools.yaml; it has {', '.join(table())}")
    return [tool for name, tool in table().items() if not names or name in names]


@contextmanager
def _lock() -> Iterator[None]:
    built().mkdir(parents=True, exist_ok=True)
    with (built() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for rest in built().glob(".building-*"):
            shutil.rmtree(rest)
        yield


def _make(tool: Tool) -> None:
    work = built() / f".building-{tool.name}"
    work.mkdir()
    try:
        if tool.package:
            _compile(tool, work / "bin")
        if tool.files:
            _take_files(tool, work / "files")
        work.rename(tool.place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for older in built().glob(f"{tool.name}-v*"):
        if older != tool.place:
            shutil.rmtree(older)


def _compile(tool: Tool, bin_folder: Path) -> None:
    bin_folder.mkdir()
    first, *others = tool.binaries
    variables = " ".join(f"-X={key}={value}" for key, value in tool.variables.items())
    flags = ["-trimpath", "-buildvcs=false", f"-ldflags=-s -w {variables}"]
    _go(tool, "build", *flags, "-o", str(bin_folder / first), tool.package)
    for name in others:
        (bin_folder / name).symlink_to(first)


def _take_files(tool: Tool, target: Path) -> None:
    listed = _go(tool, "mod", "download", "-json", f"{tool.module}@{tool.version}")
    source = Path(json.loads(listed)["Dir"])
    for folder, pattern in tool.files.items():
        (target / folder).mkdir(parents=True)
        found = sorted(source.glob(pattern))
        if not found:
            raise LocalError(
                f"tools/tools.yaml: {tool.name}.files.{folder}: {tool.module} {tool.version} has no {pattern}"
            )
        for file in found:
            copy = shutil.copytree if file.is_dir() else shutil.copyfile
            copy(file, target / folder / file.name)


def _go(tool: Tool, *arguments: str) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    done = subprocess.run(
        ["go", *arguments], cwd=tool.folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise LocalError(f"{tool.name} {tool.version} could not be built; `go {arguments[0]}` says:\n{told}")
    return done.stdout


def _check_go(tool: Tool) -> None:
    need = _numbers((tool.folder / "go.mod").read_text(), r"^go (\S+)$")
    if shutil.which("go") is None:
        raise LocalError(
            f"`make tools` needs Go {_text(need)} or newer and there is no `go` on the PATH: install it from https://go.dev/dl"
        )
    have = _numbers(_go_version(tool.folder), r"go(\d\S*)")
    if have < need:
        raise LocalError(
            f"{tool.name} needs Go {_text(need)} or newer, this is Go {_text(have)}: install a newer one from https://go.dev/dl"
        )


def _go_version(folder: Path) -> str:
    """Asked in the tool's folder, where Go may choose a newer toolchain by itself."""
    for where in (folder, None):
        done = subprocess.run(["go", "env", "GOVERSION"], cwd=where, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
    return "go0"


def _numbers(text: str, pattern: str) -> tuple[int, ...]:
    found = re.search(pattern, text, re.MULTILINE)
    return tuple(int(n) for n in re.findall(r"\d+", found.group(1))) if found else (0,)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
