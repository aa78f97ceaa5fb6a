"""Tables: named columns of one length, each of one kind."""

from __future__ import annotations

import unicodedata
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from creche._phrases import list_first
from creche.errors import NAMED_LIMIT, TableError, closest, nearest
from creche.table.cell_format import CellFormat

__all__ = [
    "KINDS",
    "LIBRARIES",
    "Column",
    "FrameLibrary",
    "Kind",
    "LazyColumns",
    "Table",
    "clean_names",
    "select_names",
]

Kind = Literal["number", "whole", "boolean", "words", "datetime"]

KINDS: tuple[Kind, ...] = ("number", "whole", "boolean", "words", "datetime")

# The libraries of DataFrames in which results come back; data of any other give those of Polars.
FrameLibrary = Literal["polars", "pandas", "pyarrow", "modin", "cudf"]

LIBRARIES: tuple[FrameLibrary, ...] = get_args(FrameLibrary)

LONGEST_NAME = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The values of one column, all of one kind.

    Attributes
    ----------
    kind : {"number", "whole", "boolean", "words", "datetime"}
        What the values are.
    values : (n,) array
        number: float64, NaN where missing. whole: int64, or float64 with NaN if any value is missing. boolean: float64
        with 1 and 0, NaN where missing. words: int32 indices into `words`, -1 where missing. datetime: datetime64[us],
        NaT where missing.
    words : tuple of str
        words: the distinct words, in any order. boolean: the words for 0 and 1 if they are not true and false. Empty
        for the other kinds.
    format : CellFormat, optional
        How its cells are written, if they are text.
    note : str
        A remark on how it was read, if that could be doubted; a number in braces is the index of a row.
    doubt : str
        Why its values cannot be learnt from; empty if they can.

    Examples
    --------
    >>> islands = Column.from_words(["Biscoe", None, "Dream", "Biscoe"])
    >>> islands.values.tolist(), islands.words
    ([0, -1, 1, 0], ('Biscoe', 'Dream'))

    """

    kind: str
    values: NDArray[Any]
    words: tuple[str, ...] = ()
    format: CellFormat | None = None
    note: str = ""
    doubt: str = ""

    @classmethod
    def from_words(cls, values: Sequence[str | None]) -> Column:
        """Make a column of words; None is a missing value."""
        index: dict[str, int] = {}
        codes = [-1 if value is None else index.setdefault(value, len(index)) for value in values]
        return cls("words", np.array(codes, dtype=np.int32), tuple(index))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[Any] | slice) -> Column:
        """Return the column of these rows: indices, a mask or a slice."""
        return Column(self.kind, self.values[rows], self.words, self.format, self.note, self.doubt)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """A mask of the missing values, (n,)."""
        if self.kind == "words":
            return np.asarray(self.values < 0)
        if self.kind == "datetime":
            return np.asarray(np.isnat(self.values))
        if self.values.dtype.kind == "i":
            return np.zeros(len(self.values), dtype=np.bool_)
        return np.asarray(np.isnan(self.values))

    def to_objects(self) -> NDArray[np.object_]:
        """Return the values as Python objects (float, int, bool, str, datetime), None where missing."""
        out = np.empty(len(self.values), dtype=object)
        if self.kind == "words":
            out[:] = np.array([*self.words, None], dtype=object)[self.values]  # code -1 takes the last, None
            return out
        values = self.values
        if self.kind in ("whole", "boolean"):
            convert = int if self.kind == "whole" else bool
            # Only NaN differs from itself.
            out[:] = [None if value != value else convert(value) for value in values.tolist()]
        else:
            out[:] = values.tolist()
            out[self.missing] = None
        return out


class LazyColumns(Mapping[str, Column]):
    """Columns that are not held in memory: each is read when it is asked for (see `creche.table.disk_columns`)."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """The number of rows."""

    @abstractmethod
    def take(self, rows: NDArray[Any] | slice) -> LazyColumns:
        """Return the columns of these rows, without reading them."""

    @abstractmethod
    def select(self, names: Sequence[str]) -> LazyColumns:
        """Return these columns, in this order, without reading them."""

    @abstractmethod
    def changed(self, columns: Mapping[str, Column]) -> LazyColumns:
        """Return the columns with these in place of those of the same names, or after the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Named columns of one length.

    Attributes
    ----------
    columns : mapping of str to Column
        The columns by name, in order: a dict, or `LazyColumns` for a table larger than memory.
    source : str
        The name of the table in messages.
    first_row : int, default 1
        The row number of the first row: rows are numbered from 1, the line of column names not counted.
    library : {"polars", "pandas", "pyarrow", "modin", "cudf"}
        The library of the DataFrame that it was read from; Polars if it was none. Results about the table come as
        DataFrames of that library.
    row_labels : pandas.Index, optional
        The index of the DataFrame of pandas that it was read from, with a label for each row of that.

    """

    columns: Mapping[str, Column]
    source: str
    first_row: int = 1
    library: FrameLibrary = "polars"
    row_labels: Any = None

    def __len__(self) -> int:
        if isinstance(self.columns, LazyColumns):
            return self.columns.rows
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.columns)

    @property
    def is_lazy(self) -> bool:
        """Whether its columns are read when they are asked for, since the table may be larger than memory."""
        return isinstance(self.columns, LazyColumns)

    def column(self, name: str, argument: str | None = None) -> Column:
        """Return the column of that name; the arguments and errors are those of `find_name`."""
        return self.columns[self.find_name(name, argument)]

    def find_name(self, name: str, argument: str | None = None) -> str:
        """Return the name of a column as the table has it.

        Parameters
        ----------
        name : str
        argument : str, optional
            The argument that names the column; by default, it is one of those that a model was trained on.

        Raises
        ------
        TableError
            If there is no such column; the message suggests the nearest name.

        """
        if name not in self.columns:
            name = unicodedata.normalize("NFC", name).strip()
        if name not in self.columns:
            missing = f"{self.source} has no column {name!r}"
            if argument is None:
                close = closest(name, self.names)
                hint = "" if close is None else f"did you mean {close!r}? "
                columns = f"{'I' if close else 'i'}ts columns are {list_first(self.names, NAMED_LIMIT)}"
                raise TableError(f"{missing}, which the model was trained on; {hint}{columns}")
            raise TableError(f"{argument}: {missing}; {nearest(name, self.names)}", argument=argument)
        return name

    def take(self, rows: NDArray[Any] | slice) -> Table:
        """Return the table of these rows, numbered from `first_row` again."""
        if isinstance(self.columns, LazyColumns):
            return self.with_columns(self.columns.take(rows))
        return self.with_columns({name: column.take(rows) for name, column in self.columns.items()})

    def select(self, names: Sequence[str]) -> Table:
        """Return the table of these columns, in this order."""
        if isinstance(self.columns, LazyColumns):
            return self.with_columns(self.columns.select([self.find_name(name, "columns") for name in names]))
        return self.with_columns({name: self.column(name, "columns") for name in names})

    def with_columns(self, columns: Mapping[str, Column]) -> Table:
        """Return a table of the same source that has these columns in place of its own."""
        return replace(self, columns=columns)

    def changed(self, columns: Mapping[str, Column]) -> Table:
        """Return the table with these columns in place of those of the same names, or after the others."""
        if not columns:
            return self
        if isinstance(self.columns, LazyColumns):
            return self.with_columns(self.columns.changed(columns))
        return self.with_columns({**self.columns, **columns})


def clean_names(names: Sequence[str], source: str) -> tuple[list[str], list[str], list[str]]:
    """Return the names of columns such that each is different: in Unicode NFC, without spaces around them.

    A column without a name is called by its number, and of several with the same name, each gets a number in
    parentheses, so that none is taken for another.

    Returns
    -------
    names : list of str
    unnamed : list of str
        Those that stand in for none.
    repeated : list of str
        The names that occurred more than once.

    Raises
    ------
    TableError
        If there are no names, or one is too long or no valid Unicode, which no file could hold.

    Examples
    --------
    >>> clean_names(["", "a", "b ", "a"], "table.csv")
    (['column 1', 'a (1)', 'b', 'a (2)'], ['column 1'], ['a'])

    """
    if not names:
        raise TableError(f"{source}: is empty; needs a line of column names and rows below it")
    trimmed = [name.strip() if name.isascii() else unicodedata.normalize("NFC", name).strip() for name in names]
    counts = Counter(trimmed)
    taken = set(trimmed)
    out, unnamed, seen = [], [], Counter[str]()
    for i, name in enumerate(trimmed, 1):
        if len(name) > LONGEST_NAME:
            raise TableError(
                f"{source}: the name of column {i} has {len(name):,} characters ({name[:40]!r}…); a name has at most "
                f"{LONGEST_NAME:,}: shorten it"
            )
        if not name.isascii() and name.encode("utf-8", "replace").decode() != name:
            raise TableError(
                f"{source}: the name of column {i} is {name[:40]!r}, which is not valid Unicode; decode it with the "
                "encoding in which it was written"
            )
        if name and counts[name] == 1:
            out.append(name)
            continue
        seen[name] += 1
        own = f"{name} ({seen[name]})" if name else f"column {i}"
        while own in taken:
            own += "'"
        taken.add(own)
        out.append(own)
        unnamed += [] if name else [own]
    return out, unnamed, [name for name, count in counts.items() if name and count > 1]


def select_names(columns: Sequence[str] | None, names: Sequence[str], source: str) -> list[str]:
    """Return the requested columns, each once, or all `names` if `columns` is None.

    Raises
    ------
    TableError
        If there is no such column; the message suggests the nearest name.

    """
    if columns is None:
        return list(names)
    known = set(names)
    for name in columns:
        if name not in known:
            raise TableError(f"{source} has no column {name!r}; {nearest(name, names)}")
    return list(dict.fromkeys(columns))
