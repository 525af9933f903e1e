"""The result as a tree for people: who composes what, what runs where, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from kit.conditions import NOTHING_WRONG

from offline import conditions
from offline.findings import printable
from offline.plane import Result
from offline.remote import OBJECT_GROUP, cluster_of, manifest_of, observes, removes
from offline.store import Key, Object, controller_uid, key_of


@dataclass(frozen=True)
class Note:
    """One sentence; it counts when something is wrong rather than unknown."""

    text: str
    counts: bool = True


@dataclass
class Node:
    """One line of the tree, its sentences and what stands below."""

    title: str
    ready: bool | None = None
    notes: list[Note] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)
    is_cluster: bool = False


def tree(result: Result, only: str | None = None) -> list[Node]:
    """A node for each composite that nobody composed, or (`remote`) for each cluster."""
    if only == "remote":
        return list(_clusters(result, [k for k in result.objects if _is_object(k)]))
    roots = [key for key in result.composites() if controller_uid(result.objects[key]) is None]
    nodes = [_node(result, key) for key in roots]
    said: set[str] = set()
    for node in nodes:
        _say_once(node, said)
    return [_without_clusters(node) for node in nodes] if only == "composites" else nodes


def _say_once(node: Node, said: set[str]) -> None:
    """What is merely unknown is told where it comes first, not at every replica."""
    node.notes = [note for note in node.notes if note.counts or note.text not in said]
    said |= {note.text for note in node.notes}
    for child in node.below:
        _say_once(child, said)


def _is_object(key: Key) -> bool:
    return (key.group, key.kind) == (OBJECT_GROUP, "Object")


def _without_clusters(node: Node) -> Node:
    return replace(node, below=[_without_clusters(child) for child in node.below if not child.is_cluster])


def _node(result: Result, key: Key) -> Node:
    value = result.objects[key]
    children = result.composed_by(key)
    objects = [k for k in children if _is_object(k)]
    own = [_node(result, k) for k in children if k not in objects]
    is_composite = result.kinds.find(value["apiVersion"], value["kind"]) is not None
    return Node(
        title=str(key),
        ready=conditions.is_true(value, "Ready") if is_composite else None,
        notes=[*_sentences(value), *(Note(printable(f"Warning: {text}")) for text in result.warnings.get(key, ()))],
        below=[*own, *_clusters(result, objects), *_refusals(result, key)],
    )


def _refusals(result: Result, key: Key) -> Iterator[Node]:
    """Every cluster that takes no further replica of a deployment that lacks one, the closest first."""
    reasons = result.reasons.get(key, ())
    if not reasons[1:] or key not in result.unplaced():  # One alone is in the condition already.
        return
    lines = [f"{r['name']} {r['message']}" + (f" ({r['fix']})" if r["fix"] else "") for r in reasons]
    yield Node("clusters that take no further replica", below=[Node(printable(line)) for line in lines])


def _clusters(result: Result, objects: list[Key]) -> Iterator[Node]:
    by_cluster: dict[str, list[Node]] = {}
    for key in objects:
        value = result.objects[key]
        if removes(value):
            continue  # What it removes is shown where it is written.
        by_cluster.setdefault(cluster_of(value, result.objects), []).append(_remote(value))
    for cluster in sorted(by_cluster):
        yield Node(
            f"on cluster {cluster}", below=sorted(by_cluster[cluster], key=lambda node: node.title), is_cluster=True
        )


def _remote(value: Object) -> Node:
    manifest = manifest_of(value)
    title = str(key_of(manifest)) if manifest else str(key_of(value))
    title = f"{title} (only observed)" if observes(value) else title
    ready = conditions.is_true(value, "Ready")
    return Node(title, None if ready else False, _sentences(value))


def _sentences(value: Object) -> list[Note]:
    """What is not True, in its own words; Ready only where nothing else explains it."""
    wrong = [c for c in conditions.of(value) if c.get("status") != "True" and c.get("reason") not in NOTHING_WRONG]
    telling = [c for c in wrong if c["type"] != "Ready"] or [c for c in wrong if c.get("message")]
    return [Note(printable(conditions.sentence(c)), c.get("status") == "False") for c in telling]
