"""What is said of rows when some of their cells are changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from creche.explain.given import said_of
from creche.model import Model
from creche.predicting import Predicting
from creche.table.columns import Column, Table
from creche.table.encode import FeatureEncoder

__all__ = ["said_if"]

CELLS_AT_ONCE = 4_000_000


def said_if(model: Predicting, table: Table, changes: Mapping[str, Column]) -> Iterator[NDArray[np.float64]]:
    """What is said of all rows if columns held one value in each of them: for one setting after another.

    Parameters
    ----------
    model : Model or Ensemble
    table : Table
        The rows, (n,).
    changes : dict of str to Column
        Of each column to change, its value in each of m settings.

    Yields
    ------
    (settings, n, outputs) float64
        What predicting each changed table gives, to the bit; a stretch of the settings at a time.

    """
    table = table.select(model.features.names)
    settings = len(next(iter(changes.values())))
    at_a_time = max(1, CELLS_AT_ONCE // (len(table) * max(model.features.width, 1)))
    said_of_some = ByInputs(model, table, changes) if isinstance(model, Model) else None
    for begin in range(0, settings, at_a_time):
        some = np.arange(begin, min(begin + at_a_time, settings))
        said = said_of(model, changed(table, changes, some)) if said_of_some is None else said_of_some.said(some)
        yield said.reshape(len(some), len(table), -1)


def changed(table: Table, changes: Mapping[str, Column], settings: NDArray[np.int64]) -> Table:
    """The table once for each setting, below each other, with the cells changed."""
    rows = np.tile(np.arange(len(table)), len(settings))
    of_setting = np.repeat(settings, len(table))
    columns = {
        name: changes[name].take(of_setting) if name in changes else column.take(rows)
        for name, column in table.columns.items()
    }
    return Table(columns, table.source, table.first_row)


class ByInputs:
    """One network: the rows are encoded once, for a column alone decides what its own inputs are."""

    def __init__(self, model: Model, table: Table, changes: Mapping[str, Column]) -> None:
        self._model = model
        precision, features = model.plan.precision, model.features
        self._rows = features.transform(table, precision)
        self._blocks = []
        end = 0
        for column in features.columns:
            begin, end = end, end + column.width
            if column.name in changes:
                tried = Table({column.name: changes[column.name]}, table.source, table.first_row)
                block = FeatureEncoder((column,), features.of_table).transform(tried, precision)
                self._blocks.append((slice(begin, end), block))

    def said(self, settings: NDArray[np.int64]) -> NDArray[np.float64]:
        inputs = np.repeat(self._rows[np.newaxis], len(settings), axis=0)
        for place, block in self._blocks:
            inputs[:, :, place] = block[settings][:, np.newaxis]
        return np.asarray(self._model.predictions_of(inputs.reshape(-1, inputs.shape[2])), dtype=np.float64)
