"""Phrases that messages and pages share: counts of things, long lists and long texts."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["format_count", "list_first", "shorten_text"]


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
