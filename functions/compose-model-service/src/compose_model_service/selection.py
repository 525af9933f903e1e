"""Which endpoints a service sends requests to, and with what weight: pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from kit import names
from kit.address import Address

# The Gateway API's limit of backends in a rule.
MOST_ENDPOINTS = 16
_LARGEST_WEIGHT = 1_000_000


@dataclass(frozen=True)
class Endpoint:
    """A selected endpoint that may be called. `group` is the first selector that picks it."""

    name: str
    group: int
    address: Address
    ready: bool = True
    copies: int = 1
    models: tuple[str, ...] = ()
    header: str = ""
    """The header that carries its credential; empty when it needs none."""
    certificate: str = ""
    """The name that its certificate must carry, where that is not its host."""
    has_authority: bool = False
    """Whether its certificate is checked against an authority of its own."""

    @property
    def is_cluster(self) -> bool:
        """Whether it is behind a workload cluster's gateway that is called by HTTPS."""
        return self.address.is_tls and self.certificate == names.GATEWAY_CERTIFICATE and not self.has_authority

    @property
    def backend(self) -> str:
        """What it shares a Backend with: equal weight, and nothing that is its own."""
        is_own = (self.address.is_tls and not self.is_cluster) or self.header
        if is_own:
            return f"endpoint-{self.name}"
        return f"group-{self.group}-{self.copies}{'-tls' if self.is_cluster else ''}"


@dataclass(frozen=True)
class Choice:
    """The endpoints that requests go to, the path there, and why others are left out."""

    endpoints: tuple[Endpoint, ...] = ()
    path: str = ""
    reason: str = ""
    message: str = ""


def choose(selected: Sequence[Endpoint], total: int, published: Iterable[str], path: str) -> Choice:
    """The ready ones. What cannot be as asked adds nobody: those of `published` that are still ready stay, on `path`."""
    kept = frozenset(published)
    ready = tuple(sorted((each for each in selected if each.ready), key=lambda each: each.name))
    stay = tuple(each for each in ready if each.name in kept and each.address.path == path)
    if total > MOST_ENDPOINTS:
        message = (
            f"{total} endpoints are selected, {MOST_ENDPOINTS} at most: select fewer by label. No new one is added"
        )
        return Choice(stay, path, "TooManyEndpoints", message)
    paths = sorted({each.address.path for each in selected})
    if len(paths) > 1:
        message = (
            f"The endpoints answer at different paths, {', '.join(paths)}: a gateway can replace a service's path by "
            "one only. Give them the same spec.rewritePath, or make a service for each. No new one is added"
        )
        return Choice(stay, path, "PathsDiffer", message)
    return Choice(ready, paths[0] if paths else "")


def shares(endpoints: Sequence[Endpoint], weights: Sequence[int]) -> dict[str, int]:
    """The weight of each Backend: a group's share in proportion to the copies of each endpoint; 0 where none is meant."""
    copies: dict[str, int] = {}
    group_of = {each.backend: each.group for each in endpoints}
    for each in endpoints:
        copies[each.backend] = copies.get(each.backend, 0) + each.copies
    in_group = {g: sum(n for b, n in copies.items() if group_of[b] == g) for g in group_of.values()}
    exact = {b: Fraction(weights[group_of[b]] * n, in_group[group_of[b]]) for b, n in copies.items()}
    return _whole(exact)


def _whole(exact: Mapping[str, Fraction]) -> dict[str, int]:
    """The smallest whole numbers in the same proportions; rounded, and never to nothing, where those are too large."""
    scale = math.lcm(*(f.denominator for f in exact.values()))
    whole = {key: int(value * scale) for key, value in exact.items()}
    divisor = math.gcd(*whole.values()) or 1
    largest = max(whole.values(), default=0) // divisor
    if largest <= _LARGEST_WEIGHT:
        return {key: value // divisor for key, value in whole.items()}
    top = max(exact.values())
    return {key: max(round(value * _LARGEST_WEIGHT / top), int(value > 0)) for key, value in exact.items()}


def models(endpoints: Sequence[Endpoint]) -> tuple[str, ...] | None:
    """All names that requests may give as model; None where an endpoint has to be asked."""
    if not endpoints or not all(each.models for each in endpoints):
        return None
    return tuple(sorted({name for each in endpoints for name in each.models}))
