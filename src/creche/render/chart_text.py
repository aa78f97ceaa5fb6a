"""A chart drawn with characters: an axis to the left, the range of x below, and a legend."""

from __future__ import annotations

import textwrap

import numpy as np

from creche._phrases import write_number
from creche.render.document import Chart

__all__ = ["chart_text"]

HEIGHT = 9  # lines
WIDEST = 72  # characters
AXIS = 10  # characters for a value and the line of the axis
LOGARITHMIC_FROM = 20.0  # the factor between the lowest and the highest value above which the axis is logarithmic
ZERO_BASED_FROM = 3.0  # the factor above which another axis begins at 0


def chart_text(chart: Chart, width: int) -> str:
    """Return a chart as lines of at most `width` characters.

    Examples
    --------
    >>> from creche.render.document import Curve, Point
    >>> print(chart_text(Chart("epoch", [Curve("loss", range(5), [4, 3, 2, 1, 1])], [Point("now", 4, 1)]), 22))
            4 ┤·
              │ ·
              │  ·
              │   ·
            2 ┤    ·
              │     ·
              │      ··●
              │
            0 ┤
    epoch      0       4
               · loss
               ● now

    """
    room = max(min(width, WIDEST) - AXIS - 3, 8)
    values = np.concatenate(
        [*(np.asarray(curve.y, dtype=float) for curve in chart.curves), [p.y for p in chart.points]]
    )
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    high = high if chart.highest is None else max(min(high, chart.highest), low)
    is_logarithmic = low > 0 and high > LOGARITHMIC_FROM * low
    if not is_logarithmic and 0 < low < high / ZERO_BASED_FROM:
        low = 0.0
    bottom, top = (float(np.log(low)), float(np.log(high))) if is_logarithmic else (low, high)
    left = float(min(min(curve.x) for curve in chart.curves))
    right = float(max(max(curve.x) for curve in chart.curves))
    cells = [[" "] * room for _ in range(HEIGHT)]

    def put(x: float, y: float, mark: str) -> None:
        if not np.isfinite(y):
            return
        value = float(np.log(max(y, low))) if is_logarithmic else y
        share = min(max((value - bottom) / (top - bottom) if top > bottom else 0.0, 0.0), 1.0)
        column = round((x - left) / (right - left) * (room - 1)) if right > left else 0
        if 0 <= column < room:
            cells[HEIGHT - 1 - round(share * (HEIGHT - 1))][column] = mark

    for curve in chart.curves:
        across = np.linspace(min(curve.x), max(curve.x), room)
        heights = np.interp(across, np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float))
        for x, y in zip(across.tolist(), heights.tolist(), strict=True):
            put(x, y, curve.mark)
    for point in chart.points:
        put(point.x, point.y, point.mark)
    lines = []
    for row, line in enumerate(cells):
        place = {0: top, HEIGHT // 2: (top + bottom) / 2, HEIGHT - 1: bottom}.get(row)
        value = "" if place is None else write_number(np.exp(place) if is_logarithmic else place, 4)
        lines.append(f"{value:>{AXIS - 1}} {'┤' if value else '│'}{''.join(line)}".rstrip())
    first, last = write_number(left, 4), write_number(right, 4)
    name = f"{chart.x_name[: AXIS - 1]:<{AXIS}}"
    lines.append(f"{name} {first}{last:>{max(room - len(first), len(last) + 1)}}")
    marks = [(curve.mark, curve.name) for curve in chart.curves] + [(point.mark, point.name) for point in chart.points]
    legend = [f"{mark} {name}" for mark, name in marks] + (["(logarithmic)"] if is_logarithmic else [])
    lines += [" " * (AXIS + 1) + line for line in _legend(legend, width - AXIS - 1)]
    return "\n".join(lines)


def _legend(entries: list[str], width: int) -> list[str]:
    """Return the entries side by side, in as many lines as they need."""
    lines: list[str] = []
    for entry in entries:
        if lines and len(lines[-1]) + 3 + len(entry) <= width:
            lines[-1] += f"   {entry}"
        else:
            lines += textwrap.wrap(entry, max(width, 8), subsequent_indent="  ")
    return lines
