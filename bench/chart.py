"""A small line chart on two logarithmic axes, as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 40, 50
COLOURS = ("#0b62a8", "#c2410c", "#15803d", "#7e22ce")


@dataclass(frozen=True)
class Line:
    """Points (x, y) under one name."""

    name: str
    points: list[tuple[float, float]]


def chart(title: str, across: str, up: str, lines: list[Line]) -> str:
    """The whole picture; decades are ruled."""
    xs = _decades([x for line in lines for x, _ in line.points])
    ys = _decades([y for line in lines for _, y in line.points])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 22, title, weight="bold"),
        *_rules(xs, ys),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, anchor="middle"),
        f'<g transform="rotate(-90)">{_text(-(TOP + HEIGHT - BOTTOM) / 2, 18, up, anchor="middle")}</g>',
    ]
    last = float("-inf")
    order = sorted(zip(lines, COLOURS, strict=False), key=lambda each: -each[0].points[-1][1])
    for line, colour in order:
        points = [(_place(x, xs, LEFT, WIDTH - RIGHT), _place(y, ys, HEIGHT - BOTTOM, TOP)) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        last = max(points[-1][1] + 4, last + 16)  # Names of lines that end close together stay apart.
        parts.append(_text(points[-1][0] + 8, last, line.name, colour))
    return "\n".join([*parts, "</svg>", ""])


def _decades(values: list[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _place(value: float, decades: tuple[int, int], start: float, end: float) -> float:
    low, high = decades
    return start + (math.log10(value) - low) / (high - low) * (end - start)


def _rules(xs: tuple[int, int], ys: tuple[int, int]) -> list[str]:
    found = []
    for power in range(xs[0], xs[1] + 1):
        x = _place(10**power, xs, LEFT, WIDTH - RIGHT)
        found += [_rule(x, TOP, x, HEIGHT - BOTTOM), _text(x, HEIGHT - BOTTOM + 16, f"{10**power:,}", anchor="middle")]
    for power in range(ys[0], ys[1] + 1):
        y = _place(10**power, ys, HEIGHT - BOTTOM, TOP)
        found += [_rule(LEFT, y, WIDTH - RIGHT, y), _text(LEFT - 8, y + 4, f"{10.0**power:,g}", anchor="end")]
    return found


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d4d4d4"/>'


def _text(
    x: float, y: float, text: str, colour: str = "#262626", *, anchor: str = "start", weight: str = "normal"
) -> str:
    style = f'fill="{colour}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
