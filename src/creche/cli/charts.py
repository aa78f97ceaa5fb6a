"""Drawings in text: a network as columns of neurons, losses as curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

__all__ = ["Mark", "draw_bar", "draw_curve", "draw_loss_curves", "draw_network", "draw_signed_bar"]

NEURONS_SHOWN = 8


CURVE_WIDTH, CURVE_HEIGHT = 60, 9


FACTOR_FOR_LOGARITHMS = 20


FACTOR_FOR_ZERO = 3


TRAINING, VALIDATION = ("·", "yellow"), ("●", "blue")


def draw_network(inputs: Sequence[str], hidden: Sequence[tuple[int, str]], outputs: Sequence[str], head: str) -> Text:
    """The neurons of each layer as a column, with the names of inputs and outputs beside them.

    Parameters
    ----------
    inputs, outputs : names
    hidden : pairs of width and activation
    head : str
        What is done to the output layer's sums.

    """
    columns = [_neurons(len(inputs)), *(_neurons(width) for width, _ in hidden), _neurons(len(outputs))]
    under = [(str(len(inputs)), "inputs"), *((str(w), a) for w, a in hidden), (str(len(outputs)), head)]
    height = max(len(column) for column in columns)
    gap = max(len(word) for pair in under for word in pair) + 2
    left, right = _beside(inputs, height), _beside(outputs, height)
    margin = max(len(name) for name in left)
    text = Text()
    for row in range(height):
        text.append(f"{left[row]:>{margin}}", style="dim")
        for column in columns:
            text.append(_centred(column, height)[row].center(gap), style="blue")
        text.append(right[row] + "\n", style="dim")
    for line in range(2):
        text.append(" " * margin + "".join(pair[line].center(gap) for pair in under).rstrip() + "\n", style="dim")
    text.rstrip()
    return text


def _neurons(width: int) -> list[str]:
    if width <= NEURONS_SHOWN:
        return ["●"] * width
    half = NEURONS_SHOWN // 2
    return ["●"] * half + ["⋮"] + ["●"] * (half - 1)


def _beside(names: Sequence[str], height: int) -> list[str]:
    """Names in the rows of their neurons; of many, the first and the last."""
    if len(names) > NEURONS_SHOWN:
        half = NEURONS_SHOWN // 2
        names = [*names[:half], "…", *names[-(half - 1) :]]
    return _centred([_short(name) for name in names], height)


def _short(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"


def _centred(column: Sequence[str], height: int) -> list[str]:
    above = (height - len(column)) // 2
    return [""] * above + list(column) + [""] * (height - len(column) - above)


def draw_loss_curves(train: NDArray[np.float64], validation: NDArray[np.float64] | None) -> Text:
    """The loss by epoch; with validation rows, both losses.

    Where it falls far, equal steps up are equal factors; where it falls little, the axis does not begin with 0.
    """
    curves = [(train, TRAINING)] + ([(validation, VALIDATION)] if validation is not None else [])
    finite = np.concatenate([curve[np.isfinite(curve)] for curve, _ in curves])
    if len(finite) == 0:
        return Text()
    low, high = float(finite.min()), float(finite.max())
    is_logarithmic = low > 0 and high / low > FACTOR_FOR_LOGARITHMS
    if not is_logarithmic and low < high / FACTOR_FOR_ZERO:
        low = min(0.0, low)
    height = np.log if is_logarithmic else np.asarray
    width = min(CURVE_WIDTH, len(train))
    canvas: list[list[tuple[str, str]]] = [[(" ", "")] * width for _ in range(CURVE_HEIGHT)]
    bottom, top = float(height(low)), float(height(high))
    for curve, mark in curves:
        for x, stretch in enumerate(np.array_split(curve, width)):
            known = stretch[np.isfinite(stretch)]
            if len(known):
                share = (float(height(known.mean())) - bottom) / (top - bottom) if top > bottom else 0.0
                canvas[CURVE_HEIGHT - 1 - round(share * (CURVE_HEIGHT - 1))][x] = mark
    text = Text()
    middle = CURVE_HEIGHT // 2
    for row, cells in enumerate(canvas):
        at = {0: top, middle: (top + bottom) / 2, CURVE_HEIGHT - 1: bottom}.get(row)
        value = None if at is None else float(np.exp(at)) if is_logarithmic else at
        text.append(f"{'' if value is None else f'{value:.4g}':>9} {'┤' if value is not None else '│'}", style="dim")
        for character, style in cells:
            text.append(character, style=style)
        text.append("\n")
    text.append(f"{'epoch':>9} 1{len(train):>{max(width - 1, 1)}}\n{'':>11}", style="dim")
    text.append(f"{TRAINING[0]} training loss", style=TRAINING[1])
    if validation is not None:
        text.append(f"   {VALIDATION[0]} validation loss", style=VALIDATION[1])
    if is_logarithmic:
        text.append("   (logarithmic)", style="dim")
    return text


BAR_WIDTH = 24


HALF = 12


def draw_bar(value: float, most: float) -> Text:
    """A bar as long as the value is large, of the largest.

    Examples
    --------
    >>> draw_bar(1.0, 4.0).plain
    '██████░░░░░░░░░░░░░░░░░░'

    """
    filled = round(value / most * BAR_WIDTH) if most > 0 else 0
    return Text("█" * filled, style="blue") + Text("░" * (BAR_WIDTH - filled), style="dim")


def draw_signed_bar(value: float, most: float) -> Text:
    """A bar to the right of a line where the value is above 0, to the left where it is below.

    Examples
    --------
    >>> draw_signed_bar(-1.0, 2.0).plain, draw_signed_bar(2.0, 2.0).plain
    ('      ▒▒▒▒▒▒│            ', '            │████████████')

    """
    length = round(abs(value) / most * HALF) if most > 0 else 0
    left = Text(" " * (HALF - length)) + Text("▒" * length, style="red") if value < 0 else Text(" " * HALF)
    right = Text("█" * length, style="blue") if value >= 0 else Text()
    return left + Text("│", style="dim") + right + Text(" " * (HALF - len(right)))


WIDTH, HEIGHT = 60, 13


CURVE, LINE = ("·", "blue"), ("-", "yellow")


Mark = tuple[float, float, str, str]


"""A point: x, y, its character and its style."""


def draw_curve(
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
