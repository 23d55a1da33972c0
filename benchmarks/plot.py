"""Line charts on logarithmic axes as SVG: small enough to need no plotting library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

_WIDTH, _HEIGHT, _MARGIN = 300, 240, 44
_COLORS = ("#3366aa", "#cc6633", "#448844", "#884488")
Table = Mapping[int, Mapping[str, float] | str]  # a row that is a string could not be measured


def line_chart(tables: Mapping[str, Table]) -> str:
    """One panel for each table, side by side: its rows' values in milliseconds over its keys."""
    shown = {title: _lines(table) for title, table in tables.items()}
    panels = [_panel(title, lines) for title, lines in shown.items() if lines]
    body = "".join(
        f'<g transform="translate({i * _WIDTH} 0)">{panel}</g>' for i, panel in enumerate(panels)
    )
    size = f'width="{_WIDTH * len(panels)}" height="{_HEIGHT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>{body}</svg>\n'
    )


def _lines(table: Table) -> dict[str, dict[int, float]]:
    """The columns whose name ends in _ms, without what could not be measured."""
    lines: dict[str, dict[int, float]] = {}
    for x, row in table.items():
        for name, value in {} if isinstance(row, str) else row.items():
            if name.endswith("_ms"):
                lines.setdefault(name.removesuffix("_ms"), {})[x] = value
    return lines


def _panel(title: str, lines: Mapping[str, Mapping[int, float]]) -> str:
    xs = sorted({x for line in lines.values() for x in line})
    top = math.ceil(math.log10(max(y for line in lines.values() for y in line.values())))
    low = math.floor(math.log10(min(y for line in lines.values() for y in line.values())))
    span = math.log(xs[-1] / xs[0]) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = math.log(x / xs[0]) / span * (_WIDTH - 1.6 * _MARGIN)
        up = (math.log10(y) - low) / max(top - low, 1) * (_HEIGHT - 2 * _MARGIN)
        return _MARGIN + across, _HEIGHT - _MARGIN - up

    parts = [f'<text x="{_MARGIN}" y="{_HEIGHT - 8}">{escape(title)}</text>']
    for power in range(low, top + 1):
        y = place(xs[0], 10.0**power)[1]
        label = f"{10**power / 1000:g} s" if power >= 3 else f"{10.0**power:g} ms"
        parts.append(f'<path d="M{_MARGIN} {y:.1f}H{_WIDTH - 20}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_MARGIN - 4}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for x in xs:
        at = place(x, 10.0**low)
        parts.append(f'<text x="{at[0]:.1f}" y="{at[1] + 14:.1f}" text-anchor="middle">{x}</text>')
    for i, (name, line) in enumerate(lines.items()):
        points = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in sorted(line.items()))
        color = _COLORS[i % len(_COLORS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{_MARGIN}" y="{14 + 14 * i}" fill="{color}">{escape(name)}</text>')
    return "".join(parts)
