"""The one folder that a local control plane lives in: what it is to be, its ports, and where each file stands."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from local.errors import RefusedError
from local.pki import Pki
from local.processes import Book, write

CONTROL_PLANE = "control-plane"
_ENTRIES = (
    "clusters",
    "etcd",
    "kubeconfig",
    "logs",
    "pods",
    "processes",
    "tmp",
    "volumes",
    "crossplane",
    "registry",
    "packages",
    "kwok.yaml",
    "state.json",
    ".lock",
)


@dataclass(frozen=True)
class Plan:
    """What was asked for, and the ports that were given to it."""

    clusters: int = 1
    nodes: int | None = None
    stack: bool = False
    packages: str = ""
    by_hand: bool = False
    """Whether a person installs the packages, and we only play what runs them."""
    functions: tuple[str, ...] = ()
    users_kubeconfig: str = ""
    network: int = 0
    """N of 10.N.0.0/16, where pods run; 0 where they are only played."""
    gateways: bool = False
    """Whether the gateways' own controllers run on the workload clusters."""
    created_folder: bool = False
    ports: Mapping[str, int] = field(default_factory=dict)


def default_folder() -> Path:
    """$MODELPLANE_STATE or ~/.modelplane."""
    return Path(os.environ.get("MODELPLANE_STATE") or Path.home() / ".modelplane")


class State:
    """One state folder."""

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder or default_folder()).expanduser().resolve()
        self.book = Book(self.folder)

    @property
    def exists(self) -> bool:
        return self._file.exists()

    @property
    def _file(self) -> Path:
        return self.folder / "state.json"

    def load(self) -> Plan:
        """The recorded plan; the default one when nothing is recorded."""
        if not self.exists:
            return Plan()
        try:
            recorded = json.loads(self._file.read_text())
            return Plan(**{**recorded, "functions": tuple(recorded.get("functions", ()))})
        except (OSError, ValueError, TypeError, AttributeError) as e:
            raise RefusedError(f"{self._file} cannot be read ({e}): run `modelplane down`, then `modelplane up`") from e

    def save(self, plan: Plan) -> None:
        """Record the plan."""
        write(self._file, json.dumps(asdict(plan), indent=1))

    def claim(self) -> None:
        """Make the folder ours, unless it holds something else."""
        if self.exists:
            return
        created = not self.folder.exists()
        if not created and (not self.folder.is_dir() or {entry.name for entry in self.folder.iterdir()} - {".lock"}):
            raise RefusedError(f"{self.folder} holds other files: give --state a new or an empty folder")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.save(replace(Plan(), created_folder=created))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One command at a time; the lock falls with the process that holds it."""
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise RefusedError(f"Another modelplane command works in {self.folder}: wait until it has ended") from e
            yield

    def erase(self) -> None:
        """Remove every file that we made, and the folder if we made it."""
        created = self._created()
        for name in _ENTRIES:
            for partial in self.folder.glob(f".{name}.*"):
                partial.unlink()  # Its writer was killed.
            entry = self.folder / name
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
        if created and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _created(self) -> bool:
        try:
            return self.load().created_folder
        except RefusedError:
            return False

    def pki(self, cluster: str) -> Pki:
        """The certificates of the control plane or of a workload cluster."""
        return Pki(self.folder / "clusters" / cluster / "pki")

    def kubeconfig(self, cluster: str = CONTROL_PLANE) -> Path:
        """The administrator's kubeconfig of the control plane or of a workload cluster."""
        return self.folder / "kubeconfig" / cluster


def cluster_number(cluster: str) -> int:
    """The number of a workload cluster; 0 of the control plane."""
    return 0 if cluster == CONTROL_PLANE else int(cluster.rpartition("-")[2])


def workload_clusters(count: int) -> list[str]:
    """The names of that many workload clusters."""
    return [f"cluster-{i}" for i in range(1, count + 1)]
