"""The parts of a document, which `render.text` turns into plain text and `render.html` into a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Block", "Chart", "Curve", "Facts", "Grid", "Point", "Section", "format_digits"]


def format_digits(value: float, digits: int = 5) -> str:
    """Return a number with `digits` significant digits.

    Examples
    --------
    >>> [format_digits(value) for value in (0.123456789, 1234567.0, 0.0, -0.0, float("nan"))]
    ['0.12346', '1.2346e+06', '0', '0', 'not a number']

    """
    if math.isnan(value):
        return "not a number"
    return f"{value:.{digits}g}" if value else "0"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, as (name, value) pairs."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes
    ----------
    head : sequence of str
        The columns' headings.
    rows : sequence of sequence of str or float
        Numbers are written with `digits` significant digits.
    left : int, default 1
        How many columns, from the first, are aligned to the left.
    sums : int, default 0
        How many rows at the end are sums, which a rule separates from the rows above.
    digits : int, default 5
    shaded : bool, default False
        Whether the background of each number shows its size and sign (pages only).
    caption : str, default ""
        The line that opens a folded table.
    folded : bool, default False
        Whether a page shows the table only when its caption is clicked.

    """

    head: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    left: int = 1
    sums: int = 0
    digits: int = 5
    shaded: bool = False
    caption: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of a chart.

    Attributes
    ----------
    name : str
    x, y : sequence of float
        y may hold numbers that are not finite, which are not drawn.
    mark : str, default "·"
        The character with which text draws it.

    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    mark: str = "·"


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a chart, drawn over the curves."""

    name: str
    x: float
    y: float
    mark: str = "●"


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves and points over one axis.

    Attributes
    ----------
    x_name : str
        What the axis from left to right shows.
    curves : sequence of Curve
        At least one, with a finite value.
    points : sequence of Point
    highest : float, optional
        Where the axis from bottom to top ends; marks above lie on its edge. By default at the highest value.

    """

    x_name: str
    curves: Sequence[Curve]
    points: Sequence[Point] = ()
    highest: float | None = None


Block = Facts | Grid | Chart | str


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a title; a block that is a string is a paragraph."""

    title: str
    blocks: Sequence[Block]
