"""Columns that grow on disk while a table is read in batches, and end as the reader of the whole table has them.

A column of numbers is written as it is read. A column of words is written as codes, and what its words are (numbers
with units, dates, categories) is decided at the end, when all distinct ones are known, by the code for tables in
memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._system.disk_space import explain_write_error
from creche.errors import TableError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule
from creche.table.datetime_columns import COMPACT_DATES
from creche.table.disk_columns import StoredColumn, write_column, write_values
from creche.table.number_marks import Marks
from creche.table.number_words import MIN_CODE_DIGITS, PLAIN, split_number
from creche.table.reading.frame_columns import factorize
from creche.table.reading.number_cells import clear_codes, find_unread, has_clear_point
from creche.table.table import Column
from creche.table.text_rules import TextRules, are_missing, note_missing_words
from creche.table.word_columns import column_from_words

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MAX_WORDS", "CellNumbers", "GrowingWords", "TypedValues"]

MAX_WORDS = 1_000_000  # distinct ones of a column, which are held in memory

MAX_STRAYS = 100  # different words in a column of numbers that may stand for missing values

CHUNK = 1 << 20  # values that are converted at a time

MISSING = "missing"  # of any kind, in place of a kind


class GrowingValues:
    """A file of 8-byte values in pieces; each piece has its own type until all values are known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._pieces: list[tuple[str, int]] = []
        with explain_write_error(path):
            path.touch()

    def append(self, values: NDArray[Any], kind: str = "") -> None:
        """Write values; the kind of NumPy's type is theirs unless it is given."""
        kind = kind or values.dtype.kind
        if self._pieces and self._pieces[-1][0] == kind:
            self._pieces[-1] = kind, self._pieces[-1][1] + len(values)
        else:
            self._pieces.append((kind, len(values)))
        _append(self.path, values)
        self.rows += len(values)

    @property
    def kinds(self) -> set[str]:
        """The kinds of the pieces."""
        return {kind for kind, _ in self._pieces}

    def convert(self, dtype: str) -> None:
        """Give all pieces the same type."""
        wanted, offset = np.dtype(dtype), 0
        with explain_write_error(self.path), self.path.open("r+b") as file:
            for kind, rows in self._pieces:
                if kind != wanted.kind:
                    self._convert_piece(file, offset, rows, kind, wanted)
                offset += rows
        self._pieces = [(wanted.kind, self.rows)]

    @staticmethod
    def _convert_piece(file: Any, first: int, rows: int, kind: str, wanted: np.dtype[Any]) -> None:
        for begin in range(first, first + rows, CHUNK):
            count = min(CHUNK, first + rows - begin)
            if kind == MISSING:
                values = np.full(count, "NaT" if wanted.kind == "M" else np.nan).astype(wanted)
            else:
                file.seek(8 * begin)
                values = np.frombuffer(file.read(8 * count), "<i8" if kind == "i" else "<f8").astype(wanted)
            file.seek(8 * begin)
            write_values(file, values)


