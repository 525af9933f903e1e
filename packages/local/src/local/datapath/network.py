"""Names and addresses on this machine. They are their own record: whatever bears our number is ours to remove."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import LocalError, RefusedError

NAMESPACES = Path("/run/netns")
_NUMBERS = range(200, 255)
_FIRST_POD, _LAST_POD = 10, 254
_PROGRAMS = ("ip", "nsenter", "unshare", "chroot", "mount", "umount")


@dataclass(frozen=True)
class Network:
    """The pods of workload cluster `cluster` in 10.`number`.`cluster`.0/24."""

    number: int
    cluster: int

    @property
    def bridge(self) -> str:
        return f"mp{self.number}-{self.cluster}"

    @property
    def host(self) -> str:
        """The bridge's own address, where pods find the API server."""
        return self.address(1)

    @property
    def gateway(self) -> str:
        """The address of the cluster's gateway."""
        return self.address(2)

    def address(self, last: int) -> str:
        return f"10.{self.number}.{self.cluster}.{last}"

    def namespace(self, address: str) -> str:
        """The network namespace of the pod with this address, and its link on the bridge."""
        return f"{self.bridge}-{address.rpartition('.')[2]}"


class Addresses:
    """Which pod addresses are free; one that was given back is used last."""

    def __init__(self, network: Network) -> None:
        self._free = [network.address(last) for last in range(_FIRST_POD, _LAST_POD + 1)]

    def take(self) -> str:
        if not self._free:
            raise LocalError("Every pod address of this cluster is taken: delete pods")
        return self._free.pop(0)

    def give_back(self, address: str) -> None:
        self._free.append(address)


def check() -> None:
    """Say in one sentence what this machine lacks."""
    if os.geteuid() != 0:
        raise RefusedError("--data-path makes network namespaces and mounts: run it as root")
    folders = os.environ.get("PATH", "").split(os.pathsep)
    missing = [p for p in _PROGRAMS if not any(os.access(Path(f) / p, os.X_OK) for f in folders)]
    if missing:
        raise RefusedError(f"--data-path needs {', '.join(missing)}: install the packages iproute2 and util-linux")


def choose() -> int:
    """A number that no link and no address of this machine bears."""
    found = json.loads(_ip("-json", "address"))
    taken = {link["ifname"].partition("-")[0] for link in found} | {n.partition("-")[0] for n in namespaces()}
    addresses = [a["local"] for link in found for a in link["addr_info"]]
    for number in _NUMBERS:
        if f"mp{number}" not in taken and not any(a.startswith(f"10.{number}.") for a in addresses):
            return number
    raise LocalError("Every network from 10.200.0.0/16 to 10.254.0.0/16 is in use on this machine")


def bridge(network: Network) -> None:
    """The bridge of a cluster, made when it is not there."""
    names = {link["ifname"] for link in json.loads(_ip("-json", "link"))}
    if network.bridge in names:
        return
    _batch(
        f"link add {network.bridge} type bridge",
        f"address add {network.host}/24 dev {network.bridge}",
        f"link set {network.bridge} up",
    )


def attach(network: Network, address: str) -> str:
    """A network namespace with this address on the cluster's bridge; its name."""
    name = network.namespace(address)
    detach(name)
    _ip("netns", "add", name)
    _batch(
        f"link add {name} type veth peer name eth0 netns {name}",
        f"link set {name} master {network.bridge} up",
    )
    _batch(
        f"address add {address}/24 dev eth0",
        "link set eth0 up",
        "link set lo up",
        f"route add default via {network.host}",
        within=name,
    )
    return name


def detach(name: str) -> None:
    """Remove a namespace, and with it its link."""
    if (NAMESPACES / name).exists():
        _ip("netns", "delete", name)
    with contextlib.suppress(LocalError):  # It goes with its namespace, unless a process still holds that.
        _ip("link", "delete", name)


def namespaces() -> list[str]:
    """The named network namespaces of this machine."""
    return sorted(entry.name for entry in NAMESPACES.iterdir()) if NAMESPACES.is_dir() else []


def remove(number: int, clusters: Iterable[int]) -> None:
    """Remove every namespace, link and bridge of these clusters."""
    for cluster in clusters:
        name = Network(number, cluster).bridge
        for namespace in namespaces():
            if namespace.startswith(f"{name}-"):
                detach(namespace)
        with contextlib.suppress(LocalError):
            _ip("link", "delete", name)


def unmount(folder: Path) -> None:
    """Undo every mount inside of a folder, the innermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    found = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    for point in sorted((p for p in found if p.startswith(f"{folder}/")), reverse=True):
        _run(["umount", "--lazy", point])


def _batch(*lines: str, within: str = "") -> None:
    where = ["-netns", within] if within else []
    _run(["ip", *where, "-batch", "-"], "\n".join(lines) + "\n")


def _ip(*arguments: str) -> str:
    return _run(["ip", *arguments])


def _run(argv: Sequence[str], stdin: str = "") -> str:
    done: subprocess.CompletedProcess[Any] = subprocess.run(
        argv, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LocalError(f"`{' '.join(argv)}` failed: {done.stderr.strip()} {stdin.strip()}")
    return str(done.stdout)
