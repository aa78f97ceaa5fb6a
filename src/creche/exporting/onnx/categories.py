"""Categories in the graph: each word is looked up, and its place in a table of the inputs that its encoder makes of it.

An operator that trims words, or hashes them as the encoder does, does not exist: words have to come without spaces
around them, and columns whose rare categories are hashed into several inputs are refused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np

from creche.errors import PlanError
from creche.exporting.onnx.graph import ML, Graph, Value
from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.cell_types import ColumnContext
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.number_columns import parse_number
from creche.table.table import Column

__all__ = ["add_categories", "check_word"]

UNSEEN = "\0"  # stands for all words that a column does not know, and is none of a table


def add_categories(
    graph: Graph, words: Value, encoder: CategoricalEncoder, format: CellFormat | None, dtype: str
) -> Value:
    """Encode a column of words, (rows, 1), as the inputs of its categories, (rows, 1, inputs).

    Parameters
    ----------
    graph : Graph
    words : str
    encoder : CategoricalEncoder
    format : CellFormat or None
        How the cells of the column were written.
    dtype : {"float32", "float64"}
        The precision of the inputs.

    Raises
    ------
    PlanError
        If categories are hashed, or one cannot be written as UTF-8.

    """
    if encoder.buckets > 1:
        raise PlanError(
            f"column {encoder.name!r}: its rare categories share {encoder.buckets} inputs by a hash of their names, "
            "which an ONNX graph cannot compute; train with a higher max_categories of the preprocessing, or with "
            "buckets=1"
        )
    for word in encoder.categories:
        check_word(word, f"column {encoder.name!r}: the category")
    missing = _missing_words(encoder, format)
    spellings = list(dict.fromkeys(spelling for word in encoder.categories for spelling in _spell(word)))
    # What the encoder itself makes of each spelling decides: one that could be of two categories is of none.
    column = Column.from_words([UNSEEN, None, *spellings])
    places = encoder.prepare(column, ColumnContext("the model", encoder.name))
    table = np.zeros((len(places), encoder.width), dtype=dtype)
    encoder.write(places, table)
    distinct, rows = np.unique(table, axis=0, return_inverse=True)
    keys = dict(zip(spellings, rows[2:].tolist(), strict=True)) | dict.fromkeys(missing, int(rows[1]))
    unseen = int(rows[0])
    known = {word: row for word, row in keys.items() if row != unseen} or {spellings[0] if spellings else "": unseen}
    row = graph.add(
        "LabelEncoder", words, domain=ML, keys_strings=list(known), values_int64s=list(known.values()),
        default_int64=unseen,
    )  # fmt: skip
    return graph.add("Gather", distinct, row)


def _missing_words(encoder: CategoricalEncoder, format: CellFormat | None) -> list[str]:
    """Return the words that stand for a missing value: those that did when the model was trained, and the empty one."""
    words = DEFAULT_MISSING if format is None else format.missing
    own = set(encoder.categories)
    return [word for word in dict.fromkeys(("", *words)) if word not in own]


def check_word(word: str, what: str) -> None:
    """Check that a word can be in an ONNX file.

    Raises
    ------
    PlanError
        If it cannot.

    """
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise PlanError(f"{what} {word!r} is no valid Unicode, and cannot be written to an ONNX file") from error
    if "\0" in word:
        raise PlanError(f"{what} {word!r} has a character of code 0, which ends a text in an ONNX file")


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
