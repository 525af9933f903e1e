"""Which pool each engine of each replica gets on one cluster: exact, within a budget."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scheduling.capacity import Pool
from scheduling.needs import EngineNeed, Phase

STEPS = 20_000

Assignment = Mapping[str, str]
Free = tuple[int, ...]


@dataclass
class Budget:
    """How many choices a search may still try."""

    left: int = STEPS

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0

    @property
    def exhausted(self) -> bool:
        return self.left < 0


@dataclass(frozen=True)
class Task:
    """Engines and the pools that could take them, apart from their free nodes."""

    engines: tuple[EngineNeed, ...]
    pools: tuple[Pool, ...]
    fits: Mapping[str, frozenset[int]]
    ranks: tuple[int, ...]
    paired: bool = True


@dataclass
class _Search:
    task: Task
    budget: Budget
    dead: set[tuple[int, Free]] = field(default_factory=set)

    def replicas(self, count: int, free: Free) -> tuple[Assignment, ...] | None:
        """Assignments of so many replicas; what was shown impossible is not tried again."""
        if not count:
            return ()
        if (count, free) in self.dead or not self._is_hopeful(count, free):
            return None
        for chosen, left in self._replica(self.task.engines, {}, free):
            rest = self.replicas(count - 1, left)
            if rest is not None:
                names = {name: self.task.pools[index].name for name, index in sorted(chosen.items())}
                return (names, *rest)
        self.dead.add((count, free))
        return None

    def _is_hopeful(self, count: int, free: Free) -> bool:
        """Cheap bounds: each engine alone, and all engines by the sum of their nodes."""
        for engine in self.task.engines:
            if sum(free[index] // engine.nodes for index in self.task.fits[engine.name]) < count:
                return False
        usable = frozenset[int]().union(*self.task.fits.values())
        return count * sum(engine.nodes for engine in self.task.engines) <= sum(free[index] for index in usable)

    def _replica(
        self, open_: tuple[EngineNeed, ...], chosen: Mapping[str, int], free: Free
    ) -> Iterator[tuple[Mapping[str, int], Free]]:
        """Every assignment of one replica, hardest engine first, the tightest pool first."""
        if not open_:
            yield chosen, free
            return
        choices = {engine.name: self._choices(engine, chosen, free) for engine in open_}
        hardest = min(open_, key=lambda engine: (len(choices[engine.name]), -engine.nodes, engine.name))
        rest = tuple(engine for engine in open_ if engine is not hardest)
        for index in choices[hardest.name]:
            if not self.budget.spend():
                return
            left = (*free[:index], free[index] - hardest.nodes, *free[index + 1 :])
            yield from self._replica(rest, {**chosen, hardest.name: index}, left)

    def _choices(self, engine: EngineNeed, chosen: Mapping[str, int], free: Free) -> list[int]:
        able = (index for index in self.task.fits[engine.name] if free[index] >= engine.nodes)
        allowed = (index for index in able if self._is_near(engine, index, chosen))
        return sorted(allowed, key=lambda index: (free[index], self.task.ranks[index], index))

    def _is_near(self, engine: EngineNeed, index: int, chosen: Mapping[str, int]) -> bool:
        """The KV cache goes from prefill to decode within one fabric."""
        if not self.task.paired or engine.phase is None:
            return True
        domain = self.task.pools[index].domain
        others = (other for other in self.task.engines if other.name in chosen and _is_pair(engine, other))
        domains = (self.task.pools[chosen[other.name]].domain for other in others)
        return not domain or all(not other or other == domain for other in domains)


def assign(task: Task, count: int, free: Free, budget: Budget) -> tuple[Assignment, ...] | None:
    """A pool for every engine of so many equal replicas; None when there is none or the budget is spent."""
    return _Search(task, budget).replicas(count, free)


def taken(task: Task, assignment: Assignment, free: Free) -> Free:
    """What is free after one replica."""
    used = {engine.name: engine.nodes for engine in task.engines}
    spent = [sum(used[name] for name, pool in assignment.items() if pool == each.name) for each in task.pools]
    return tuple(have - less for have, less in zip(free, spent, strict=True))


def _is_pair(one: EngineNeed, other: EngineNeed) -> bool:
    return {one.phase, other.phase} == {Phase.PREFILL, Phase.DECODE}
