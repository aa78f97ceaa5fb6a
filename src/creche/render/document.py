"""What a page is made of, whether it becomes text or HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Block", "Facts", "Grid", "Section", "format_digits"]


def format_digits(value: float, digits: int = 5) -> str:
    """A number with so many significant digits.

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
    """Names and what is said of them."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes
    ----------
    head : sequence of str
    rows : sequence of sequence of str or float
        Numbers are shown with `digits` significant digits.
    left : number of columns, from the first, whose cells stand to the left
    last : how many rows at the end are sums of those above
    shaded : whether the background of a number shows its size and sign
    folded : whether the page shows it only when asked

    """

    head: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    left: int = 1
    last: int = 0
    digits: int = 5
    shaded: bool = False
    caption: str = ""
    folded: bool = False


Block = Facts | Grid | str


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a title."""

    title: str
    blocks: Sequence[Block]
