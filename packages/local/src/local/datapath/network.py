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
_FIRST_FRONT, _FIRST_POD, _LAST_POD = 2, 10, 254
_PROGRAMS = ("ip", "nsenter", "unshare", "chroot", "setpriv", "mount", "umount")


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
        return self.fronts[0]

    @property
    def fronts(self) -> list[str]:
        """The addresses that Services of type LoadBalancer can have."""
        return [self.address(last) for last in range(_FIRST_FRONT, _FIRST_POD)]

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


def take() -> int:
    """A number that no link and no address of this machine bears; its first link is made, so that nobody else takes it."""
    found = json.loads(_ip("-json", "address"))
    taken = {link["ifname"].partition("-")[0] for link in found} | {n.partition("-")[0] for n in namespaces()}
    addresses = [a["local"] for link in found for a in link["addr_info"]]
    for number in _NUMBERS:
        if f"mp{number}" in taken or any(a.startswith(f"10.{number}.") for a in addresses):
            continue
        with contextlib.suppress(LocalError):  # It is there since we looked.
            _ip("link", "add", Network(number, 0).bridge, "type", "bridge")
            return number
    raise LocalError("Every network from 10.200.0.0/16 to 10.254.0.0/16 is in use on this machine")


def bridge(network: Network) -> None:
    """The bridge of a cluster, made when it is not there; that of the first may have been taken without an address."""
    names = {link["ifname"] for link in json.loads(_ip("-json", "link"))}
    _batch(
        *([] if network.bridge in names else [f"link add {network.bridge} type bridge"]),
        f"address replace {network.host}/24 dev {network.bridge}",
        f"link set {network.bridge} up",
    )
    # One cluster's pods reach another's; it goes with the bridge.
    Path(f"/proc/sys/net/ipv4/conf/{network.bridge}/forwarding").write_text("1")


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
    # As container runtimes have it: port 80 needs no root.
    _within(name, "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start")
    return name


def detach(name: str) -> None:
    """Remove a namespace, and with it its link."""
    if (NAMESPACES / name).exists():
        _ip("netns", "delete", name)
    with contextlib.suppress(LocalError):  # It goes with its namespace, unless a process still holds that.
        _ip("link", "delete", name)


def hold(network: Network, address: str, pod: str) -> None:
    """Give the pod with address `pod` one more address, and let this machine look anew for who has it."""
    _batch(f"address replace {address}/32 dev eth0", within=network.namespace(pod))
    _ip("neigh", "flush", "to", address, "dev", network.bridge)


def let_go(network: Network, address: str, pod: str) -> None:
    """Take it away again; it is fine when the pod is gone."""
    if (NAMESPACES / network.namespace(pod)).exists():
        with contextlib.suppress(LocalError):  # It may go at this moment.
            _batch(f"address delete {address}/32 dev eth0", within=network.namespace(pod))


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


def _within(name: str, script: str) -> None:
    _run(["nsenter", f"--net={NAMESPACES / name}", "sh", "-c", script])


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
