"""How much each column matters to a fitted model: permutation importance on held-out rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.fitting.candidate import Candidate
from creche.fitting.fold_tables import FoldTables, Judged
from creche.fitting.weighting import score_mean
from creche.model.calibration import Calibration
from creche.model.model import Model
from creche.table.prepare import encode_features
from creche.table.split import hash_sequence

__all__ = ["measure_importance"]

# Operations of predictions, in all: these, or a share of those of training.
MAX_OPERATIONS, MAX_SHARE_OF_WORK = 2e10, 0.25
MIN_ROWS, MAX_ROWS = 100, 4_000
# Predictions of many rows at once take less time: those of this many columns are held, from this many inputs at a time.
COLUMNS_AT_ONCE, NUMBERS_AT_ONCE = 64, 1 << 20


def measure_importance(
    candidates: Sequence[Candidate],
    weights: NDArray[np.float64],
    tables: FoldTables,
    calibration: Calibration,
    seed: int,
) -> dict[str, float]:
    """Return by how much the loss of out-of-fold predictions rises when a column is shuffled among the rows.

    The cells of a column are shuffled within each fold, once (Breiman 2001, section 10). Empty for tables that are
    so wide that it would take long.

    Parameters
    ----------
    candidates : sequence of Candidate
    weights : (candidates,) array
    tables : FoldTables
    calibration : Calibration
    seed : int

    Returns
    -------
    dict of str to float
        The increase in log loss, or in root mean squared error, of each column, the largest first.

    """
    kept = [(each, weight) for each, weight in zip(candidates, weights.tolist(), strict=True) if weight > 0]
    names = kept[0][0].models[0].features.names
    parameters = sum(each.models[0].plan.network.parameters for each, _ in kept)
    operations = max(MAX_OPERATIONS, MAX_SHARE_OF_WORK * sum(each.work for each in candidates))
    limit = int(min(MAX_ROWS, operations // (2 * parameters * max(len(names), 1))))
    if limit < min(MIN_ROWS, len(tables.judged)):
        return {}
    chosen = [np.arange(min(len(fold.held_out), max(1, limit // len(tables)))) for fold in tables.folds]
    judged = _take(tables, chosen)
    folds = [_Fold.of(kept, tables, fold, rows, seed) for fold, rows in enumerate(chosen)]

    def losses(columns: Sequence[int | None]) -> Iterator[float]:
        for predicted in zip(*(fold.predict(columns) for fold in folds), strict=True):
            mean = score_mean(calibration.apply(np.concatenate(predicted)), judged)
            yield mean if judged.classes is not None else mean ** (1 / judged.unit_power)

    (baseline,) = losses([None])
    rises: dict[str, float] = {}
    for begin in range(0, len(names), COLUMNS_AT_ONCE):
        columns = range(begin, min(begin + COLUMNS_AT_ONCE, len(names)))
        rises |= {names[column]: loss - baseline for column, loss in zip(columns, losses(columns), strict=True)}
    return dict(sorted(rises.items(), key=lambda item: (-item[1], item[0])))


def _take(tables: FoldTables, chosen: Sequence[NDArray[np.int64]]) -> Judged:
    """Return the judged rows that are predicted."""
    starts = [0, *accumulate(len(fold.held_out) for fold in tables.folds)][:-1]
    places = np.concatenate([start + rows for start, rows in zip(starts, chosen, strict=True)])
    return tables.judged.take(places)


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """Rows of one fold, and the networks that predict them.

    Attributes
    ----------
    networks : list of (Model, float, array)
        With its weight, and the rows as it takes them.
    blocks : list of list of slice
        For each network, the inputs of each column.
    order : (n,) int64 array
        The order in which shuffled cells come.

    """

    networks: list[tuple[Model, float, NDArray[Any]]]
    blocks: list[list[slice]]
    order: NDArray[np.int64]

    @classmethod
    def of(
        cls, kept: Sequence[tuple[Candidate, float]], tables: FoldTables, fold: int, rows: NDArray[np.int64], seed: int
    ) -> Self:
        networks, blocks = [], []
        part = tables.inspection.usable.take(tables.folds[fold].held_out[rows])
        for candidate, weight in kept:
            model = candidate.models[fold]
            x = encode_features(model.features, part.observations.x, tables.precision)
            networks.append((model, weight, x))
            widths = [encoder.width for encoder in model.features.columns]
            blocks.append([slice(end - width, end) for width, end in zip(widths, accumulate(widths), strict=True)])
        return cls(networks, blocks, np.argsort(hash_sequence(seed + fold, len(rows)), kind="stable"))

    def predict(self, columns: Sequence[int | None]) -> NDArray[np.float64]:
        """Return the mean predictions with each of these columns shuffled, or none: (columns, n, outputs)."""
        total: Any = 0.0
        for (model, weight, x), blocks in zip(self.networks, self.blocks, strict=True):
            at_once = max(1, NUMBERS_AT_ONCE // max(x.size, 1))
            parts = [columns[begin : begin + at_once] for begin in range(0, len(columns), at_once)]
            predicted = np.concatenate([model.predict_encoded(self._shuffle(x, blocks, part)) for part in parts])
            total = total + weight * predicted.reshape(len(columns), len(x), -1).astype(np.float64)
        return np.asarray(total)

    def _shuffle(self, x: NDArray[Any], blocks: list[slice], columns: Sequence[int | None]) -> NDArray[Any]:
        """Return the rows once for each column, with its cells in another order."""
        copies = np.repeat(x[np.newaxis], len(columns), axis=0)
        for copy, column in zip(copies, columns, strict=True):
            if column is not None:
                copy[:, blocks[column]] = x[self.order, blocks[column]]
        return copies.reshape(-1, x.shape[1])
