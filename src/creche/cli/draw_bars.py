"""Numbers as bars of text."""

from __future__ import annotations

from rich.text import Text

__all__ = ["bar", "signed_bar"]

BAR_WIDTH = 24
HALF = 12


def bar(value: float, most: float) -> Text:
    """A bar as long as the value is large, of the largest.

    Examples
    --------
    >>> bar(1.0, 4.0).plain
    '██████░░░░░░░░░░░░░░░░░░'

    """
    filled = round(value / most * BAR_WIDTH) if most > 0 else 0
    return Text("█" * filled, style="blue") + Text("░" * (BAR_WIDTH - filled), style="dim")


def signed_bar(value: float, most: float) -> Text:
    """A bar to the right of a line where the value is above 0, to the left where it is below.

    Examples
    --------
    >>> signed_bar(-1.0, 2.0).plain, signed_bar(2.0, 2.0).plain
    ('      ▒▒▒▒▒▒│            ', '            │████████████')

    """
    length = round(abs(value) / most * HALF) if most > 0 else 0
    left = Text(" " * (HALF - length)) + Text("▒" * length, style="red") if value < 0 else Text(" " * HALF)
    right = Text("█" * length, style="blue") if value >= 0 else Text()
    return left + Text("│", style="dim") + right + Text(" " * (HALF - len(right)))
