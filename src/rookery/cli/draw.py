"""Drawings in text: a network as columns of neurons, losses as curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

__all__ = ["loss_curves", "network_drawing"]

NEURONS_SHOWN = 8
CURVE_WIDTH, CURVE_HEIGHT = 60, 9
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
    """The loss by epoch; with validation rows, both losses."""
    curves = [(train, TRAINING)] + ([(validation, VALIDATION)] if validation is not None else [])
    finite = np.concatenate([curve[np.isfinite(curve)] for curve, _ in curves])
    if len(finite) == 0:
        return Text()
    low, high = min(0.0, float(finite.min())), float(finite.max())
    width = min(CURVE_WIDTH, len(train))
    canvas: list[list[tuple[str, str]]] = [[(" ", "")] * width for _ in range(CURVE_HEIGHT)]
    for curve, mark in curves:
        for x, stretch in enumerate(np.array_split(curve, width)):
            stretch = stretch[np.isfinite(stretch)]
            if len(stretch):
                share = (float(stretch.mean()) - low) / (high - low) if high > low else 0.0
                canvas[CURVE_HEIGHT - 1 - round(share * (CURVE_HEIGHT - 1))][x] = mark
    text = Text()
    for row, cells in enumerate(canvas):
        label = f"{high:.4g}" if row == 0 else f"{low:.4g}" if row == CURVE_HEIGHT - 1 else ""
        text.append(f"{label:>9} ┤", style="dim")
        for character, style in cells:
            text.append(character, style=style)
        text.append("\n")
    text.append(f"{'epoch':>9} 1{len(train):>{max(width - 1, 1)}}\n{'':>11}", style="dim")
    text.append(f"{TRAINING[0]} training loss", style=TRAINING[1])
    if validation is not None:
        text.append(f"   {VALIDATION[0]} validation loss", style=VALIDATION[1])
    return text
