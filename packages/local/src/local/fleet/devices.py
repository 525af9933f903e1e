"""The devices of an InferenceClass as a DRA driver on each node would publish them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.fleet.nodes import Node

Manifest = dict[str, Any]
_API = "resource.k8s.io/v1"
# The API server's limit.
_SLICE = 128


def slices(nodes: Iterable[Node], classes: Mapping[str, Manifest]) -> list[Manifest]:
    """The ResourceSlices of every node whose class has devices that can be claimed."""
    return [each for node in nodes for each in _of_node(node, classes.get(node.class_name, {}))]


def device_classes(classes: Iterable[Manifest]) -> list[Manifest]:
    """A DeviceClass for each name that a class refers to; it selects by the drivers of that name."""
    drivers: dict[str, set[str]] = {}
    for device in (d for c in classes for d in _claimable(c)):
        if device.get("deviceClassName"):
            drivers.setdefault(device["deviceClassName"], set()).add(device["driver"])
    return [_device_class(name, sorted(found)) for name, found in sorted(drivers.items())]


def _device_class(name: str, drivers: list[str]) -> Manifest:
    expression = " || ".join(f'device.driver == "{driver}"' for driver in drivers)
    spec = {"selectors": [{"cel": {"expression": expression}}]}
    return {"apiVersion": _API, "kind": "DeviceClass", "metadata": {"name": name}, "spec": spec}


def _of_node(node: Node, owner: Manifest) -> Iterator[Manifest]:
    by_driver: dict[str, list[Manifest]] = {}
    for device in _claimable(owner):
        by_driver.setdefault(device["driver"], []).extend(_copies(device))
    for driver, found in sorted(by_driver.items()):
        parts = [found[i : i + _SLICE] for i in range(0, len(found), _SLICE)]
        for number, part in enumerate(parts):
            suffix = f"-{number}" if number else ""
            spec = {
                "driver": driver,
                "nodeName": node.name,
                "pool": {"name": node.name, "generation": 1, "resourceSliceCount": len(parts)},
                "devices": part,
            }
            metadata = {"name": f"{node.name}-{driver}{suffix}"}
            yield {"apiVersion": _API, "kind": "ResourceSlice", "metadata": metadata, "spec": spec}


def _copies(device: Manifest) -> list[Manifest]:
    facts = {key: device[key] for key in ("attributes", "capacity") if device.get(key)}
    return [{"name": f"{device['name'][:58].rstrip('-')}-{i}", **facts} for i in range(device.get("count") or 1)]


def _claimable(owner: Manifest) -> list[Manifest]:
    devices = owner.get("spec", {}).get("devices") or []
    return [d for d in devices if d.get("claim", "DRA") == "DRA" and d.get("driver")]
