"""The values to try for a column, and the predictions with each of them in all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._phrases import write_number
from creche._progress import count_steps
from creche.errors import TableError
from creche.explain.predictions import find_encoder, predict_array
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.table.cell_types import ColumnContext, Rule
from creche.table.encoders.features import FeatureEncoder
from creche.table.reading.read import read_table
from creche.table.table import Column, Table
from creche.table.word_columns import coerce_column

__all__ = ["MISSING", "ValueGrid", "create_grid", "predict_settings"]

MISSING = "(missing)"
MAX_CATEGORIES = 24


@dataclass(frozen=True, slots=True, eq=False)
class ValueGrid:
    """A column with the values to try.

    Attributes
    ----------
    name : str
    kind : {"number", "datetime", "categorical"}
        Boolean columns are categorical here.
    tried, observed : Column
        The values to try, (m,), and the values of the rows, (n,).
    is_used : bool
        Whether the network uses the column; it does not if the column was constant in training.
    left_out : int
        How many rare categories are not tried.

    """

    name: str
    kind: str
    tried: Column
    observed: Column
    is_used: bool
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.tried)

    @property
    def is_category(self) -> bool:
        return self.kind == "categorical"

    @property
    def values(self) -> list[Any]:
        """The values to try as Python objects; None for missing."""
        return _as_written(self.tried)

    @property
    def positions(self) -> NDArray[Any]:
        """The positions of the values on an axis: float64; datetime64 for dates; 0, 1, … for categories."""
        return np.arange(len(self), dtype=np.float64) if self.is_category else self.tried.values

    @property
    def numeric_positions(self) -> NDArray[np.float64]:
        """The same positions as numbers; dates are days since 1970."""
        return _plain_numbers(self.positions)

    @property
    def row_positions(self) -> NDArray[Any]:
        """The positions of the rows on that axis, (n,); NaN or NaT for those that have none."""
        if not self.is_category:
            return self.observed.values
        place = {value: float(i) for i, value in enumerate(self.values)}
        return np.array([place.get(value, np.nan) for value in _as_written(self.observed)])

    @property
    def numeric_row_positions(self) -> NDArray[np.float64]:
        """The same positions as numbers."""
        return _plain_numbers(self.row_positions)

    @property
    def labels(self) -> list[str]:
        """The values to try as text."""
        return [self.label(value) for value in self.values]

    def label(self, value: Any) -> str:
        """Return a value as text."""
        if value is None:
            return MISSING
        if self.kind == "datetime":
            return str(value.isoformat()).removesuffix("T00:00:00")
        return write_number(value, 4) if isinstance(value, float) else str(value)

    def _to_object(self, value: NDArray[Any]) -> Any:
        return _as_written(Column(self.observed.kind, value, self.observed.words))[0]

    def notes(self) -> list[str]:
        """Return remarks that a picture does not show."""
        notes, missing = [], self.observed.missing
        present = self.observed.values[~missing]
        if not self.is_used:
            notes.append(f"the network does not use {self.name}, because it was constant in the training rows")
        elif len(present) and (present == present[0]).all() and not self.is_category:
            notes.append(
                f"there is only one value to try: {self.name} is {self.label(self._to_object(present[:1]))} in all rows"
            )
        if missing.any() and not self.is_category:
            share = f"{int(missing.sum()):,} of {len(missing):,} rows"
            notes.append(f"in {share} {self.name} is missing; these rows were given each value too")
        if self.left_out:
            notes.append(f"{self.left_out:,} rarer values of {self.name} were not tried")
        return notes


def create_grid(
    model: Predictor, table: Table, name: Any, points: int, at: Any = None, argument: str = "column"
) -> ValueGrid:
    """Return a column with the values to try.

    For numbers and dates these are all values of the rows; if there are more than `points`, evenly spaced quantiles
    from the smallest to the largest. For categories and booleans they are all values, with missing as one of them.

    Raises
    ------
    PlanError
        If there is no such column.
    TableError
        If the column is missing in all rows, or a value in `at` does not fit the column.

    """
    encoder = find_encoder(model, table, name, argument)
    kind = "categorical" if encoder.role == "categorical" or encoder.kind == "boolean" else encoder.kind
    read_as = encoder.kind if encoder.role != "categorical" else "words"
    observed = _read(table.columns[name], read_as, ColumnContext(table.source, name, table.first_row))
    is_used = not encoder.is_constant
    if at is not None:
        wanted = _parse_values(at, name, encoder.kind)
        return ValueGrid(name, kind, _read(wanted, read_as, ColumnContext("at", name)), observed, is_used)
    if kind != "categorical":
        return ValueGrid(name, kind, _quantiles(observed, name, points), observed, is_used)
    tried, left_out = _categories(observed, read_as)
    return ValueGrid(name, kind, tried, observed, is_used, left_out)


def _read(column: Column, kind: str, place: ColumnContext) -> Column:
    return coerce_column(column, Rule(kind, required=True), place)


def _parse_values(at: Any, name: str, kind: str) -> Column:
    values = np.atleast_1d(np.asarray(at, dtype=object)).tolist()
    if not values:
        raise TableError(f"at: has no values for {name!r}; give some, or leave it out")
    column = read_table({name: values}, expected={name: kind}).columns[name]
    if kind in ("number", "datetime") and (column.missing.any() or np.isinf(column.values.astype(np.float64)).any()):
        raise TableError(f"at: got {at!r} for {name!r}; needs finite values")
    return column


def _quantiles(observed: Column, name: str, points: int) -> Column:
    """Return quantiles that are values of rows, each once (Hyndman & Fan 1996, definition 3): never half a day."""
    present = np.sort(observed.values[~observed.missing])
    if len(present) == 0:
        raise TableError(
            f"column {name!r}: is missing in all {len(observed):,} rows; give rows that hold it, or {advise('at', ...)}"
        )
    different = np.unique(present)
    if len(different) > points:
        shares = np.rint(np.linspace(0, len(present) - 1, points)).astype(np.int64)
        different = np.unique(present[shares])
    return Column(observed.kind, different)


def _categories(observed: Column, kind: str) -> tuple[Column, int]:
    missing = bool(observed.missing.any())
    if kind == "boolean":
        return Column("boolean", np.array([0.0, 1.0, np.nan] if missing else [0.0, 1.0]), observed.words), 0
    counts = Counter(word for word in observed.to_objects().tolist() if word is not None)
    common = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_CATEGORIES]
    return Column.from_words([*sorted(common), *([None] if missing else [])]), len(counts) - len(common)


def _as_written(column: Column) -> list[Any]:
    """Return Python objects; booleans as the table spells them."""
    if column.kind == "boolean":
        words = column.words or ("false", "true")
        return [None if value != value else words[int(value)] for value in column.values.tolist()]
    values: list[Any] = column.to_objects().tolist()
    return values


def _plain_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype.kind != "M":
        return values.astype(np.float64)
    days = (values - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return np.asarray(days, dtype=np.float64)


CELLS_AT_ONCE = 4_000_000


def predict_settings(model: Predictor, table: Table, changes: Mapping[str, Column]) -> Iterator[NDArray[np.float64]]:
    """Yield the predictions for all rows with columns set to one value, for one setting after another.

    Parameters
    ----------
    model : Model or Ensemble
    table : Table
        The rows, (n,).
    changes : dict of str to Column
        The columns to change, each with its value in each of m settings.

    Yields
    ------
    (settings, n, outputs) float64
        Bit for bit the predictions for each changed table; some settings at a time.

    """
    table = table.select(model.features.names)
    settings = len(next(iter(changes.values())))
    at_a_time = max(1, CELLS_AT_ONCE // (len(table) * max(model.features.width, 1)))
    encoded = InputSettings(model, table, changes) if isinstance(model, Model) else None
    with count_steps(settings, "values") as report:
        for begin in range(0, settings, at_a_time):
            some = np.arange(begin, min(begin + at_a_time, settings))
            if encoded is None:
                predictions = predict_array(model, apply_settings(table, changes, some))
            else:
                predictions = encoded.predict(some)
            yield predictions.reshape(len(some), len(table), -1)
            report(begin + len(some))


def apply_settings(table: Table, changes: Mapping[str, Column], settings: NDArray[np.int64]) -> Table:
    """Return the table once for each setting, one below the other, with the columns changed."""
    rows = np.tile(np.arange(len(table)), len(settings))
    setting_of_row = np.repeat(settings, len(table))
    columns = {
        name: changes[name].take(setting_of_row) if name in changes else column.take(rows)
        for name, column in table.columns.items()
    }
    return table.with_columns(columns)


class InputSettings:
    """The predictions of one network, whose rows are encoded once: a column's inputs depend on that column only."""

    def __init__(self, model: Model, table: Table, changes: Mapping[str, Column]) -> None:
        self._model = model
        precision, features = model.plan.dtype, model.features
        self._rows = features.transform(table, precision)
        self._blocks = []
        end = 0
        for column in features.columns:
            begin, end = end, end + column.width
            if column.name in changes:
                tried = Table({column.name: changes[column.name]}, table.source, table.first_row)
                block = FeatureEncoder((column,), features.has_column_names).transform(tried, precision)
                self._blocks.append((slice(begin, end), block))

    def predict(self, settings: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the predictions for all rows in each of these settings, one setting after another."""
        inputs = np.repeat(self._rows[np.newaxis], len(settings), axis=0)
        for place, block in self._blocks:
            inputs[:, :, place] = block[settings][:, np.newaxis]
        return np.asarray(self._model.predict_encoded(inputs.reshape(-1, inputs.shape[2])), dtype=np.float64)
