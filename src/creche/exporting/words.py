"""The words of a column of categories, in the spellings that other programs use, and what the encoder makes of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.cell_types import ColumnContext
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.number_columns import parse_number
from creche.table.table import Column

__all__ = ["EncodedWords", "encode_words"]

UNSEEN = "\0"  # stands for all words that a column does not know, and is none of a table


@dataclass(frozen=True, slots=True, eq=False)
class EncodedWords:
    """What an encoder makes of words.

    Attributes
    ----------
    rows : (k, inputs) array
        The distinct rows of inputs.
    known : dict of str to int
        The row of each word that differs from words that the encoder does not know.
    missing, unseen : int
        The rows of missing values, and of words that the encoder does not know.

    """

    rows: NDArray[Any]
    known: dict[str, int]
    missing: int
    unseen: int


def encode_words(
    encoder: CategoricalEncoder, format: CellFormat | None, words: Sequence[str], dtype: str
) -> EncodedWords:
    """Encode words in all their spellings, and the words that stand for a missing value.

    Parameters
    ----------
    encoder : CategoricalEncoder
    format : CellFormat or None
        How the cells of the column were written.
    words : sequence of str
    dtype : {"float32", "float64"}
        The precision of the inputs.

    Examples
    --------
    >>> encoder = CategoricalEncoder("code", "whole", ("7", "12"))
    >>> encoded = encode_words(encoder, None, ["7", "12"], "float64")
    >>> encoded.rows[encoded.known["12.0"]].tolist(), "13" in encoded.known
    ([0.0, 1.0], False)

    """
    spellings = list(dict.fromkeys(spelling for word in words for spelling in _spell(word)))
    # What the encoder itself makes of each spelling decides: one that could be of two categories is of none.
    column = Column.from_words([UNSEEN, None, *spellings])
    places = encoder.prepare(column, ColumnContext("the model", encoder.name))
    table = np.zeros((len(places), encoder.width), dtype=dtype)
    encoder.write(places, table)
    rows, numbers = np.unique(table, axis=0, return_inverse=True)
    unseen, missing, *others = numbers.ravel().tolist()
    listed = dict(zip(spellings, others, strict=True)) | dict.fromkeys(_missing_words(encoder, format), missing)
    return EncodedWords(rows, {word: row for word, row in listed.items() if row != unseen}, missing, unseen)


def _missing_words(encoder: CategoricalEncoder, format: CellFormat | None) -> list[str]:
    """Return the words that stand for a missing value: those that did when the model was trained, and the empty one."""
    words = DEFAULT_MISSING if format is None else format.missing
    own = set(encoder.categories)
    return [word for word in dict.fromkeys(("", *words)) if word not in own]


def _spell(word: str) -> Iterator[str]:
    """Yield the ways to write a category which other libraries use for the same value."""
    yield word
    yield unicodedata.normalize("NFD", word)
    lower = word.lower()
    if lower in ("true", "false", "0", "1", "yes", "no"):
        for truth in ("true", "false", "yes", "no"):
            yield from (truth, truth.upper(), truth.title())
        yield from ("0", "1", "0.0", "1.0")
    value = parse_number(word, CellFormat())
    if value is not None and np.isfinite(value):
        yield repr(float(value))
        if float(value).is_integer() and abs(value) < 2**63:
            yield repr(int(value))
