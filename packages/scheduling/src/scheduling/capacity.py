"""What the fleet offers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from scheduling.labels import LabelSelector
from scheduling.quantity import Quantity, parse_quantity
from scheduling.version import Version, parse_version

Attribute = str | bool | int | Version


class Claim(StrEnum):
    """Whether a driver publishes the device, so that pods can claim it."""

    DRA = "DRA"
    SYNTHETIC = "Synthetic"


@dataclass(frozen=True)
class Traits:
    """What a selector can see of a device, hashable and in order; (domain, name, kind, value)."""

    driver: str
    attributes: tuple[tuple[str, str, str, Attribute], ...]
    capacity: tuple[tuple[str, str, str, Quantity], ...]


@dataclass(frozen=True, eq=False)
class Device:
    """So many equal devices on each node of a class."""

    name: str
    driver: str
    device_class_name: str = ""
    claim: Claim = Claim.DRA
    count: int = 1
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    capacity: Mapping[str, Quantity] = field(default_factory=dict)

    @cached_property
    def traits(self) -> Traits:
        attributes = ((*self._qualified(name), type(value).__name__, value) for name, value in self.attributes.items())
        capacity = ((*self._qualified(name), value.kept, value) for name, value in self.capacity.items())
        return Traits(self.driver, tuple(sorted(attributes, key=_place)), tuple(sorted(capacity, key=_place)))

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return (self.name, self.claim, self.device_class_name, self.count, self.traits)

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self._key == other._key

    def _qualified(self, name: str) -> tuple[str, str]:
        domain, slash, bare = name.partition("/")
        return (domain, bare) if slash else (self.driver, name)


@dataclass(frozen=True)
class NodeClass:
    """What one node offers; invalid is a sentence when its manifest could not be read."""

    name: str
    devices: tuple[Device, ...] = ()
    invalid: str = ""


@dataclass(frozen=True)
class Pool:
    """Equal nodes of a cluster; node_class is None when no such InferenceClass exists."""

    name: str
    class_name: str
    free: int
    node_class: NodeClass | None = None
    domain: str = ""
    drain: bool = False
    waiting: int = 0
    """Nodes that replicas ask for which are there already and have to wait."""
    nodes: int = 0
    """All nodes of the pool, free or not."""
    waiting_since: str = ""
    """When the first of those that wait for it began to, as a Kubernetes timestamp."""


@dataclass(frozen=True)
class Cluster:
    """A workload cluster as the scheduler sees it; caches are the ModelCaches that are Ready there."""

    name: str
    pools: tuple[Pool, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    allowed_namespaces: LabelSelector = field(default_factory=LabelSelector)
    drain: bool = False
    gateway_ready: bool = True
    caches: frozenset[str] = frozenset()


def _place(entry: tuple[str, str, str, Any]) -> tuple[str, str]:
    return entry[:2]


def read_class(name: str, devices: Iterable[Mapping[str, Any]]) -> NodeClass:
    """A NodeClass from the devices of an InferenceClass, as they are written there."""
    try:
        return NodeClass(name, tuple(sorted(map(read_device, devices), key=lambda device: device.name)))
    except ValueError as error:
        return NodeClass(name, invalid=str(error))


def read_device(manifest: Mapping[str, Any]) -> Device:
    """One device entry; ValueError with a sentence that names the field."""
    given = _mapping(manifest, "entry")
    name = _text(given.get("name", ""), "name")
    return Device(
        name=name,
        driver=_text(given.get("driver", ""), f"{name}.driver"),
        device_class_name=_text(given.get("deviceClassName", ""), f"{name}.deviceClassName"),
        claim=_claim(given.get("claim", "DRA"), f"{name}.claim"),
        count=_count(given.get("count", 1), f"{name}.count"),
        attributes={
            key: _attribute(value, f"{name}.attributes.{key}")
            for key, value in _mapping(given.get("attributes"), name).items()
        },
        capacity={
            key: _amount(value, f"{name}.capacity.{key}")
            for key, value in _mapping(given.get("capacity"), name).items()
        },
    )


def _claim(value: object, path: str) -> Claim:
    if value not in tuple(Claim):
        raise ValueError(f"devices.{path} must be DRA or Synthetic")
    return Claim(str(value))


def _count(value: object, path: str) -> int:
    """Numbers that came over the wire as Struct are floats."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or value < 1:
        raise ValueError(f"devices.{path} must be a whole number of at least 1")
    return int(value)


def _attribute(value: object, path: str) -> Attribute:
    given = _mapping(value, path)
    kind, content = next(iter(given.items()), ("", None))
    if len(given) == 1 and kind == "string":
        return _text(content, f"{path}.string")
    if len(given) == 1 and kind == "version":
        return _version(content, f"{path}.version")
    if len(given) == 1 and kind == "bool" and isinstance(content, bool):
        return content
    if (
        len(given) == 1
        and kind == "int"
        and not isinstance(content, bool)
        and isinstance(content, int | float)
        and content == content // 1
    ):
        return int(content)
    raise ValueError(f"devices.{path} must have exactly one of string, version, bool, int, with a value of that type")


def _version(content: object, path: str) -> Version:
    try:
        return parse_version(_text(content, path))
    except ValueError as error:
        raise ValueError(f"devices.{path}: {error}") from None


def _amount(value: object, path: str) -> Quantity:
    content = _mapping(value, path).get("value", "")
    try:
        return parse_quantity(str(content))
    except ValueError as error:
        raise ValueError(f"devices.{path}.value: {error}") from None


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"devices.{path} must be an object")  # noqa: TRY004 - One error for all that a manifest gets wrong.
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(f"devices.{path} must be a text")
    return value
