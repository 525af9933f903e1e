"""Two targets beside each other as SVG: for each measure, how many of the requests were at least so fast."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from replay.client import Outcome
from replay.figures import MEASURES, TITLES, Runs

WIDTH, HEIGHT, GAP, TOP = 300, 170, 64, 64
_COLOURS = ("#737373", "#0b62a8")


def picture(titles: Sequence[str], runs: Sequence[Runs], note: str = "") -> str:
    """The whole picture, the same for the same outcomes; `note` stands below it."""
    width = 2 * WIDTH + 3 * GAP
    height = TOP + 2 * (HEIGHT + GAP) + 24
    outcomes = [[o for run in each for o in run] for each in runs]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        "<title>Latencies of two targets</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_legend(titles),
    ]
    for n, name in enumerate(MEASURES):
        place = (GAP + n % 2 * (WIDTH + GAP), TOP + n // 2 * (HEIGHT + GAP))
        parts += _panel(place, name, outcomes)
    parts.append(f'<text x="{GAP}" y="{height - 12}" fill="#525252" font-size="10">{escape(note)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _legend(titles: Sequence[str]) -> Iterator[str]:
    for n, (title, colour) in enumerate(zip(titles, _COLOURS, strict=True)):
        x = GAP + n * (WIDTH + GAP)
        yield f'<rect x="{x}" y="16" width="14" height="4" fill="{colour}"/>'
        yield f'<text x="{x + 22}" y="22" fill="{colour}">{escape(title)}</text>'


def _panel(place: tuple[int, int], name: str, outcomes: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    x, y = place
    curves = [sorted(map(MEASURES[name], each)) for each in outcomes]
    top = max((v for curve in curves for v in curve if math.isfinite(v)), default=1.0) or 1.0
    yield f'<text x="{x}" y="{y - 8}" fill="#171717">{TITLES[name]}</text>'
    yield f'<path d="M{x},{y} V{y + HEIGHT} H{x + WIDTH}" fill="none" stroke="#a3a3a3"/>'
    for share in (0.5, 0.9):
        at = y + HEIGHT * (1 - share)
        yield f'<path d="M{x},{at:.1f} H{x + WIDTH}" stroke="#e5e5e5"/>'
        yield f'<text x="{x - 34}" y="{at + 4:.1f}" fill="#737373">{share:.0%}</text>'
    for part in (0.0, 0.5, 1.0):
        label = f"{top * part * 1000:.0f} ms"
        yield f'<text x="{x + WIDTH * part - 14:.0f}" y="{y + HEIGHT + 16}" fill="#737373">{label}</text>'
    for curve, colour in zip(curves, _COLOURS, strict=True):
        yield f'<polyline points="{_points(curve, top, place)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'


def _points(curve: Sequence[float], top: float, place: tuple[int, int]) -> str:
    """Steps up; requests that failed never get there, so the curve ends below the top."""
    x, y = place
    found: list[tuple[float, float]] = [(x, y + HEIGHT)]
    for n, value in enumerate(v for v in curve if math.isfinite(v)):
        across = x + WIDTH * value / top
        found += [(across, y + HEIGHT * (1 - n / len(curve))), (across, y + HEIGHT * (1 - (n + 1) / len(curve)))]
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in found)
