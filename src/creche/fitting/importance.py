"""How much each column matters to a fitted model: permutation importance on held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
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

    def loss(column: int | None) -> float:
        predicted = np.concatenate([fold.predict(column) for fold in folds])
        mean = score_mean(calibration.apply(predicted), judged)
        return mean if judged.classes is not None else mean ** (1 / judged.unit_power)

    baseline = loss(None)
    rises = {name: loss(number) - baseline for number, name in enumerate(names)}
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

    def predict(self, column: int | None) -> NDArray[np.float64]:
        """Return the mean predictions, with one column shuffled."""
        total: Any = 0.0
        for (model, weight, x), blocks in zip(self.networks, self.blocks, strict=True):
            block = slice(0, 0) if column is None else blocks[column]
            cells = x[:, block].copy()
            x[:, block] = cells[self.order]
            total = total + weight * model.predict_encoded(x).astype(np.float64)
            x[:, block] = cells
        return np.asarray(total)
