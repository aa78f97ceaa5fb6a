"""Rows from requests, checked: which columns a model reads, and which cells it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np

from creche._phrases import shorten_text
from creche.errors import TableError, closest
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.serving.columns import DATE_PATTERN, LARGEST_NUMBER, InputColumn, InputRole
from creche.serving.problems import CellError, ProblemError
from creche.table.cell_types import build_rules
from creche.table.encoders.features import prepare_column
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.series import Values
from creche.table.roles import Encoder
from creche.table.table import Table

__all__ = ["SOURCE", "CellChecker", "CheckedRows", "Row"]

Row: TypeAlias = dict[str, Any]

SOURCE = "the request"
"""The name of rows in messages of the library."""
LONGEST_SHOWN = 40
MOST_FOUND = 1000
"""Errors after which a request is not searched for more."""

TYPES: dict[InputRole, tuple[type, ...]] = {
    "numeric": (float, int),
    "boolean": (bool, int, float),
    "categorical": (str, int, float, bool),
    "datetime": (str,),
}
NEEDED: dict[InputRole, str] = {
    "numeric": "a number",
    "boolean": "true or false",
    "categorical": "a string, a number, true or false",
    "datetime": "a date such as '2020-01-31' or '2020-01-31T12:30:00Z'",
}


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """Rows that a model can take.

    Attributes
    ----------
    data : dict or Table
        One row, or a table of several.
    count : int
    ignored : tuple of str
        The columns of the request that the model does not read.

    """

    data: Row | Table
    count: int
    ignored: tuple[str, ...] = ()


class CellChecker:
    """Checks the rows of requests against the columns of a model.

    JSON has types, so unlike in a file of text, a string is not a number: ``"40.5"`` is an error in a column of them.

    Parameters
    ----------
    model : Model or Ensemble
    columns : tuple of InputColumn
        Those of the model.

    """

    def __init__(self, model: Model | Ensemble, columns: tuple[InputColumn, ...]) -> None:
        self._features = model.features
        self._limit = float(np.finfo((model.models[0] if isinstance(model, Ensemble) else model).plan.dtype).max)
        self._columns = columns
        self._names = frozenset(column.name for column in columns)
        nothing: tuple[type, ...] = (type(None),)
        self._types = [
            (column, frozenset(TYPES[column.role] + (nothing if column.may_be_missing else ())), _value_check(column))
            for column in columns
        ]

    def check(self, rows: Sequence[Any]) -> CheckedRows:
        """Return rows of cells as the model takes them.

        Parameters
        ----------
        rows : list
            The rows of a request, dicts if they are right.

        Raises
        ------
        ProblemError
            If a row is not an object, a column is missing, or a cell is not of its column's type: with all such errors.

        """
        if len(rows) == 1 and type(rows[0]) is dict:
            row = rows[0]
            cells = self._check_row(row)
            if cells is not None:
                return CheckedRows(cells, 1, () if len(row) == len(cells) else self._find_ignored(row))
        elif set(map(type, rows)) == {dict}:
            checked = self._check_table(lambda name: list(map(itemgetter(name), rows)), rows[0], len(rows))
            if checked is not None:
                return checked
        raise ProblemError.of_cells(list(self._find_type_errors(rows)))

    def check_columns(self, columns: Mapping[str, list[Any]], count: int) -> CheckedRows:
        """Return columns of cells, all of one length, as the model takes them; errors as for `check`.

        Parameters
        ----------
        columns : dict of str to list
        count : int
            The number of rows.

        """
        checked = self._check_table(columns.__getitem__, columns, count) if count > 1 else None
        if checked is not None:
            return checked
        names = list(columns)
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
        return self.check(rows if names else [{}] * count)

    def make_table(self, columns: Mapping[str, list[Any]]) -> Table:
        """Return checked cells as a table, whose rows count from 0.

        Raises
        ------
        ProblemError
            If a value is not one of its column: with all such errors.

        """
        return self._make_table({name: Values(cells) for name, cells in columns.items()})

    def _make_table(self, columns: Mapping[str, Values]) -> Table:
        try:
            return PlainFrame(columns, SOURCE).to_table(build_rules(self._features.expected), first_row=0)
        except TableError as error:
            raise self.explain({name: values.to_objects() for name, values in columns.items()}, error) from error

    def explain(self, data: Row | Table | Mapping[str, list[Any]], error: TableError) -> ProblemError:
        """Return the refusal of rows that a model cannot take: each cell that is wrong, or else the error.

        Parameters
        ----------
        data : dict or Table
            What `check` returned; or its columns, if no table can be made of them.
        error : TableError
            What the model raised.

        """
        if isinstance(data, Table):
            columns = {name: column.to_objects().tolist() for name, column in data.columns.items()}
        else:
            columns = {name: cells if type(cells) is list else [cells] for name, cells in data.items()}
        errors = [
            found
            for encoder in self._features.columns
            for found in self._find_value_errors(encoder, columns[encoder.name], 0)
        ][:MOST_FOUND]
        return ProblemError.of_cells(errors or [CellError(None, None, str(error))])

    def _check_row(self, row: Row) -> Row | None:
        """Return the cells of a row that the model reads; None if there is an error."""
        cells = {}
        for column, types, is_value in self._types:
            name = column.name
            if name not in row:
                return None
            cell = row[name]
            if type(cell) not in types or not (is_value is None or is_value(cell)):
                return None
            cells[name] = cell
        return cells

    def _check_table(self, find: Callable[[str], list[Any]], names: Collection[str], count: int) -> CheckedRows | None:
        """Return several rows, whose columns are found by name, as a table; None if there is an error.

        Columns are looked at as a whole; what is wrong, and where, is found by looking at each cell.
        """
        columns = self._check_columns(find)
        table = None if columns is None else self._make_table(columns)
        if columns is None or table is None or self._has_large_number(table):
            return None
        return CheckedRows(table, count, self._find_ignored(names) if len(names) > len(columns) else ())

    def _check_columns(self, find: Callable[[str], list[Any]]) -> dict[str, Values] | None:
        """Return the columns that the model reads; None if one is missing, or a cell is not of its type."""
        columns = {}
        for column, types, is_value in self._types:
            try:
                cells = find(column.name)
            except KeyError:
                return None
            found = frozenset(map(type, cells))
            if not found <= types:
                return None
            # Numbers are compared with the largest once they are an array.
            if column.role != "numeric" and is_value is not None and not all(map(is_value, set(cells))):
                return None
            columns[column.name] = Values(cells, types=found)
        return columns

    def _has_large_number(self, table: Table) -> bool:
        return any(
            bool((np.abs(table.columns[column.name].values) > LARGEST_NUMBER).any())
            for column in self._columns
            if column.role == "numeric"
        )

    def _find_ignored(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in self._names)

    def _find_type_errors(self, rows: Sequence[Any]) -> Iterator[CellError]:
        found = 0
        for place, row in enumerate(rows):
            for error in self._find_errors_of_row(place, row):
                yield error
                found += 1
                if found == MOST_FOUND:
                    return

    def _find_errors_of_row(self, place: int, row: Any) -> Iterator[CellError]:
        if type(row) is not dict:
            needed = "an object with a value for each column"
            yield CellError(place, None, f"row {place}: got {_show(row)}; needs {needed}")
            return
        for column, types, is_value in self._types:
            name = column.name
            if name not in row:
                others = [other for other in row if other not in self._names]
                near = closest(name, others)
                hint = "" if near is None else f"; did {near!r} mean it?"
                null = ", or null for a missing value" if column.may_be_missing else ""
                yield CellError(place, name, f"row {place}: column {name!r} is missing; add it{null}{hint}")
                continue
            cell = row[name]
            if type(cell) not in types or not (is_value is None or is_value(cell)):
                null = ", or null for a missing value" if column.may_be_missing else ""
                limits = f" from -{LARGEST_NUMBER:g} to {LARGEST_NUMBER:g}" if type(cell) in (int, float) else ""
                needed = f"{NEEDED[column.role]}{limits if column.role == 'numeric' else ''}{null}"
                yield CellError(place, name, f"row {place}, column {name!r}: got {_show(cell)}; needs {needed}")

    def _find_value_errors(self, encoder: Encoder, cells: list[Any], first: int) -> list[CellError]:
        """Return the errors of the cells of a column, looking at all of them together as long as there may be none."""
        message = self._find_error(encoder, cells, first)
        if message is None:
            return []
        if len(cells) == 1:
            return [CellError(first, encoder.name, message)]
        middle = len(cells) // 2
        found = self._find_value_errors(encoder, cells[:middle], first)
        if len(found) < MOST_FOUND:
            found += self._find_value_errors(encoder, cells[middle:], first + middle)
        return found

    def _find_error(self, encoder: Encoder, cells: list[Any], first: int) -> str | None:
        """Return what is wrong with the first cell of some that a column cannot hold."""
        name = encoder.name
        rules = build_rules({name: self._features.expected[name]} if name in self._features.expected else {})
        try:
            table = PlainFrame({name: Values(cells)}, SOURCE).to_table(rules, first_row=first)
            values = prepare_column(table, encoder)
        except TableError as error:
            return str(error).removeprefix(f"{SOURCE}: ")
        out = np.zeros((len(cells), encoder.width))
        with np.errstate(over="ignore", invalid="ignore"):
            encoder.write(values, out)
        wrong = np.flatnonzero(~(np.abs(out) <= self._limit).all(axis=1))
        if not len(wrong):
            return None
        place = int(wrong[0])
        return f"row {first + place}, column {name!r}: got {_show(cells[place])}, which is too large for the network"


def _value_check(column: InputColumn) -> Callable[[Any], bool] | None:
    """Return the function that tells whether a cell of the right type is a value of the column; None if each is."""
    if column.role == "numeric":
        return lambda cell: cell is None or -LARGEST_NUMBER <= cell <= LARGEST_NUMBER
    if column.role == "boolean":
        return lambda cell: cell is None or cell in (0, 1)
    if column.role == "datetime":
        matches = re.compile(DATE_PATTERN, re.ASCII).fullmatch
        return lambda cell: cell is None or matches(cell) is not None
    return None


def _show(cell: Any) -> str:
    """Write a value as JSON shows it, shortened."""
    if type(cell) in (dict, list):
        return "an object" if type(cell) is dict else "an array"
    known = {None: "null", True: "true", False: "false"}
    return known[cell] if cell is None or type(cell) is bool else shorten_text(repr(cell), LONGEST_SHOWN)
