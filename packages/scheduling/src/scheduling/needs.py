"""What a deployment asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from scheduling.labels import LabelSelector

NAME_OF_NAMESPACE = "kubernetes.io/metadata.name"


class Phase(StrEnum):
    """The half of a PrefillDecode pair that an engine is."""

    PREFILL = "Prefill"
    DECODE = "Decode"


@dataclass(frozen=True)
class DeviceRequest:
    """So many devices that satisfy every selector, as in the exactly block of a ResourceClaim."""

    name: str
    selectors: tuple[str, ...]
    count: int = 1


@dataclass(frozen=True)
class MemberNeed:
    """The pods of one member, each on a node of its own; without requests it claims nothing."""

    role: str = "Standalone"
    pods: int = 1
    requests: tuple[DeviceRequest, ...] = ()


@dataclass(frozen=True)
class EngineNeed:
    """One engine of a replica; all its nodes come from one pool."""

    name: str
    members: tuple[MemberNeed, ...]
    copies: int = 1
    phase: Phase | None = None

    @cached_property
    def nodes(self) -> int:
        return max(self.copies * sum(member.pods for member in self.members), 1)

    @cached_property
    def claiming(self) -> tuple[MemberNeed, ...]:
        return tuple(sorted((member for member in self.members if member.requests), key=lambda member: member.role))


@dataclass(frozen=True)
class DeploymentNeeds:
    """All that decides where the replicas of one deployment may go."""

    uid: str
    namespace: str
    engines: tuple[EngineNeed, ...]
    replicas: int = 1
    cluster_selector: LabelSelector = field(default_factory=LabelSelector)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    cache: str = ""

    @cached_property
    def all_namespace_labels(self) -> Mapping[str, str]:
        """With the one that Kubernetes gives every namespace."""
        return {NAME_OF_NAMESPACE: self.namespace, **self.namespace_labels}


@dataclass(frozen=True)
class Kept:
    """A replica that exists; it never moves."""

    name: str
    cluster: str
    pools: Mapping[str, str]
    created: str = ""
    granted: bool = True
    ready: bool = True
    counted: bool = True
    """Whether its nodes are already missing from the free nodes of its pools."""
    cache: str = ""
    """The ModelCache that its pods mount."""
    changes: bool = False
    """Whether it is to be changed or moved anyway, so that it goes before one that is not."""
