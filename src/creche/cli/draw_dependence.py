"""Several curves in one picture of text, and bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

__all__ = ["LOOKS", "bar", "curves_drawing"]

WIDTH, HEIGHT, BAR = 60, 13, 24
# Characters as well as colours tell curves apart; where they cross, the later covers the earlier.
LOOKS = (("●", "blue"), ("x", "yellow"), ("▲", "green"), ("◆", "magenta"), ("+", "cyan"), ("o", "red"), ("#", "white"))


def curves_drawing(
    x: NDArray[np.float64],
    curves: Sequence[tuple[int, NDArray[np.float64]]],
    ends: tuple[str, str],
    heights: tuple[float, float],
    rug: NDArray[np.float64],
) -> Text:
    """Curves through points of rising x, and below how many rows lie where.

    Parameters
    ----------
    x : (n,) float64, rising
    curves : sequence of pairs
        The number of a curve, which decides its look, and its (n,) values.
    ends : (str, str)
        What to write below the ends of x.
    heights : (float, float)
        The lowest and highest value there is room for.
    rug : (rows,) float64
        Where rows lie; NaN is left out.

    """
    (left, right), (low, high) = (float(x[0]), float(x[-1])), heights
    width = right - left or 1.0
    canvas: list[list[tuple[str, str]]] = [[(" ", "")] * WIDTH for _ in range(HEIGHT)]
    across = np.linspace(left, right, WIDTH)
    for number, y in curves:
        for column, value in enumerate(np.interp(across, x, y).tolist()):
            share = (value - low) / (high - low) if high > low else 0.5
            canvas[HEIGHT - 1 - round(share * (HEIGHT - 1))][column] = LOOKS[number % len(LOOKS)]
    labels = {0: high, HEIGHT // 2: (low + high) / 2, HEIGHT - 1: low}
    text = Text()
    for row, cells in enumerate(canvas):
        value = labels.get(row)
        text.append(f"{'' if value is None else f'{value:.4g}':>9} {'│' if value is None else '┤'}", style="dim")
        for character, style in cells:
            text.append(character, style=style)
        text.append("\n")
    present = rug[np.isfinite(rug)]
    counts, _ = np.histogram(present, bins=WIDTH, range=(left, left + width))
    text.append(f"{'rows':>9}  {_density(counts)}\n", style="dim")
    text.append(f"{'':>11}{ends[0]}{ends[1]:>{max(WIDTH - len(ends[0]), 1)}}", style="dim")
    return text


def _density(counts: NDArray[np.int64]) -> str:
    """A row of blocks, higher where there are more."""
    most = max(int(counts.max(initial=0)), 1)
    return "".join(" ▁▂▃▄▅▆▇█"[-(-count * 8 // most)] for count in counts.tolist())


def bar(value: float, low: float, high: float, style: str) -> Text:
    """A bar from low to the value."""
    share = (value - low) / (high - low) if high > low else 0.0
    return Text("█" * round(min(max(share, 0.0), 1.0) * BAR), style=style)
