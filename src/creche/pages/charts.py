"""Draw in text: networks as columns of neurons, losses and other numbers as curves and bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from creche._phrases import shorten_text, write_number
from creche.render.text import WIDTH as PAGE_WIDTH
from creche.render.text import terminal_width

__all__ = [
    "BAR_WIDTH",
    "HEIGHT",
    "LINE",
    "MARGIN",
    "WIDTH",
    "Canvas",
    "Drawing",
    "Mark",
    "append_legend",
    "draw_bar",
    "draw_curve",
    "draw_loss_curves",
    "draw_marked_bar",
    "draw_network",
    "draw_signed_bar",
    "fit_bar",
    "fit_drawing",
]

MAX_NEURONS = 8  # of a layer
MAX_NAME, MIN_NAME = 28, 8  # characters
WIDTH, HEIGHT, LOSS_HEIGHT = 60, 13, 9  # of a drawing, in characters
MARGIN = " " * 11  # left of a drawing, where the axis is
LOGARITHMIC_FROM = 20  # the factor between lowest and highest loss above which the axis is logarithmic
ZERO_BASED_FROM = 3  # the factor above which a linear axis begins at 0
BAR_WIDTH, HALF_WIDTH, MARKED_WIDTH = 24, 12, 20

Mark = tuple[str, str]
"""A character and its style."""

TRAINING: Mark = ("·", "yellow")
VALIDATION: Mark = ("●", "blue")
CURVE: Mark = ("·", "blue")
LINE: Mark = ("-", "yellow")


def fit_drawing(width: int = WIDTH) -> int:
    """Return the width of a drawing beside its axis: less in a narrow terminal."""
    return max(min(width, terminal_width() - len(MARGIN) - 1), 10)


def fit_bar(width: int = BAR_WIDTH) -> int:
    """Return the width of a bar in a table: less in a narrow terminal."""
    return max(min(width, width * terminal_width() // PAGE_WIDTH), 6)


class Drawing(Text):
    """A drawing made of characters: its lines are never broken, and a plot can take its place."""


def draw_network(
    inputs: Sequence[str], hidden: Sequence[tuple[int, str]], outputs: Sequence[str], head: str
) -> Drawing:
    """Draw the neurons of each layer as a column, between the names of the inputs and of the outputs.

    Parameters
    ----------
    inputs, outputs : sequence of str
        Their names.
    hidden : sequence of (int, str)
        Width and activation of each hidden layer.
    head : str
        The function applied to the sums of the output layer, such as "softmax".

    Returns
    -------
    Drawing
        Empty if the terminal is too narrow for it.

    """
    columns = [_neurons(len(inputs)), *(_neurons(width) for width, _ in hidden), _neurons(len(outputs))]
    captions = [(str(len(inputs)), "inputs"), *((str(w), a) for w, a in hidden), (str(len(outputs)), head)]
    height = max(len(column) for column in columns)
    gap = max(len(caption) for pair in captions for caption in pair) + 2
    room = terminal_width() - 1 - gap * len(columns)
    longest = min(MAX_NAME, max(map(len, outputs)), max(room - MIN_NAME, room // 2))
    right = _align_names(outputs, height, longest)
    left = _align_names(inputs, height, min(MAX_NAME, room - max(map(len, right))))
    if room < 2 * MIN_NAME:
        return Drawing()
    margin = max(len(name) for name in left)
    text = Drawing()
    for row in range(height):
        text.append(f"{left[row]:>{margin}}", style="dim")
        for column in columns:
            text.append(_center(column, height)[row].center(gap), style="blue")
        text.append(right[row] + "\n", style="dim")
    for line in range(2):
        text.append(" " * margin + "".join(pair[line].center(gap) for pair in captions).rstrip() + "\n", style="dim")
    text.rstrip()
    return text


def _neurons(width: int) -> list[str]:
    if width <= MAX_NEURONS:
        return ["●"] * width
    half = MAX_NEURONS // 2
    return ["●"] * half + ["⋮"] + ["●"] * (half - 1)


def _align_names(names: Sequence[str], height: int, longest: int) -> list[str]:
    """Align names with their neurons; of many names, take the first and the last."""
    if len(names) > MAX_NEURONS:
        half = MAX_NEURONS // 2
        names = [*names[:half], "…", *names[-(half - 1) :]]
    return _center([shorten_text(name, max(longest, 1)) for name in names], height)


def _center(column: Sequence[str], height: int) -> list[str]:
    above = (height - len(column)) // 2
    return [""] * above + list(column) + [""] * (height - len(column) - above)


class Canvas:
    """A grid of characters with an axis of values to its left.

    Parameters
    ----------
    width, height : int
        In characters.

    """

    def __init__(self, width: int, height: int = HEIGHT) -> None:
        self._cells: list[list[Mark]] = [[(" ", "")] * width for _ in range(height)]

    def put(self, column: int, share: float, mark: Mark) -> None:
        """Put a mark at a share of the height, 0 at the bottom and 1 at the top; outside the grid it is left out."""
        top = len(self._cells) - 1
        row = top - round(min(max(share, -1.0), 2.0) * top)
        if 0 <= column < len(self._cells[0]) and 0 <= row <= top:
            self._cells[row][column] = mark

    def draw(self, bottom: float, top: float, *, is_logarithmic: bool = False, digits: int = 4) -> Drawing:
        """Draw the grid; `bottom` and `top` are the ends of the axis, logarithms where it is logarithmic."""
        last = len(self._cells) - 1
        text = Drawing()
        for row, cells in enumerate(self._cells):
            position = {0: top, len(self._cells) // 2: (top + bottom) / 2, last: bottom}.get(row)
            value = "" if position is None else f"{np.exp(position) if is_logarithmic else position:.{digits}g}"
            text.append(f"{value:>9} {'┤' if value else '│'}", style="dim")
            for character, style in cells:
                text.append(character, style=style)
            text.append("\n")
        return text


def draw_loss_curves(train: NDArray[np.float64], validation: NDArray[np.float64] | None) -> Drawing:
    """Draw the training loss by epoch, and the validation loss if there is one.

    The axis is logarithmic where the loss falls by a large factor, and does not begin at 0 where it falls little.
    """
    curves = [(train, TRAINING)] + ([(validation, VALIDATION)] if validation is not None else [])
    finite = np.concatenate([curve[np.isfinite(curve)] for curve, _ in curves])
    if len(finite) == 0:
        return Drawing()
    low, high = float(finite.min()), float(finite.max())
    is_logarithmic = low > 0 and high / low > LOGARITHMIC_FROM
    if not is_logarithmic and low < high / ZERO_BASED_FROM:
        low = min(0.0, low)
    scale = np.log if is_logarithmic else np.asarray
    width = min(fit_drawing(), len(train))
    canvas = Canvas(width, LOSS_HEIGHT)
    bottom, top = float(scale(low)), float(scale(high))
    for curve, mark in curves:
        for column, stretch in enumerate(np.array_split(curve, width)):
            known = stretch[np.isfinite(stretch)]
            if len(known):
                share = (float(scale(known.mean())) - bottom) / (top - bottom) if top > bottom else 0.0
                canvas.put(column, share, mark)
    text = canvas.draw(bottom, top, is_logarithmic=is_logarithmic)
    text.append(f"{'epoch':>9} 1{len(train):>{max(width - 1, 1)}}", style="dim")
    entries = [Text(f"{TRAINING[0]} training loss", style=TRAINING[1])]
    if validation is not None:
        entries.append(Text(f"{VALIDATION[0]} validation loss", style=VALIDATION[1]))
    if is_logarithmic:
        entries.append(Text("(logarithmic)", style="dim"))
    append_legend(text, entries)
    return text


def append_legend(drawing: Drawing, entries: Sequence[Text]) -> None:
    """Write the entries of a legend below a drawing, as many in a line as there is room for."""
    used = terminal_width()
    for entry in entries:
        if used + 3 + entry.cell_len > terminal_width() - 1:
            drawing.append(f"\n{MARGIN}")
            used = len(MARGIN)
        else:
            drawing.append("   ")
            used += 3
        drawing.append_text(entry)
        used += entry.cell_len


def draw_bar(value: float, largest: float, width: int | None = None) -> Text:
    """Draw a bar whose filled part is the value's share of the largest.

    Examples
    --------
    >>> draw_bar(1.0, 4.0).plain
    '██████░░░░░░░░░░░░░░░░░░'

    """
    width = fit_bar() if width is None else width
    filled = round(value / largest * width) if largest > 0 else 0
    return Text("█" * filled, style="blue") + Text("░" * (width - filled), style="dim")


def draw_signed_bar(value: float, largest: float) -> Text:
    """Draw a bar to the right of a line for a value above 0, and to the left of it for one below.

    Examples
    --------
    >>> draw_signed_bar(-1.0, 2.0).plain, draw_signed_bar(2.0, 2.0).plain
    ('      ▒▒▒▒▒▒│            ', '            │████████████')

    """
    half = fit_bar(HALF_WIDTH)
    length = round(abs(value) / largest * half) if largest > 0 else 0
    left = Text(" " * (half - length)) + Text("▒" * length, style="red") if value < 0 else Text(" " * half)
    right = Text("█" * length, style="blue") if value >= 0 else Text()
    return left + Text("│", style="dim") + right + Text(" " * (half - len(right)))


def draw_marked_bar(share: float, mark: float) -> Text:
    """Draw a bar filled by a share, with a mark at another.

    Examples
    --------
    >>> draw_marked_bar(0.5, 0.8).plain
    '██████████░░░░░░│░░░'

    """
    width = fit_bar(MARKED_WIDTH)
    bar = draw_bar(share, 1.0, width)
    position = min(round(mark * width), width - 1)
    return bar[:position] + Text("│", style="bold yellow") + bar[position + 1 :]


def draw_curve(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    points: Sequence[tuple[float, float, Mark]] = (),
    line: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    width: int = WIDTH,
) -> Drawing:
    """Draw a curve, a line below it, and points on top; later points cover earlier ones.

    Parameters
    ----------
    x, y : (n,) float64, finite
        x rises.
    points : sequence of (x, y, Mark)
        Points outside the drawing are left out.
    line : pair of (m,) arrays, optional
        Its x and y.
    width : int
        In characters, without the axis.

    """
    (left, right), (low, high) = (x[0], x[-1]), (float(y.min()), float(y.max()))
    canvas = Canvas(width)

    def put(at: float, value: float, mark: Mark) -> None:
        share = (value - low) / (high - low) if high > low else 0.5
        canvas.put(round((at - left) / (right - left) * (width - 1)), share, mark)

    across = np.linspace(left, right, width)
    if line is not None:
        for at, value in zip(*line, strict=True):
            put(float(at), float(value), LINE)
    for at, value in zip(across, np.interp(across, x, y), strict=True):
        put(float(at), float(value), CURVE)
    for at, value, mark in points:
        if np.isfinite(value):
            put(at, value, mark)
    text = canvas.draw(low, high)
    first, last = write_number(left, 4), write_number(right, 4)
    text.append(f"{MARGIN}{first}{last:>{width - len(first)}}", style="dim")
    return text
