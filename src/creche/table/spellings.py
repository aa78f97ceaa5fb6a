"""Spellings: categories that differ only in case, spaces, trailing punctuation or their Unicode form."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from creche._phrases import format_count, list_first
from creche.table.table import Column

__all__ = ["SPELLING_REMEDY", "Spellings", "count_words", "describe_spellings", "find_spellings"]

Spellings = tuple[tuple[str, int], ...]  # the variants of one category with their numbers of rows, most frequent first

SPELLING_REMEDY = "write alike what means the same"

TRAILING = " .,;:!"

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))

SHOWN_CATEGORIES, SHOWN_VARIANTS = 3, 4

LONGEST_SHOWN = 40  # characters


def find_spellings(words: Sequence[str], counts: Sequence[int]) -> list[Spellings]:
    """Find the words that are probably meant to be the same.

    Parameters
    ----------
    words : sequence of str
        The distinct words.
    counts : sequence of int
        The number of rows with each; words without rows do not count.

    Returns
    -------
    list of tuples of (str, int)
        The variants of each such word with their numbers of rows, most frequent first.

    Examples
    --------
    >>> find_spellings(["London", "Paris", "london ", "LONDON."], [120, 80, 3, 1])
    [(('London', 120), ('london ', 3), ('LONDON.', 1))]

    """
    present = [(word, count) for word, count in zip(words, counts, strict=True) if count]
    keys = [_normalize(word) for word, _ in present]
    if len(set(keys)) == len(keys):
        return []
    variants: dict[str, list[tuple[str, int]]] = {}
    for key, pair in zip(keys, present, strict=True):
        variants.setdefault(key, []).append(pair)
    found = [tuple(sorted(pairs, key=lambda pair: -pair[1])) for pairs in variants.values() if len(pairs) > 1]
    return sorted(found, key=lambda pairs: -sum(count for _, count in pairs))


def count_words(column: Column) -> list[int]:
    """Return the number of rows with each word of a column of words."""
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.words))
    return [int(count) for count in counts]


def describe_spellings(what: str, spellings: Sequence[Spellings]) -> str:
    """Describe the variants of categories in one line; `what` is where they occur.

    Examples
    --------
    >>> describe_spellings("column 'city'", [(("London", 120), ("LONDON", 1))])
    "column 'city' has spellings that probably mean the same, but are kept apart: 'London' (120 rows), 'LONDON' (1 row)"

    """
    shown = list_first([_describe_variants(variants) for variants in spellings], SHOWN_CATEGORIES, "; ")
    return f"{what} has spellings that probably mean the same, but are kept apart: {shown}"


def _normalize(word: str) -> str:
    """Return what variants of a word have in common."""
    if not word.isascii():
        word = unicodedata.normalize("NFC", word).translate(INVISIBLE)
    key = " ".join(word.casefold().split())
    return key.rstrip(TRAILING) or key


def _describe_variants(variants: Spellings) -> str:
    # Two forms of one letter look the same, so their code points are shown.
    forms = {unicodedata.normalize("NFC", word) for word, _ in variants}
    show = repr if len(forms) == len(variants) else ascii
    shown = [
        f"{show(word[:LONGEST_SHOWN])} ({format_count(count, 'row')})" for word, count in variants[:SHOWN_VARIANTS]
    ]
    return ", ".join(shown) + (", …" if len(variants) > SHOWN_VARIANTS else "")
