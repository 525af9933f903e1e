"""A tree from left to right as SVG: a box for each node, a line from each to what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from offline.report import Node

ROW, GAP, MARGIN = 26, 46, 16
_HEIGHT, _PADDING, _LETTER = 20, 8, 6.6
# Line and fill.
_READY, _NOT_READY = ("#15803d", "#f0fdf4"), ("#b91c1c", "#fef2f2")
_PLAIN, _CLUSTER = ("#525252", "#ffffff"), ("#0b62a8", "#eff6ff")


@dataclass
class Box:
    """One node with its place: the left edge and the middle of its box."""

    node: Node
    x: float
    y: float
    below: list[Box] = field(default_factory=list)

    @property
    def width(self) -> float:
        return _width(self.node)


def picture(nodes: Sequence[Node]) -> str:
    """The whole picture, the same for the same nodes."""
    columns = _columns(nodes)
    boxes, rows = [], 0
    for node in nodes:
        box, rows = _placed(node, 0, rows, columns)
        boxes.append(box)
    right = max((box.x + box.width for root in boxes for box in _all(root)), default=0)
    width, height = right + MARGIN, rows * ROW + 2 * MARGIN
    frame = f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="ui-monospace, monospace" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>',
        "<title>What is composed</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        *(line for root in boxes for line in _wires(root)),
        *(line for root in boxes for box in _all(root) for line in _drawn(box)),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _columns(nodes: Sequence[Node]) -> list[float]:
    """The left edge of each depth: behind the widest box of the one before."""
    edges, level = [float(MARGIN)], list(nodes)
    while level:
        edges.append(edges[-1] + max(map(_width, level)) + GAP)
        level = [child for node in level for child in node.below]
    return edges


def _placed(node: Node, depth: int, row: int, columns: Sequence[float]) -> tuple[Box, int]:
    """The box of a node beside the middle of what is below it, and the first row that is free after it."""
    below, free = [], row
    for child in node.below:
        box, free = _placed(child, depth + 1, free, columns)
        below.append(box)
    free = max(free, row + 1)
    y = (below[0].y + below[-1].y) / 2 if below else MARGIN + row * ROW + ROW / 2
    return Box(node, columns[depth], y, below), free


def _all(box: Box) -> Iterator[Box]:
    yield box
    for child in box.below:
        yield from _all(child)


def _wires(box: Box) -> Iterator[str]:
    start = box.x + box.width
    for child in box.below:
        bend = child.x - GAP / 2
        path = f"M{start:.1f},{box.y:.1f} H{bend:.1f} V{child.y:.1f} H{child.x:.1f}"
        yield f'<path d="{path}" fill="none" stroke="#a3a3a3"/>'
        yield from _wires(child)


def _drawn(box: Box) -> Iterator[str]:
    line, fill = _colours(box.node)
    place = f'x="{box.x:.1f}" y="{box.y - _HEIGHT / 2:.1f}" width="{box.width:.1f}" height="{_HEIGHT}" rx="4"'
    yield f'<rect {place} fill="{fill}" stroke="{line}"/>'
    title = escape(box.node.title)
    yield f'<text x="{box.x + _PADDING:.1f}" y="{box.y + 4:.1f}" fill="{line}">{title}</text>'


def _colours(node: Node) -> tuple[str, str]:
    if node.is_cluster:
        return _CLUSTER
    return {True: _READY, False: _NOT_READY, None: _PLAIN}[node.ready]


def _width(node: Node) -> float:
    return len(node.title) * _LETTER + 2 * _PADDING
