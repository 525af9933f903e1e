"""Which devices of one node serve the requests of one pod: exact, with counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from scheduling.capacity import Claim, Device, NodeClass
from scheduling.cel import evaluate, failure, seen_values
from scheduling.explain import Gate
from scheduling.needs import DeviceRequest

STEPS = 2000
LONGEST = 200


@dataclass(frozen=True)
class ResolvedRequest:
    """A request with the one device class that serves it; only DRA ones are claimed."""

    name: str
    device_class_name: str
    count: int
    selectors: tuple[str, ...]
    claim: Claim


@dataclass(frozen=True)
class Matched:
    """Every request with its device class, by name."""

    requests: tuple[ResolvedRequest, ...]


@dataclass(frozen=True)
class Unmatched:
    """Why a node of the class cannot serve the requests."""

    gate: Gate
    request: str
    message: str
    expression: str = ""
    seen: tuple[str, ...] = ()
    needs: int | None = None
    has: int | None = None


_Group = tuple[Claim, str]


@dataclass(frozen=True)
class _Option:
    """One device class that has enough devices for a request: how many of which entries."""

    group: _Group
    supply: tuple[tuple[int, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.supply)


_Open = tuple[tuple[DeviceRequest, tuple[_Option, ...]], ...]


@lru_cache(maxsize=8192)
def match(requests: tuple[DeviceRequest, ...], node_class: NodeClass) -> Matched | Unmatched:
    """Devices for every request of one pod on one empty node, or why there are none."""
    options = {request: _options(request, node_class.devices) for request in requests}
    for request in sorted(requests, key=lambda request: request.name):
        if not options[request]:
            return _no_device(request, node_class)
        if not any(option.total >= request.count for option in options[request]):
            return _too_few(request, node_class, max(option.total for option in options[request]))
    enough = tuple(
        (request, tuple(option for option in options[request] if option.total >= request.count)) for request in requests
    )
    steps = iter(range(STEPS))
    found = _search(enough, {}, steps)
    if found is None:
        return _together(requests, node_class, exhausted=next(steps, None) is None)
    ordered = sorted(found.items(), key=lambda item: item[0].name)
    return Matched(tuple(_resolved(request, option.group) for request, option in ordered))


def _options(request: DeviceRequest, devices: tuple[Device, ...]) -> tuple[_Option, ...]:
    groups: dict[_Group, list[tuple[int, int]]] = {}
    for index, device in enumerate(devices):
        if all(evaluate(text, device.traits).matches for text in request.selectors):
            groups.setdefault((device.claim, device.device_class_name), []).append((index, device.count))
    return tuple(_Option(group, tuple(groups[group])) for group in sorted(groups))


def _search(open_: _Open, taken: Mapping[_Group, _Open], steps: Iterator[int]) -> dict[DeviceRequest, _Option] | None:
    """A device class for every request, hardest first; None when there is none or the steps are used up."""
    if not open_:
        return {}
    if next(steps, None) is None:
        return None
    hardest = min(open_, key=lambda entry: (len(entry[1]), -entry[0].count, entry[0].name))
    request, options = hardest
    for option in options:
        shared = (*taken.get(option.group, ()), (request, (option,)))
        if not _flows(shared):
            continue
        rest = _search(tuple(entry for entry in open_ if entry is not hardest), {**taken, option.group: shared}, steps)
        if rest is not None:
            return {**rest, request: option}
    return None


def _flows(shared: _Open) -> bool:
    """Whether requests that share a device class can all have their devices at once: a maximum flow."""
    flow = _Flow(
        edges=[[index for index, _ in option.supply] for _, (option,) in shared],
        spare={index: count for _, (option,) in shared for index, count in option.supply},
        given=[{} for _ in shared],
    )
    return all(flow.serve(place, request.count) for place, (request, _) in enumerate(shared))


@dataclass
class _Flow:
    """Requests by place, device entries by index, and how many of which each request holds."""

    edges: list[list[int]]
    spare: dict[int, int]
    given: list[dict[int, int]]

    def serve(self, place: int, count: int) -> bool:
        while count:
            moved = self._augment(place, count, {place})
            if not moved:
                return False
            count -= moved
        return True

    def _augment(self, place: int, amount: int, visited: set[int]) -> int:
        """Gives the request up to that many devices, moving other requests aside where needed."""
        for index in self.edges[place]:
            if moved := min(amount, self.spare[index]):
                self.spare[index] -= moved
                self._give(place, index, moved)
                return moved
        for index in self.edges[place]:
            for other in range(len(self.given)):
                held = self.given[other].get(index, 0)
                if other in visited or not held:
                    continue
                visited.add(other)
                if moved := self._augment(other, min(amount, held), visited):
                    self._give(other, index, -moved)
                    self._give(place, index, moved)
                    return moved
        return 0

    def _give(self, place: int, index: int, count: int) -> None:
        self.given[place][index] = self.given[place].get(index, 0) + count


def _resolved(request: DeviceRequest, group: _Group) -> ResolvedRequest:
    return ResolvedRequest(request.name, group[1], request.count, request.selectors, group[0])


def _no_device(request: DeviceRequest, node_class: NodeClass) -> Unmatched:
    """Told by the device that satisfies the most selectors, as it is the nearest."""
    if not node_class.devices:
        return Unmatched(Gate.DEVICE, request.name, f"class {node_class.name} has no devices")
    nearest = max(node_class.devices, key=lambda device: (_satisfied(request, device), device.name))
    text = request.selectors[_satisfied(request, nearest)]
    seen, reason = seen_values(text, nearest.traits), failure(text, nearest.traits)
    because = f"has {', '.join(seen)}" if seen else "does not satisfy it"
    because = f"device {nearest.name} {because}" + (f"; {reason}" if reason else "")
    told = f"class {node_class.name} has no device for request {request.name}: {_brief(text)} ({because})"
    return Unmatched(Gate.DEVICE, request.name, told, text, seen)


def _brief(expression: str) -> str:
    text = " ".join(expression.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _satisfied(request: DeviceRequest, device: Device) -> int:
    """How many selectors hold before the first that does not."""
    verdicts = (evaluate(text, device.traits).matches for text in request.selectors)
    return next((place for place, matches in enumerate(verdicts) if not matches), len(request.selectors))


def _too_few(request: DeviceRequest, node_class: NodeClass, most: int) -> Unmatched:
    message = f"request {request.name} needs {request.count} devices of one device class, a node of class {node_class.name} has {most}"
    return Unmatched(Gate.COUNT, request.name, message, needs=request.count, has=most)


def _together(requests: tuple[DeviceRequest, ...], node_class: NodeClass, exhausted: bool) -> Unmatched:
    names = ", ".join(sorted(request.name for request in requests))
    if exhausted:
        return Unmatched(
            Gate.UNDECIDED,
            names,
            f"whether class {node_class.name} serves requests {names} was not decided in {STEPS} steps",
        )
    return Unmatched(
        Gate.COUNT, names, f"a node of class {node_class.name} serves requests {names} one by one but not together"
    )
