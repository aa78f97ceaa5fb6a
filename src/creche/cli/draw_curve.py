"""A curve in text, with points marked on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

__all__ = ["Mark", "curve_drawing"]

WIDTH, HEIGHT = 60, 13
CURVE, LINE = ("·", "blue"), ("-", "yellow")

Mark = tuple[float, float, str, str]
"""A point: x, y, its character and its style."""


def curve_drawing(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    marks: Sequence[Mark] = (),
    line: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Text:
    """The curve through points of rising x, with a line beside it and marks on top, the last of which covers others.

    Parameters
    ----------
    x, y : (n,) float64, finite
    marks : sequence of Mark
        Those outside the picture are left out.
    line : pair of (m,) arrays, optional

    """
    (left, right), (low, high) = (x[0], x[-1]), (float(y.min()), float(y.max()))
    canvas: list[list[tuple[str, str]]] = [[(" ", "")] * WIDTH for _ in range(HEIGHT)]

    def put(at: float, height: float, cell: tuple[str, str]) -> None:
        column = round((at - left) / (right - left) * (WIDTH - 1))
        share = (height - low) / (high - low) if high > low else 0.5
        row = HEIGHT - 1 - round(min(max(share, -1.0), 2.0) * (HEIGHT - 1))
        if 0 <= column < WIDTH and 0 <= row < HEIGHT:
            canvas[row][column] = cell

    across = np.linspace(left, right, WIDTH)
    if line is not None:
        for at, height in zip(*line, strict=True):
            put(float(at), float(height), LINE)
    for at, height in zip(across, np.interp(across, x, y), strict=True):
        put(float(at), float(height), CURVE)
    for at, height, character, style in marks:
        if np.isfinite(height):
            put(at, height, (character, style))
    text = Text()
    labels = {0: high, HEIGHT // 2: (low + high) / 2, HEIGHT - 1: low}
    for row, cells in enumerate(canvas):
        value = labels.get(row)
        text.append(f"{'' if value is None else f'{value:.4g}':>9} {'│' if value is None else '┤'}", style="dim")
        for character, style in cells:
            text.append(character, style=style)
        text.append("\n")
    first, last = f"{left:.4g}", f"{right:.4g}"
    text.append(f"{'':>11}{first}{last:>{WIDTH - len(first)}}", style="dim")
    return text
