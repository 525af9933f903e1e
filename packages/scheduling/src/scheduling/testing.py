"""Builders for tests: only the field that matters is in sight."""

from collections.abc import Mapping
from typing import Any

from scheduling.capacity import Device, NodeClass, Pool, read_device
from scheduling.needs import DeploymentNeeds, DeviceRequest, EngineNeed, MemberNeed, Phase

ANY_GPU = 'device.driver == "gpu.nvidia.com"'


def memory_of(amount: str) -> str:
    """A selector for GPUs with at least so much memory."""
    return f'device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("{amount}")) >= 0'


def gpu(count: int = 8, memory: str = "80Gi", name: str = "gpu", **manifest: Any) -> Device:
    """A GPU entry of a class; further keywords are fields of its manifest."""
    given: Mapping[str, Any] = {
        "name": name,
        "driver": "gpu.nvidia.com",
        "deviceClassName": "gpu.nvidia.com",
        "count": count,
        "capacity": {"memory": {"value": memory}},
    }
    return read_device({**given, **manifest})


def node_class(*devices: Device, name: str = "h100") -> NodeClass:
    return NodeClass(name, devices or (gpu(),))


def pool(free: int = 4, name: str = "h100", offers: NodeClass | None = None, domain: str = "", **fields: Any) -> Pool:
    """A pool of nodes with eight GPUs, unless told otherwise."""
    offered = offers or node_class()
    return Pool(name, offered.name, free, offered, domain, **fields)


def request(name: str = "gpu", count: int = 1, *selectors: str) -> DeviceRequest:
    return DeviceRequest(name, selectors or (ANY_GPU,), count)


def engine(name: str = "main", nodes: int = 1, phase: Phase | None = None, *requests: DeviceRequest) -> EngineNeed:
    """An engine of one member that needs so many nodes."""
    return EngineNeed(name, (MemberNeed(requests=requests or (request(),)),), nodes, phase)


def needs(replicas: int = 1, *engines: EngineNeed, **fields: Any) -> DeploymentNeeds:
    """A deployment of one engine on one node, unless told otherwise."""
    given = {"uid": "u1", "namespace": "ml-team", **fields}
    return DeploymentNeeds(engines=engines or (engine(),), replicas=replicas, **given)
