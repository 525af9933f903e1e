"""Never more nodes than there are, whatever is asked for, in any order, from any stale read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from compose_capacity_ledger.books import Books, Entry, Pool, free_nodes, settle
from hypothesis import given
from hypothesis import strategies as st
from kit.capacity import Claim

POOLS = (Pool("a", 4), Pool("b", 3))
nodes = st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 4), min_size=1)


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    asked = draw(st.lists(st.tuples(nodes, st.booleans(), st.integers(0, 5)), max_size=12))
    return [Claim(f"u{n}", "ml-team", f"r{n}", each, kept, str(age)) for n, (each, kept, age) in enumerate(asked)]


def taken(books: Books) -> Counter[str]:
    held: Counter[str] = Counter()
    for entry in books.entries.values():
        held.update(entry.nodes)
    return held


@given(claim_lists(), st.randoms())
def test_capacity_is_never_exceeded_and_order_does_not_matter(claims: list[Claim], random) -> None:
    books = settle(POOLS, {}, claims)
    assert all(taken(books)[pool.name] <= pool.nodes for pool in POOLS)
    shuffled = random.sample(claims, len(claims))
    assert settle(POOLS, {}, shuffled) == books
    assert {*books.entries, *books.refused, *(c.uid for c in books.waiting)} == {c.uid for c in claims}


@given(claim_lists())
def test_a_second_look_changes_nothing(claims: list[Claim]) -> None:
    books = settle(POOLS, {}, claims)
    assert settle(POOLS, books.entries, claims) == books


@given(claim_lists(), claim_lists())
def test_what_is_held_stays_held(claims: list[Claim], later: list[Claim]) -> None:
    """Whoever comes later, and however the pools shrink, nothing is taken back."""
    books = settle(POOLS, {}, claims)
    new = [Claim(f"n{c.uid}", c.namespace, c.replica, c.nodes, c.reserved, c.created) for c in later]
    after = settle([Pool("a", 1)], books.entries, [*claims, *new])
    assert books.entries.items() <= after.entries.items()


@given(claim_lists())
def test_the_first_in_the_queue_really_has_no_room(claims: list[Claim]) -> None:
    books = settle(POOLS, {}, claims)
    free = free_nodes(POOLS, books.entries)
    for claim in books.waiting[:1]:
        assert any(free[pool] < asked for pool, asked in claim.nodes.items())


@dataclass
class World:
    """An API server with versions, an arbiter that may read any old one, and replicas that run once granted."""

    versions: list[dict[str, Entry]] = field(default_factory=lambda: [{}])
    claims: dict[str, Claim] = field(default_factory=dict)
    running: dict[str, Claim] = field(default_factory=dict)

    def arbitrate(self, behind: int) -> None:
        """Read a version, perhaps an old one; a commit from an old one is refused, a projection is not."""
        read = max(len(self.versions) - 1 - behind, 0)
        held = self.versions[read]
        gone = {uid for uid in held if uid not in self.claims and uid not in self.running}
        books = settle(POOLS, held, self.claims.values(), gone)
        if books.entries != held:
            if read == len(self.versions) - 1:
                self.versions.append(dict(books.entries))
            return
        for uid in held:
            if uid in self.claims:
                self.running[uid] = self.claims[uid]

    def end(self, uid: str) -> None:
        self.claims.pop(uid, None)
        self.running.pop(uid, None)


steps = st.lists(st.tuples(st.sampled_from("aaace"), st.integers(0, 9), st.integers(0, 3)), max_size=80)


@given(claim_lists(), steps)
def test_no_interleaving_with_stale_reads_books_a_node_twice(claims: list[Claim], plan) -> None:
    """Checked after every step; and once reads are fresh again, all that fits runs."""
    world, coming = World(), list(claims)
    for what, which, behind in plan:
        if what == "c" and coming:
            claim = coming.pop()
            world.claims[claim.uid] = claim
        elif what == "e" and world.claims:
            world.end(sorted(world.claims)[which % len(world.claims)])
        else:
            world.arbitrate(behind)
        used: Counter[str] = Counter()
        for claim in world.running.values():
            used.update(claim.nodes)
        assert all(used[pool.name] <= pool.nodes for pool in POOLS)
    for _ in range(4):
        world.arbitrate(0)
    assert set(world.running) == set(world.versions[-1])
    assert settle(POOLS, world.versions[-1], world.claims.values()).entries == world.versions[-1]