class CellNumbers:
    """A column of cells that have all been numbers, or words for missing values, so far.

    Attributes
    ----------
    rows : int

    """

    def __init__(self, path: Path, text: TextRules) -> None:
        self._values = GrowingValues(path)
        self._missing, self._text = text.missing_words(None), text
        self._may_be_whole = True
        self._low, self._high = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        self._shortest, self._longest = np.iinfo(np.int64).max, 0
        self._has_clear_point = False
        self._has_words = False
        self._present = 0
        self._strays: dict[str, tuple[int, int]] = {}  # in how many rows each is, and the index of the first
        self.is_empty = True  # so far, no cell has anything in it

    @property
    def rows(self) -> int:
        """The number of rows so far."""
        return self._values.rows

    @property
    def path(self) -> Path:
        """The file of the values."""
        return self._values.path

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
        self._values.convert("<f8")
        format = CellFormat(marks.decimal, marks.thousands, missing=(*self._missing, *others))
        note = "; ".join(note_missing_words(self._strays, len(others)))
        return StoredColumn(
            "whole" if self._may_be_whole else "number", "<f8", self.rows, self.path, format=format, note=note
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
        self._values.convert(dtype)
        return StoredColumn(kind, dtype, self.rows, self.path, format=None if is_missing else usual)

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink()


class GrowingWords:
    """A column of words, as codes on disk and distinct words in memory.

    Parameters
    ----------
    path : Path
    missing : int, default 0
        How many rows without a value come first.

    """

    def __init__(self, path: Path, missing: int = 0) -> None:
        self.path = path
        self.rows = 0
        self._index: dict[str, int] = {}
        self.has_overflown = False
        with explain_write_error(path):
            path.touch()
        for begin in range(0, missing, CHUNK):
            self.append_missing(min(CHUNK, missing - begin))

    @property
    def words(self) -> list[str]:
        """The distinct words, in the order in which they came."""
        return list(self._index)

    def append(self, series: pl.Series, context: ColumnContext, *, is_left_out: bool) -> None:
        """Add words.

        Raises
        ------
        TableError
            If there are more distinct words than fit, unless the column is left out anyway.

        """
        if self.has_overflown:
            self.append_missing(len(series))
            return
        codes, words = factorize(series)
        index = self._index
        numbers = [index.setdefault(word, len(index)) for word in words]
        if len(index) > MAX_WORDS:
            if not is_left_out:
                raise TableError(
                    f"{context.source}: column {context.name!r} holds more than {MAX_WORDS:,} different words within "
                    f"its first {self.rows + len(series):,} rows, too many for categories; leave it out: "
                    f"{advise('schema', {context.name: 'ignore'})}"
                )
            self.has_overflown = True
            index.clear()
        self._write(np.array([*numbers, -1], dtype=np.int32)[codes])

    def append_missing(self, rows: int) -> None:
        """Add rows without a value."""
        self._write(np.full(rows, -1, dtype=np.int32))

    def finish(self, context: ColumnContext, text: TextRules) -> StoredColumn:
        """Decide what the words are, and return the column."""
        if self.has_overflown:
            words = Column("words", np.full(self.rows, -1, dtype=np.int32), doubt=f"it holds over {MAX_WORDS:,} words")
        else:
            codes = np.fromfile(self.path, "<i4")
            words = column_from_words(codes, self.words, Rule(), context, text)
        return write_column(self.path, words)

    def _write(self, codes: NDArray[np.int32]) -> None:
        _append(self.path, codes)
        self.rows += len(codes)


class TypedValues:
    """A column of a source with types: numbers, booleans or datetimes."""

    def __init__(self, path: Path) -> None:
        self._values = GrowingValues(path)
        self._kinds: set[str] = set()
        self._last: Column | None = None

    @property
    def rows(self) -> int:
        """The number of rows so far."""
        return self._values.rows

    @property
    def path(self) -> Path:
        """The file of the values."""
        return self._values.path

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value so far."""
        return not self._kinds

    def append(self, column: Column, context: ColumnContext) -> None:
        """Add values.

        Raises
        ------
        TableError
            If they are of another kind than those before.

        """
        if column.kind == "words" or bool(column.missing.all()):  # words: a column that cannot be read
            self._values.append(np.full(len(column), np.nan), MISSING)
            self._last = column if column.doubt or self._last is None else self._last
            return
        self._kinds.add(column.kind)
        self._last = column
        if len(self._kinds) > 1 and self._kinds != {"whole", "number"}:
            first, second = sorted(self._kinds)[:2]
            raise TableError(
                f"{context.source}: column {context.name!r} holds values of kind {first} in some rows and of kind "
                f"{second} in others, which a table that is read in pieces cannot; save it with one type, or leave "
                f"{advise('memory')} out"
            )
        self._values.append(column.values)

    def finish(self) -> StoredColumn:
        """Give all values one type, and return the column."""
        last = self._last
        if not self._kinds:
            self._values.convert("<f8")
            if last is not None and last.doubt:
                return write_column(
                    self.path, Column("words", np.full(self.rows, -1, dtype=np.int32), doubt=last.doubt)
                )
            return StoredColumn("number", "<f8", self.rows, self.path)
        kind = "number" if self._kinds == {"whole", "number"} else next(iter(self._kinds))
        dtype = "<M8[us]" if kind == "datetime" else "<f8"
        if kind == "whole" and self._values.kinds == {"i"}:
            dtype = "<i8"
        self._values.convert(dtype)
        format = None if last is None else last.format
        return StoredColumn(kind, dtype, self.rows, self.path, format=format)

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink()


def _append(path: Path, values: NDArray[Any]) -> None:
    """Write values to the end of a file, which is not kept open: there may be more columns than open files."""
    with explain_write_error(path, values.nbytes), path.open("ab") as file:
        write_values(file, values)
