"""Daemons that are recorded by pid and start time, so that nobody else's process is ever stopped.

Each daemon also carries its state folder and name in its environment: a process whose record
was never written (its starter was killed in between) is found by that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local import ports
from local.errors import LocalError

MARK = "MODELPLANE_PROCESS"
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Spec:
    """How a daemon is started. `needs` are facts that, when they change, ask for a restart."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    needs: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        told = json.dumps([self.argv, sorted(self.env.items()), self.needs])
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Record:
    """One process, told apart from every other one that this machine ever runs."""

    name: str
    pid: int
    start: int
    boot: str
    port: int = 0
    fingerprint: str = ""

    @property
    def alive(self) -> bool:
        child = _children.get(self.pid)
        if child is not None:
            child.poll()
        return self.boot == boot_id() and start_time(self.pid) == self.start

    @property
    def uptime(self) -> float:
        """Seconds since the process was started."""
        now = float(Path("/proc/uptime").read_text().split()[0])
        return max(now - self.start / os.sysconf("SC_CLK_TCK"), 0.0)

    @property
    def memory(self) -> int:
        """Resident bytes; 0 when the process is gone."""
        with contextlib.suppress(OSError, IndexError):
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return 0


def boot_id() -> str:
    """Differs after every reboot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError as e:
        raise LocalError("The local control plane needs Linux: processes are told apart by /proc") from e


def start_time(pid: int) -> int | None:
    """Clock ticks between boot and the start of the process; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Book:
    """The records of one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._records = self.folder / "processes"

    def log(self, name: str) -> Path:
        """The file that the process writes to."""
        return self.folder / "logs" / f"{name}.log"

    def find(self, name: str) -> Record | None:
        """The record of that name, if it can be read."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Record(**json.loads((self._records / f"{name}.json").read_text()))
        return None

    def records(self) -> list[Record]:
        """All records, also of processes that are gone."""
        found = (self.find(file.stem) for file in sorted(self._records.glob("*.json")))
        return [record for record in found if record]

    def ensure(self, spec: Spec) -> bool:
        """Start the process unless it runs as it would be started now; whether it was started."""
        record = self.find(spec.name)
        if record and record.alive:
            if record.fingerprint == spec.fingerprint:
                return False
            stop([record])
        stop(self._strays(spec.name))
        if spec.port:
            ports.comes_free(spec.port)
        self._start(spec)
        return True

    def everything(self) -> list[Record]:
        """Every living process of this folder, recorded or not."""
        known = {r.pid: r for r in self.records() if r.alive}
        return list({**{r.pid: r for r in self._strays("")}, **known}.values())

    def forget(self, record: Record) -> None:
        """Remove the record of a process that is gone."""
        (self._records / f"{record.name}.json").unlink(missing_ok=True)

    def _start(self, spec: Spec) -> None:
        self._records.mkdir(parents=True, exist_ok=True)
        self.log(spec.name).parent.mkdir(exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        with self.log(spec.name).open("ab") as log:
            child = subprocess.Popen(
                spec.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.environment(spec),
                start_new_session=True,
            )
        _children[child.pid] = child
        record = Record(spec.name, child.pid, start_time(child.pid) or 0, boot_id(), spec.port, spec.fingerprint)
        write(self._records / f"{spec.name}.json", json.dumps(asdict(record)))

    def environment(self, spec: Spec) -> dict[str, str]:
        """What the process gets to see: little of ours, and the mark by which it is found."""
        kept = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "PYTHONPATH") if k in os.environ}
        return {**kept, "TMPDIR": str(self.folder / "tmp"), MARK: f"{self.folder}:{spec.name}", **spec.env}

    def _strays(self, name: str) -> list[Record]:
        """Living processes that carry this folder's mark (and that name, if one is given)."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                marked = _mark(entry)
                start = start_time(int(entry.name))
                if start and marked.startswith(f"{self.folder}:{name}") and (not name or marked.endswith(f":{name}")):
                    found.append(Record(marked.rpartition(":")[2], int(entry.name), start, boot_id()))
        return found


def _mark(entry: Path) -> str:
    with contextlib.suppress(OSError):
        for pair in (entry / "environ").read_bytes().split(b"\0"):
            if pair.startswith(f"{MARK}=".encode()):
                return pair.partition(b"=")[2].decode(errors="replace")
    return ""


def stop(records: Iterable[Record], grace: float = 8.0) -> None:
    """Ask these processes to end, kill those that do not; return when all are gone."""
    waiting = [r for r in records if r.alive]
    for send in (signal.SIGTERM, signal.SIGKILL):
        handles = {_signalled(r, send): r for r in waiting}
        handles.pop(None, None)
        _await_end({fd for fd in handles if fd is not None}, grace)
        waiting = [r for r in waiting if r.alive]
    if waiting:
        names = ", ".join(f"{r.name} (pid {r.pid})" for r in waiting)
        raise LocalError(f"These processes do not end, not even by SIGKILL: {names}")


def _signalled(record: Record, number: signal.Signals) -> int | None:
    """A handle of the process, opened before the record is checked: the pid cannot pass to another in between."""
    try:
        handle = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return None
    if not record.alive:
        os.close(handle)
        return None
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, number)
    return handle


def _await_end(handles: set[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while handles and time.monotonic() < deadline:
        ended, _, _ = select.select(handles, [], [], deadline - time.monotonic())
        for handle in ended:
            handles.discard(handle)
            os.close(handle)
    for handle in handles:
        os.close(handle)


def write(file: Path, text: str, mode: int = 0o600) -> None:
    """Write the whole file or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as out:
        out.write(text)
    partial.replace(file)
