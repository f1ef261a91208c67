"""Draws a curve as SVG: few enough lines that no library is needed for it, and readable in any browser and on any forge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WIDTH: Final = 480
_HEIGHT: Final = 260
_LEFT: Final = 64
_BELOW: Final = 44
_MARGIN: Final = 30
_SHARES: Final = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured: for each x a y."""

    name: str
    title: str
    x: str
    y: str
    points: Sequence[tuple[float, float]]


def svg(curve: Curve) -> str:
    """Return the drawing; both axes begin at zero, so that a straight line is what it seems to be."""
    most_x = max(x for x, _ in curve.points) or 1
    most_y = max(y for _, y in curve.points) * 1.1 or 1
    wide, high = _WIDTH - _LEFT - _MARGIN, _HEIGHT - _BELOW - _MARGIN

    def at(x: float, y: float) -> tuple[float, float]:
        return _LEFT + x / most_x * wide, _HEIGHT - _BELOW - y / most_y * high

    spots = [at(x, y) for x, y in curve.points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in spots)
    bottom, middle = _HEIGHT - _BELOW, _LEFT + wide / 2
    ticks_x = "".join(_text(at(most_x * part, 0)[0], bottom + 16, _short(most_x * part)) for part in _SHARES)
    ticks_y = "".join(_text(_LEFT - 8, at(0, most_y * part)[1] + 4, _short(most_y * part), "end") for part in _SHARES)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{_text(middle, 18, curve.title)}'
        f'<path d="M{_LEFT},{_MARGIN}V{bottom}H{_LEFT + wide}" fill="none" stroke="#888"/>'
        f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="2"/><g fill="#2563eb">{dots}</g>'
        f"{ticks_x}{ticks_y}{_text(middle, _HEIGHT - 8, curve.x)}{_text(6, _MARGIN - 8, curve.y, 'start')}</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{text}</text>'


def _short(value: float) -> str:
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"
