"""What a pod's containers find in /etc/resolv.conf and /etc/hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local.datapath.names import DOMAIN
from local.processes import write

Manifest = dict[str, Any]


def files(pod: Manifest, address: str, nameserver: str, folder: Path) -> dict[str, Path]:
    """Both files, by the path inside of a container; a pod with dnsPolicy Default asks whom this machine asks."""
    found = {"/etc/hosts": hosts(pod, address)}
    if pod["spec"].get("dnsPolicy") != "Default":
        found["/etc/resolv.conf"] = servers(pod, nameserver)
    for inside, text in found.items():
        write(folder / Path(inside).name, text, 0o644)
    return {inside: folder / Path(inside).name for inside in found}


def servers(pod: Manifest, nameserver: str) -> str:
    """Its /etc/resolv.conf: short names are looked for in its namespace first."""
    own = pod["metadata"]["namespace"]
    search = " ".join((f"{own}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN))
    return f"nameserver {nameserver}\nsearch {search}\noptions ndots:5\n"


def hosts(pod: Manifest, address: str) -> str:
    """Its /etc/hosts: itself under its hostname, and under its full name where it has a subdomain."""
    names = [hostname(pod)]
    subdomain = pod["spec"].get("subdomain")
    if subdomain:
        names.insert(0, f"{names[0]}.{subdomain}.{pod['metadata']['namespace']}.svc.{DOMAIN}")
    return f"127.0.0.1 localhost\n::1 localhost\n{address} {' '.join(names)}\n"


def hostname(pod: Manifest) -> str:
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])
