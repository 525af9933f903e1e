"""Which pools serve which engines, their free nodes aside: asked once per class, not once per pool."""

from dataclasses import dataclass, field

from scheduling.capacity import Cluster, NodeClass, Pool
from scheduling.explain import Gate, Refusal
from scheduling.match import Unmatched, match
from scheduling.needs import EngineNeed


@dataclass(frozen=True)
class Unfit:
    """Why a pool cannot take an engine, short of the words: the gate, and what the pool has of what is asked."""

    gate: Gate
    has: int = 0
    answer: Unmatched | None = None
    role: str = ""
    """Of the member that is not served, in an engine that has several."""


_DRAINED = Unfit(Gate.DRAIN)
_NO_CLASS = Unfit(Gate.CLASS)
_FIXES = {Gate.DEVICE: "change the selector, or offer a class with such a device"}


@dataclass
class Fits:
    """Answers for the engines of one deployment, remembered while it is decided."""

    _known: dict[tuple[str, int], tuple[NodeClass, Unfit | None]] = field(default_factory=dict)

    def why_not(self, engine: EngineNeed, pool: Pool) -> Unfit | None:
        """Why the pool could not take the engine even if all of its nodes were free; None when it could."""
        if pool.drain:
            return _DRAINED
        offered = pool.node_class
        if offered is None:
            return _NO_CLASS
        # By identity: to hash a class for each pool takes longer than the rest. It is held, so the id stays its own.
        key = (engine.name, id(offered))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (offered, _unfit(engine, offered))
        return known[1]


def pool_refusal(cluster: Cluster, engine: EngineNeed, pool: Pool) -> Refusal | None:
    """Why a pool could not take the engine even if all of its nodes were free."""
    unfit = Fits().why_not(engine, pool)
    return None if unfit is None else refusal_of(cluster, engine, pool, unfit)


def refusal_of(cluster: Cluster, engine: EngineNeed, pool: Pool, unfit: Unfit) -> Refusal:
    """The words for what does not fit."""
    if unfit.answer is not None:
        return _device_refusal(cluster, engine, pool, unfit.answer, unfit.role)
    message, fix = _told(pool)
    return Refusal(cluster.name, unfit.gate, message, fix, pool=pool.name, engine=engine.name)


def _told(pool: Pool) -> tuple[str, str]:
    if pool.drain:
        return f"drains its pool {pool.name}", f"set drain of pool {pool.name} to false"
    head = f"has pool {pool.name} of class {pool.class_name}, which"
    if pool.node_class is None:
        return (
            f"{head} does not exist",
            f"create InferenceClass {pool.class_name}, or correct className of pool {pool.name}",
        )
    return f"{head} is invalid: {pool.node_class.invalid}", f"correct InferenceClass {pool.class_name}"


def _unfit(engine: EngineNeed, offered: NodeClass) -> Unfit | None:
    if offered.invalid:
        return _NO_CLASS
    for member in engine.claiming:
        answer = match(member.requests, offered)
        if isinstance(answer, Unmatched):
            return Unfit(answer.gate, answer.has or 0, answer, member.role if engine.members[1:] else "")
    return None


def _device_refusal(cluster: Cluster, engine: EngineNeed, pool: Pool, answer: Unmatched, role: str) -> Refusal:
    who = f"the {role} of engine {engine.name}" if role else f"engine {engine.name}"
    return Refusal(
        cluster.name,
        answer.gate,
        f"cannot serve {who} in pool {pool.name}: {answer.message}",
        _FIXES.get(answer.gate, "ask for fewer devices, or offer a class with more of them"),
        engine=engine.name,
        pool=pool.name,
        request=answer.request,
        expression=answer.expression,
        seen=answer.seen,
        needs=answer.needs,
        has=answer.has,
    )
