"""Encoded rows: the network's inputs, which of them come from which column, and columns shuffled among the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.rows import FeatureRows
from creche.model.batched import BatchedModels
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.table.encoders.features import FeatureEncoder
from creche.table.prepare import encode_features

__all__ = ["EncodedRows", "column_blocks", "encode_inputs"]


def encode_inputs(model: Model, rows: FeatureRows) -> NDArray[Any]:
    """Return the network's inputs, (n, inputs)."""
    return encode_features(model.features, rows.table, model.plan.dtype, rows.row_numbers)


def column_blocks(features: FeatureEncoder) -> list[slice]:
    """Return, for each column of the table, the inputs it is encoded as."""
    ends = np.cumsum([column.width for column in features.columns]).tolist()
    return [slice(end - column.width, end) for column, end in zip(features.columns, ends, strict=True)]


class EncodedRows:
    """Rows, encoded once, whose columns can be shuffled.

    Parameters
    ----------
    model : Model or Ensemble
    rows : FeatureRows

    """

    def __init__(self, model: Model | Ensemble, rows: FeatureRows) -> None:
        self._model = model
        models = model.models if isinstance(model, Ensemble) else [model]
        self._batched = BatchedModels(models, model.threads) if isinstance(model, Ensemble) else None
        encoders = models if self._batched is None else self._batched.encoding
        self._inputs = [encode_inputs(one, rows).copy() for one in encoders]
        self._blocks = [column_blocks(one.features) for one in encoders]

    def predict(self) -> NDArray[np.float64]:
        """Return probabilities, (n, classes), or predictions in the labels' units, (n, labels)."""
        if isinstance(self._model, Model):
            return self._model.predict_encoded(self._inputs[0]).astype(np.float64)
        assert self._batched is not None
        return self._model.calibration.apply(self._batched.mean_encoded(self._inputs, self._model.shares))

    def predict_shuffled(self, column: int, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what `predict` would give if the cells of one column came in this order in the table."""
        kept = []
        for x, blocks in zip(self._inputs, self._blocks, strict=True):
            block = x[:, blocks[column]].copy()
            kept.append(block)
            x[:, blocks[column]] = block[order]
        try:
            return self.predict()
        finally:
            for x, blocks, block in zip(self._inputs, self._blocks, kept, strict=True):
                x[:, blocks[column]] = block
