"""Drawings in text: a network as columns of neurons, losses as curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

__all__ = ["loss_curves", "network_drawing"]

NEURONS_SHOWN = 8
CURVE_WIDTH, CURVE_HEIGHT = 60, 9
FACTOR_FOR_LOGARITHMS = 20
FACTOR_FOR_ZERO = 3
TRAINING, VALIDATION = ("·", "yellow"), ("●", "blue")


def network_drawing(
    inputs: Sequence[str], hidden: Sequence[tuple[int, str]], outputs: Sequence[str], head: str
) -> Text:
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


def loss_curves(train: NDArray[np.float64], validation: NDArray[np.float64] | None) -> Text:
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
