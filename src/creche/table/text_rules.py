"""How the words of a table are to be understood, and which of them stand for missing values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count
from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.number_marks import Marks

__all__ = ["MARKERS", "NotRead", "TextRules", "are_missing", "note_missing", "note_missing_words"]

# What people and programs write for a missing value, in any case.
MARKERS = frozenset(
    {
        "-", "--", "---", "–", "—", ".", "..", "...", "*", "n.a.", "n.a", "na", "n/a", "none", "nil", "nan", "nd",
        "n.d.", "unknown", "unk", "unk.", "missing", "not available", "not applicable", "not known", "not recorded",
        "no data", "no value", "nodata", "undefined", "tbd", "tba", "#n/a", "#n/a n/a", "#value!", "#div/0!", "#ref!",
        "#name?", "#num!", "#null!", "(null)", "(none)", "(blank)", "(missing)", "blank", "empty", "k.a.", "k. a.",
        "keine angabe", "unbekannt", "s/d", "s.d.", "n.r.", "nr", "\\n", "-nan", "1.#ind", "1.#qnan", "??", "???",
    }
)  # fmt: skip

# A word that is not a marker is a missing value of a column of numbers or dates if it and its like are this rare.
RARE_SHARE = 0.05

MAX_RARE_WORDS = 5

MIN_VALUES_FOR_RARE_WORDS = 10  # distinct ones

MAX_MARKER_SHARE = 0.5

MIN_VALUES_FOR_MARKERS = 3  # distinct ones

LISTED_WORDS = 3


@dataclass(frozen=True, slots=True)
class TextRules:
    """How the words of a table are to be understood, where no column has learnt it.

    Attributes
    ----------
    are_cells : bool, default False
        Whether words are the cells of a text file, in which what looks like a number is one. Words of a DataFrame stay
        words unless they carry a sign or unit.
    marks : Marks, optional
        The marks of numbers, if the user has set them or other columns of the table show them.
    missing : tuple of str, optional
        The words for missing values that the user has set, in addition to the usual ones.
    has_default_missing : bool, default True
        Whether the usual words stand for missing values.
    day_first : bool, optional
        Whether 3/4/2020 is 3 April, if the user has set it.
    is_separated_by_comma : bool, default False
        Whether commas separate the cells.

    """

    are_cells: bool = False
    marks: Marks | None = None
    missing: tuple[str, ...] = ()
    has_default_missing: bool = True
    day_first: bool | None = None
    is_separated_by_comma: bool = False

    def missing_words(self, learnt: CellFormat | None) -> tuple[str, ...]:
        """Return the words for missing values in a column of words."""
        if learnt is not None:
            return tuple(dict.fromkeys((*learnt.missing, *self.missing)))
        usual = DEFAULT_MISSING if self.are_cells and self.has_default_missing else ("",)
        return tuple(dict.fromkeys((*usual, *self.missing)))


@dataclass(frozen=True, slots=True)
class NotRead:
    """Why words that look like numbers or dates are not read as such.

    Attributes
    ----------
    note : str
        A remark, if they are read as words.
    doubt : str
        Why the column is left out, if they cannot be words either.

    """

    note: str = ""
    doubt: str = ""


def are_missing(others: dict[str, int], values: int, total: int) -> bool:
    """Whether words in a column of numbers or dates stand for missing values.

    Parameters
    ----------
    others : dict of str to int
        In how many rows each of the words is.
    values : int
        The number of distinct numbers or dates.
    total : int
        The number of rows.

    Examples
    --------
    >>> are_missing({"-": 4}, 20, 60), are_missing({"soon": 1}, 20, 60), are_missing({"soon": 1}, 2, 3)
    (True, True, False)

    """
    if not others:
        return True
    rare = {word: n for word, n in others.items() if word.lower() not in MARKERS}
    if sum(others.values()) > MAX_MARKER_SHARE * total or values < MIN_VALUES_FOR_MARKERS:
        return False
    if not rare:
        return True
    few = sum(rare.values()) <= max(1, RARE_SHARE * total) and len(rare) <= MAX_RARE_WORDS
    return few and values >= MIN_VALUES_FOR_RARE_WORDS


def note_missing(codes: NDArray[np.int32], words: list[str], others: tuple[str, ...]) -> list[str]:
    """Return remarks on words that are read as missing; the index of a row is in braces."""
    index = {word: i for i, word in enumerate(words)}
    places = (np.flatnonzero(codes == index[word]) for word in others[:LISTED_WORDS])
    listed = {word: (len(rows), int(rows[0])) for word, rows in zip(others, places, strict=False)}
    return note_missing_words(listed, len(others))


def note_missing_words(listed: Mapping[str, tuple[int, int]], count: int) -> list[str]:
    """Return remarks on words that are read as missing, given in how many rows some are, and the index of the first.

    Parameters
    ----------
    listed : dict of str to (int, int)
        The first of them are named.
    count : int
        How many words there are.

    """
    notes = [
        f"has {word!r} in {format_count(rows, 'row')} (the first is row {{{first}}}), read as missing"
        for word, (rows, first) in [*listed.items()][:LISTED_WORDS]
    ]
    return [*notes, f"and {count - LISTED_WORDS} more words read as missing"] if count > LISTED_WORDS else notes
