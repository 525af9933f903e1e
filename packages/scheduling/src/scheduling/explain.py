"""Why something was not placed, as data and as one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Gate(StrEnum):
    """What a cluster must pass, in this order; the later one fails, the closer the cluster is."""

    CLUSTER = "Cluster"
    LABEL = "Label"
    NAMESPACE = "Namespace"
    DRAIN = "Drain"
    POOL = "Pool"
    CLASS = "Class"
    DEVICE = "Device"
    COUNT = "Count"
    NODES = "Nodes"
    DOMAIN = "Domain"
    UNDECIDED = "Undecided"
    GATEWAY = "Gateway"
    CACHE = "Cache"

    @property
    def place(self) -> int:
        return _ORDER[self]


_ORDER = {gate: place for place, gate in enumerate(Gate)}


@dataclass(frozen=True)
class Refusal:
    """Why one cluster takes no further replica; the message continues a sentence that starts with its name."""

    cluster: str
    gate: Gate
    message: str
    fix: str = ""
    engine: str = ""
    pool: str = ""
    request: str = ""
    expression: str = ""
    seen: tuple[str, ...] = ()
    needs: int | None = None
    has: int | None = None

    @property
    def rank(self) -> tuple[int, str]:
        """The closest to a placement first."""
        return (-self.gate.place, self.cluster)


@dataclass(frozen=True)
class InvalidSelector:
    """An expression that does not compile: it refuses the deployment, whatever the fleet."""

    engine: str
    role: str
    request: str
    index: int
    expression: str
    message: str

    def __str__(self) -> str:
        place = f"engine {self.engine}, member {self.role}, device {self.request}, selectors[{self.index}].cel"
        return f"{place}: {self.message}"


@dataclass(frozen=True)
class Stale:
    """A replica that stays although its place would not be chosen any more."""

    replica: str
    refusal: Refusal


def count_of(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def summary(placed: int, wanted: int, checked: int, refusals: Sequence[Refusal], most: int = 3) -> str:
    """One sentence for a person, about a deployment and its fleet."""
    head = f"{placed} of {count_of(wanted, 'replica')} placed"
    if placed >= wanted:
        return head
    if not checked:
        return f"{head}: there is no InferenceCluster"
    alike: dict[str, list[str]] = {}
    for refusal in refusals:
        alike.setdefault(refusal.message, []).append(refusal.cluster)
    told = [f"{first} {message}{likewise(others)}" for message, (first, *others) in list(alike.items())[:most]]
    rest = sum(len(names) for names in list(alike.values())[most:])
    tail = [f"and {rest} more"] if rest else []
    return f"{head}: {count_of(checked, 'cluster')} checked; " + "; ".join(told + tail)


def likewise(others: Sequence[str], most: int = 3) -> str:
    """Of what else the same is true; empty when of nothing."""
    more = [f"{len(others) - most} more"] if len(others) > most else []
    return f" (likewise {', '.join([*others[:most], *more])})" if others else ""
