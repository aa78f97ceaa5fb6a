"""The names of columns, as a table's source gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError, nearest

__all__ = ["KINDS", "Column", "Table", "check_names", "select_names"]

LONGEST_NAME = 1000


def check_names(names: Sequence[str], source: str) -> list[str]:
    """The names, each different and none empty.

    Raises
    ------
    TableError
        If they are not, or there are none.

    """
    if not names:
        raise TableError(f"{source}: is empty; needs column names and rows below them")
    place: dict[str, int] = {}
    for i, name in enumerate(names, 1):
        if not name:
            raise TableError(f"{source}: column {i} has no name; give it one (pandas: to_csv(..., index=False))")
        if len(name) > LONGEST_NAME:
            raise TableError(
                f"{source}: the name of column {i} has {len(name):,} characters ({name[:40]!r}…); a name has at most "
                f"{LONGEST_NAME:,}: shorten it"
            )
        if name in place:
            raise TableError(
                f"{source}: column {name!r} stands there twice, as column {place[name]} and {i}; "
                "give each column a name of its own"
            )
        place[name] = i
    return list(names)


def select_names(columns: Sequence[str] | None, names: Sequence[str], source: str) -> list[str]:
    """These columns of those that there are; all, for None.

    Raises
    ------
    TableError
        If there is no such column, with the nearest name there is.

    """
    if columns is None:
        return list(names)
    there = set(names)
    for name in columns:
        if name not in there:
            raise TableError(f"columns: {source} has no column {name!r}; {nearest(name, names)}")
    return list(dict.fromkeys(columns))


KINDS = ("number", "whole", "boolean", "words", "datetime")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The values of one column, and what they are.

    Attributes
    ----------
    kind : {"number", "whole", "boolean", "words", "datetime"}
    values : (n,) array
        number: float64, NaN for missing; whole: int64, or float64 with NaN where values are missing; boolean: float64
        of 1 and 0, NaN for missing; words: int32 places in `words`, -1 for missing; moment: datetime64[us], NaT for
        missing.
    words : tuple of str
        The different words, each once, in any order; of boolean, the words for 0 and 1 if they are not true and false;
        empty for the other kinds.

    Examples
    --------
    >>> islands = Column.of_words(["Biscoe", None, "Dream", "Biscoe"])
    >>> islands.values.tolist(), islands.words
    ([0, -1, 1, 0], ('Biscoe', 'Dream'))

    """

    kind: str
    values: NDArray[Any]
    words: tuple[str, ...] = ()

    @classmethod
    def of_words(cls, values: Sequence[str | None]) -> Column:
        """From words, None for missing."""
        place: dict[str, int] = {}
        codes = [-1 if value is None else place.setdefault(value, len(place)) for value in values]
        return cls("words", np.array(codes, dtype=np.int32), tuple(place))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[Any] | slice) -> Column:
        """These rows of it: row numbers, a mask, or a slice."""
        return Column(self.kind, self.values[rows], self.words)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where no value stands, (n,)."""
        if self.kind == "words":
            return np.asarray(self.values < 0)
        if self.kind == "datetime":
            return np.asarray(np.isnat(self.values))
        if self.values.dtype.kind == "i":
            return np.zeros(len(self.values), dtype=np.bool_)
        return np.asarray(np.isnan(self.values))

    def objects(self) -> NDArray[np.object_]:
        """The values as Python's own (float, int, bool, str, datetime), None for missing."""
        out = np.empty(len(self.values), dtype=object)
        if self.kind == "words":
            out[:] = np.array([*self.words, None], dtype=object)[self.values]  # -1 is the last
            return out
        values = self.values
        if self.kind in ("whole", "boolean"):
            convert = int if self.kind == "whole" else bool
            out[:] = [None if value != value else convert(value) for value in values.tolist()]  # NaN is unlike itself
        else:
            out[:] = values.tolist()
            out[self.missing] = None
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Named columns of one length.

    Attributes
    ----------
    columns : dict of str to Column
    source : str
        What to call it in messages.
    first_row : int, default 1
        The number by which its user calls the first row: tables are counted from 1, without the line of names.

    """

    columns: dict[str, Column]
    source: str
    first_row: int = 1

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def column(self, name: str, what: str) -> Column:
        """The column of that name; `what` begins the message if there is none.

        Raises
        ------
        TableError
            If there is none, with the nearest name there is.

        """
        if name not in self.columns:
            raise TableError(f"{what}: {self.source} has no column {name!r}; {nearest(name, self.names)}")
        return self.columns[name]

    def take(self, rows: NDArray[Any] | slice) -> Table:
        """These rows of it; they are counted from 1 again."""
        return Table({name: column.take(rows) for name, column in self.columns.items()}, self.source, self.first_row)

    def select(self, names: Sequence[str]) -> Table:
        """These columns of it, in this order."""
        return Table({name: self.column(name, "columns") for name in names}, self.source, self.first_row)
