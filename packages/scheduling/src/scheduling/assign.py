"""Which pool each engine of each replica gets on one cluster: exact, within a budget."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
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
    fits: Mapping[str, tuple[int, ...]]
    rank: Callable[[int], int]
    """The order among pools that are equally tight."""
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
        usable: set[int] = set()
        for engine in self.task.engines:
            fits = self.task.fits[engine.name]
            if sum([free[index] // engine.nodes for index in fits]) < count:
                return False
            usable.update(fits)
        return count * sum([engine.nodes for engine in self.task.engines]) <= sum([free[index] for index in usable])

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
        able = [index for index in self.task.fits[engine.name] if free[index] >= engine.nodes]
        # The KV cache goes from prefill to decode within one fabric.
        if self.task.paired and engine.phase and (domains := self._domains(engine, chosen)):
            pools = self.task.pools
            able = [index for index in able if not pools[index].domain or domains == {pools[index].domain}]
        if len(able) > 1:
            able.sort(key=lambda index: (free[index], self.task.rank(index), index))
        return able

    def _domains(self, engine: EngineNeed, chosen: Mapping[str, int]) -> set[str]:
        """The fabrics of the engines that this one is paired with, where they are declared."""
        pairs = (chosen[other.name] for other in self.task.engines if other.name in chosen and _is_pair(engine, other))
        return {domain for index in pairs if (domain := self.task.pools[index].domain)}


def assign(task: Task, count: int, free: Free, budget: Budget) -> tuple[Assignment, ...] | None:
    """A pool for every engine of so many equal replicas; None when there is none or the budget is spent."""
    return _Search(task, budget).replicas(count, free)


def taken(task: Task, assignment: Assignment, free: Free) -> Free:
    """What is free after one replica."""
    used: Counter[str] = Counter()
    for engine in task.engines:
        used[assignment[engine.name]] += engine.nodes
    return tuple(
        [have - used[pool.name] if pool.name in used else have for pool, have in zip(task.pools, free, strict=True)]
    )


def _is_pair(one: EngineNeed, other: EngineNeed) -> bool:
    return {one.phase, other.phase} == {Phase.PREFILL, Phase.DECODE}
