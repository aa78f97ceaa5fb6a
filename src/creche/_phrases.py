"""Phrases that messages and pages share: counts of things, long lists and long texts."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["format_count", "list_first", "shorten_text", "write_number"]

LARGEST_IN_FULL = 1e15  # a larger number is one that went wrong, and its power of ten says so


def format_count(count: int, noun: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> format_count(1, "seed"), format_count(2304, "network")
    ('1 seed', '2,304 networks')

    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def list_first(words: Sequence[str], limit: int, separator: str = ", ") -> str:
    """Write a list of words: of more than `limit`, the first and the number of the others.

    Examples
    --------
    >>> list_first(["a", "b", "c"], 3), list_first(["a", "b", "c", "d"], 2)
    ('a, b, c', 'a, b, … (2 more)')

    """
    more = [f"… ({len(words) - limit:,} more)"] if len(words) > limit else []
    return separator.join([*words[:limit], *more])


def shorten_text(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters; one that was longer ends in an ellipsis.

    Examples
    --------
    >>> shorten_text("island", 6), shorten_text("bill_length_mm", 6)
    ('island', 'bill_…')

    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def write_number(value: float, digits: int, *, keep_zeros: bool = False) -> str:
    """Write a number with this many significant digits; a large one in full, rather than with a power of ten.

    Parameters
    ----------
    value : float
    digits : int
    keep_zeros : bool, default False
        Write zeros at the end, too, so that the measured numbers of a column have as many digits.

    Examples
    --------
    >>> write_number(123456.789, 5), write_number(1234.5678, 5), write_number(0.00012345, 3), write_number(99999.9, 5)
    ('123,457', '1,234.6', '0.000123', '100,000')
    >>> write_number(218, 4, keep_zeros=True), write_number(0.00007, 3, keep_zeros=True)
    ('218.0', '7.00e-05')

    """
    if 10.0**digits - 0.5 <= abs(value) < LARGEST_IN_FULL:
        return f"{value:,.0f}"
    return f"{value:#,.{digits}g}".removesuffix(".") if keep_zeros else f"{value:,.{digits}g}"
