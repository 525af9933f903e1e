"""What `modelplane graph` prints, and its exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import click
from offline.report import Node, tree

from cli import svg
from cli.rendering import Wish, rendered

_ARMS = ("├── ", "└── ")
_BESIDE = ("│   ", "    ")


def draw(paths: Sequence[str], output: str) -> int:
    """Print the drawing to standard output; returns the exit code."""
    code, result = rendered(Wish(paths))
    if not result:
        return code
    nodes = tree(result)
    if output == "svg":
        click.echo(svg.picture(nodes), nl=False)
        return code
    click.echo("\n".join(line for node in nodes for line in _lines(_counted(node))))
    return code


def _counted(node: Node) -> Node:
    """With the objects of a cluster in one line, by kind."""
    if not node.is_cluster:
        return replace(node, below=[_counted(child) for child in node.below])
    kinds = Counter(child.title.partition(" ")[0] for child in node.below)
    told = ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in sorted(kinds.items()))
    return replace(node, title=f"{node.title}: {told}", below=[])


def _lines(node: Node) -> Iterable[str]:
    """The node and all below it, each in a line that shows what it hangs from."""
    yield node.title + {True: "  READY", False: "  NOT READY", None: ""}[node.ready]
    for child in node.below:
        last = int(child is node.below[-1])
        first, *rest = _lines(child)
        yield _ARMS[last] + first
        yield from (_BESIDE[last] + line for line in rest)
