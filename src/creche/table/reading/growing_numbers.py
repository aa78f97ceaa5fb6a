"""A column of the cells of a text that grows on disk as numbers, as long as all of them are numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_format import CellFormat
from creche.table.datetime_columns import COMPACT_DATES
from creche.table.disk_columns import StoredColumn
from creche.table.number_marks import Marks
from creche.table.number_words import MIN_CODE_DIGITS, PLAIN, split_number
from creche.table.reading.growing_columns import MAX_WORDS
from creche.table.reading.growing_values import MISSING, ColumnOfValues, GrowingValues
from creche.table.reading.number_cells import clear_codes, find_unread, has_clear_point
from creche.table.text_rules import TextRules, are_missing, note_missing_words

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CellNumbers"]

MAX_STRAYS = 100  # different words in a column of numbers that may stand for missing values

LARGEST = 2**63 - 1


class CellNumbers(ColumnOfValues):
    """A column of cells that have all been numbers, or words for missing values, so far."""

    _KNOWN = (
        "_may_be_whole", "_low", "_high", "_shortest", "_longest", "_has_clear_point", "_has_words", "_present",
        "is_empty",
    )  # fmt: skip

    def __init__(self, path: Path | GrowingValues, text: TextRules) -> None:
        super().__init__(path)
        self._missing, self._text = text.missing_words(None), text
        self._may_be_whole = True
        self._low, self._high = LARGEST, -LARGEST
        self._shortest, self._longest = LARGEST, 0
        self._has_clear_point = False
        self._has_words = False
        self._present = 0
        self._strays: dict[str, tuple[int, int]] = {}  # in how many rows each is, and the index of the first
        self.is_empty = True  # so far, no cell has anything in it

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of the column so far, as plain data."""
        known = {name: getattr(self, name) for name in self._KNOWN}
        return {"values": self._values.to_dict(), "strays": {w: list(at) for w, at in self._strays.items()}, **known}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: Path, text: TextRules) -> CellNumbers:
        """Go on with the column that `to_dict` described."""
        column = cls(GrowingValues.from_dict(data["values"], folder), text)
        column._strays = {word: (count, first) for word, (count, first) in data["strays"].items()}
        for name in cls._KNOWN:
            setattr(column, name, data[name])
        return column

    def append(self, cells: pl.Series) -> bool:
        """Add cells; return False, with nothing added, if many are neither numbers nor words for missing values."""
        import polars as pl

        if cells.null_count() == len(cells):
            self._values.append(np.full(len(cells), np.nan), MISSING)
            return True
        known = clear_codes(cells, self._missing)
        if self._may_be_whole:
            unread, parsed = find_unread(known, pl.Int64, self._missing)
            if not unread.any():
                self._append_whole(known, parsed)
                return True
        unread, parsed = find_unread(known, pl.Float64, self._missing)
        if unread.any():
            return self._add_strays(known, unread) and self.append(known.set(pl.Series(unread), None))
        self._may_be_whole = False
        self._present += len(parsed) - parsed.null_count()
        self._has_clear_point = self._has_clear_point or has_clear_point(known)
        self._values.append(np.asarray(parsed.to_numpy()))
        self.is_empty = False
        return True

    def _append_whole(self, cells: pl.Series, parsed: pl.Series) -> None:
        self.is_empty = False
        present = parsed.drop_nulls()
        if not len(present):
            self._has_words = True
            self._values.append(np.full(len(cells), np.nan), MISSING)
            return
        lengths = cells.str.len_bytes().drop_nulls().to_numpy()
        lengths = lengths[lengths > 0]
        self._shortest = min(self._shortest, int(lengths.min()))
        self._longest = max(self._longest, int(lengths.max()))
        values = np.asarray(present.to_numpy())
        self._present += len(values)
        self._low, self._high = min(self._low, int(values.min())), max(self._high, int(values.max()))
        if len(present) == len(parsed):
            self._values.append(values)
        else:
            missing = np.asarray(parsed.is_null().to_numpy())
            exact = np.asarray(parsed.fill_null(0).to_numpy()).astype(np.float64)
            self._values.append(np.where(missing, np.nan, exact))

    def _add_strays(self, cells: pl.Series, unread: NDArray[np.bool_]) -> bool:
        """Note cells that are not numbers; return False if they are too many to stand for missing values."""
        import polars as pl

        before = sum(count for count, _ in self._strays.values())
        if 2 * (before + int(unread.sum())) > self._present + before + len(cells) - cells.null_count():
            return False
        words = cells.filter(pl.Series(unread)).str.strip_chars().str.normalize("NFC")
        first = np.flatnonzero(unread) + self.rows
        found = dict(self._strays)
        for word, place in zip(words.to_list(), first.tolist(), strict=True):
            count, begin = found.get(word, (0, place))
            found[word] = count + 1, begin
            if len(found) > MAX_STRAYS or split_number(word) is not None or PLAIN.fullmatch(word):
                return False
        self._strays = found
        return True

    def finish_without_strays(self, text: TextRules) -> StoredColumn | None:
        """Return the column of numbers with its other words as missing values; None if they do not stand for these.

        It is what all words together would give, if there are very many different numbers among them.
        """
        others = {word: count for word, (count, _) in self._strays.items()}
        marks = text.marks or Marks()
        is_clear = self._may_be_whole or self._has_clear_point or text.marks is not None
        total = self._present + sum(others.values())
        if not others or not is_clear or marks.decimal != "." or not are_missing(others, MAX_WORDS, total):
            return None
        path = self._values.convert("<f8")
        format = CellFormat(marks.decimal, marks.thousands, missing=(*self._missing, *others))
        note = "; ".join(note_missing_words(self._strays, len(others)))
        return StoredColumn(
            "whole" if self._may_be_whole else "number", "<f8", self.rows, path, format=format, note=note
        )

    @property
    def strays(self) -> list[str]:
        """The words among the numbers."""
        return list(self._strays)

    @property
    def _may_be_codes(self) -> bool:
        is_alike = self._shortest == self._longest >= MIN_CODE_DIGITS
        return is_alike and self._low < 10.0 ** (self._longest - 1)

    @property
    def kind(self) -> str | None:
        """The kind of the column: "whole" or "number"; None if its words have to be looked at to know it."""
        kinds = self._values.kinds
        if self._strays:
            return None
        if kinds <= {MISSING}:
            return None if self._has_words else "number"
        if not self._may_be_whole:
            is_clear = self._text.marks is not None or self._has_clear_point
            is_decimal_point = self._text.marks is None or self._text.marks.decimal == "."
            return "number" if is_clear and is_decimal_point else None
        is_date = COMPACT_DATES[0] <= self._low and self._high <= COMPACT_DATES[1]
        return None if is_date or self._may_be_codes else "whole"

    def finish(self, kind: str, usual: CellFormat) -> StoredColumn:
        """Give all values one type, and return the column."""
        is_missing = self._values.kinds <= {MISSING}
        dtype = "<i8" if kind == "whole" and self._values.kinds == {"i"} else "<f8"
        path = self._values.convert(dtype)
        return StoredColumn(kind, dtype, self.rows, path, format=None if is_missing else usual)
