"""Columns of words and of typed values that grow on disk while a table is read in batches.

They end as the reader of the whole table has them. Words are written as codes, and what they are (numbers with units,
dates, categories) is decided at the end, when all distinct ones are known, by the code for tables in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.errors import TableError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule
from creche.table.disk_columns import StoredColumn, pack_words, unpack_all_words, write_column
from creche.table.reading.frame_columns import factorize
from creche.table.reading.growing_values import (
    CHUNK,
    MISSING,
    ColumnOfValues,
    GrowingValues,
    append_values,
    cut_file,
    finished_path,
)
from creche.table.table import Column
from creche.table.text_rules import TextRules
from creche.table.word_columns import column_from_words

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MAX_WORDS", "GrowingWords", "TypedValues"]

MAX_WORDS = 1_000_000  # distinct ones of a column, which are held in memory


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
        self._kept, self._kept_size = 0, 0  # words, and bytes, of the file of words
        cut_file(path, 0)
        for begin in range(0, missing, CHUNK):
            self.append_missing(min(CHUNK, missing - begin))

    @property
    def path_of_words(self) -> Path:
        """The file of the distinct words, as far as `to_dict` has described the column."""
        return self.path.with_name(f"{self.path.name}.distinct")

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of the column so far, as plain data; its words are added to their file."""
        if len(self._index) > self._kept:
            packed = pack_words([*islice(self._index, self._kept, None)])
            append_values(self.path_of_words, np.frombuffer(packed, np.uint8))
            self._kept, self._kept_size = len(self._index), self._kept_size + len(packed)
        return {
            "file": self.path.name, "rows": self.rows, "words": self._kept, "size": self._kept_size,
            "has_overflown": self.has_overflown,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: Path) -> GrowingWords:
        """Go on with the column that `to_dict` described; what was written after that is cut off."""
        column = cls.__new__(cls)
        column.path, column.rows, column.has_overflown = folder / data["file"], data["rows"], data["has_overflown"]
        column._kept, column._kept_size, column._index = data["words"], data["size"], {}
        cut_file(column.path, 4 * column.rows)
        cut_file(column.path_of_words, column._kept_size)
        if not column.has_overflown:
            words = unpack_all_words(column.path_of_words.read_bytes())
            column._index = {word: code for code, word in enumerate(words)}
            if len(column._index) != column._kept:
                raise ValueError(f"{column.path_of_words}: has lost words")
        return column

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
            self._kept = 0
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
        return write_column(finished_path(self.path), words)

    def _write(self, codes: NDArray[np.int32]) -> None:
        append_values(self.path, codes)
        self.rows += len(codes)


class TypedValues(ColumnOfValues):
    """A column of a source with types: numbers, booleans or datetimes."""

    def __init__(self, path: Path | GrowingValues) -> None:
        super().__init__(path)
        self._kinds: set[str] = set()
        self._format: CellFormat | None = None
        self._doubt = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of the column so far, as plain data."""
        format = None if self._format is None else self._format.to_dict()
        return {
            "values": self._values.to_dict(), "kinds": sorted(self._kinds), "format": format, "doubt": self._doubt,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: Path) -> TypedValues:
        """Go on with the column that `to_dict` described."""
        column = cls(GrowingValues.from_dict(data["values"], folder))
        column._kinds, column._doubt = set(data["kinds"]), data["doubt"]
        column._format = None if data["format"] is None else CellFormat.from_dict(data["format"])
        return column

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
            self._doubt = column.doubt or self._doubt
            return
        self._kinds.add(column.kind)
        self._format = column.format
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
        if not self._kinds:
            if self._doubt:
                return write_column(
                    finished_path(self.path),
                    Column("words", np.full(self.rows, -1, dtype=np.int32), doubt=self._doubt),
                )
            return StoredColumn("number", "<f8", self.rows, self._values.convert("<f8"))
        kind = "number" if self._kinds == {"whole", "number"} else next(iter(self._kinds))
        dtype = "<M8[us]" if kind == "datetime" else "<f8"
        if kind == "whole" and self._values.kinds == {"i"}:
            dtype = "<i8"
        return StoredColumn(kind, dtype, self.rows, self._values.convert(dtype), format=self._format)
