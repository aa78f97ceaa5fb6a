"""Rows as a user has them and as networks read them, of one network or of several together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.ensemble import Ensemble, tempered
from creche.errors import TableError
from creche.explain.batch import Batch
from creche.model import Model
from creche.side_by_side import SideBySide
from creche.table.check import check_finite, matrix
from creche.table.columns import Table
from creche.table.encode import FeatureEncoder
from creche.table.observations import Observations
from creche.table.prepare import encoded_features
from creche.table.read import is_table, read_table

__all__ = ["Encoded", "Given", "blocks_of", "given_rows", "inputs_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Rows whose label need not be known.

    Attributes
    ----------
    x : Table or (n, d) array
    called : (n,) int64
        What the user calls each row.

    """

    x: Table | NDArray[Any]
    called: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.called)

    def take(self, which: NDArray[np.int64]) -> Given:
        """These of them, by place."""
        return Given(self.x.take(which) if isinstance(self.x, Table) else self.x[which], self.called[which])

    def cells(self, features: FeatureEncoder) -> tuple[NDArray[np.object_], ...]:
        """Of each column that the network takes: what stands in each row, None where nothing does."""
        if isinstance(self.x, Table):
            return tuple(self.x.column(name, "features").objects() for name in features.names)
        return tuple(self.x[:, i].astype(object) for i in range(self.x.shape[1]))


def given_rows(model: Model | Ensemble, data: Any) -> Given:
    """The rows of a file, a DataFrame or an array; arguments as for `Model.predict`.

    Raises
    ------
    TableError
        If there is no row, or a column is missing.

    """
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to explain it by")
    if isinstance(data, Batch):
        data = data.observations
    if isinstance(data, Observations):
        x = _named(model.features, data.x) if isinstance(data.x, Table) else data.x
        return Given(x, data.called)
    if is_table(data):
        table = read_table(data, expected=model.features.kinds)
        if len(table) == 0:
            raise TableError(f"{table.source}: has no rows; there is nothing to explain")
        return Given(_named(model.features, table), np.arange(len(table)) + table.first_row)
    x = matrix(data)
    check_finite(x)
    if len(x) == 0:
        raise TableError("X: has no rows; there is nothing to explain")
    return Given(x, np.arange(len(x)))


def _named(features: FeatureEncoder, table: Table) -> Table:
    """The table; its columns by their order where the network was trained on an array, whose columns have no names."""
    names = features.names
    if features.kinds or all(name in table.columns for name in names):
        return table
    if len(table.names) != len(names):
        raise TableError(
            f"{table.source}: has {len(table.names)} columns; the network was trained on an array of {len(names)}"
        )
    return Table(dict(zip(names, table.columns.values(), strict=True)), table.source, table.first_row)


def inputs_of(model: Model, rows: Given) -> NDArray[Any]:
    """The network's inputs, (n, inputs)."""
    if isinstance(rows.x, Table):
        return encoded_features(model.features, rows.x, model.plan.precision, rows.called)
    return model.inputs_of(rows.x)


def blocks_of(features: FeatureEncoder) -> list[slice]:
    """Which inputs are of each column."""
    ends = np.cumsum([column.width for column in features.columns]).tolist()
    return [slice(end - column.width, end) for column, end in zip(features.columns, ends, strict=True)]


class Encoded:
    """Rows, encoded once, whose columns can be shuffled among them.

    Parameters
    ----------
    model : Model or Ensemble
    rows : Given

    """

    def __init__(self, model: Model | Ensemble, rows: Given) -> None:
        self._model = model
        models = model.models if isinstance(model, Ensemble) else [model]
        self._together = SideBySide(models, model.threads) if isinstance(model, Ensemble) else None
        encoding = models if self._together is None else self._together.encoding
        self._inputs = [inputs_of(one, rows).copy() for one in encoding]
        self._blocks = [blocks_of(one.features) for one in encoding]

    def said(self) -> NDArray[np.float64]:
        """Probabilities (n, classes), or numbers (n, k)."""
        if isinstance(self._model, Model):
            return self._model.predictions_of(self._inputs[0]).astype(np.float64)
        assert self._together is not None
        said = self._together.mean_of(self._inputs, self._model.shares)
        return said if self._model.classes is None else tempered(said, self._model.temperature)

    def said_shuffled(self, column: int, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same, as if the cells of a column stood in this order: what encoding such a table would give."""
        kept = []
        for x, blocks in zip(self._inputs, self._blocks, strict=True):
            block = x[:, blocks[column]].copy()
            kept.append(block)
            x[:, blocks[column]] = block[order]
        try:
            return self.said()
        finally:
            for x, blocks, block in zip(self._inputs, self._blocks, kept, strict=True):
                x[:, blocks[column]] = block
