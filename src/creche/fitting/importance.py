"""How much each column matters to a fitted model: permutation importance on rows that the networks did not learn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from creche.fitting.candidate import Candidate
from creche.fitting.fold_tables import FoldTables, Judged
from creche.fitting.weighting import score_mean
from creche.model.calibration import Calibration
from creche.table.split import hash_sequence

__all__ = ["measure_importance"]

# Predictions of a network for a row, in all: more would take longer than training does.
MAX_PREDICTIONS = 4_000_000
MAX_ROWS = 4_000


def measure_importance(
    candidates: Sequence[Candidate],
    weights: NDArray[np.float64],
    tables: FoldTables,
    calibration: Calibration,
    seed: int,
) -> dict[str, float]:
    """Return by how much the loss of out-of-fold predictions rises when a column is shuffled among the rows.

    The cells of a column are shuffled within each fold, once (Breiman 2001, section 10). Empty for tables of so many
    columns that it would take long.

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
    limit = min(MAX_ROWS, MAX_PREDICTIONS // (len(kept) * max(len(names), 1)))
    if limit < 100 and limit < len(tables.judged):
        return {}
    chosen = [np.arange(min(len(fold.held_out), max(1, limit // len(tables)))) for fold in tables.folds]
    judged = _take(tables, chosen)
    baseline = _loss(calibration.apply(_predict(kept, tables, chosen, None, seed)), judged)
    rises = {
        name: _loss(calibration.apply(_predict(kept, tables, chosen, number, seed)), judged) - baseline
        for number, name in enumerate(names)
    }
    return dict(sorted(rises.items(), key=lambda item: (-item[1], item[0])))


def _take(tables: FoldTables, chosen: Sequence[NDArray[np.int64]]) -> Judged:
    """Return the judged rows of which there are predictions."""
    starts = [0, *accumulate(len(fold.held_out) for fold in tables.folds)][:-1]
    places = np.concatenate([start + rows for start, rows in zip(starts, chosen, strict=True)])
    return tables.judged.take(places)


def _predict(
    kept: Sequence[tuple[Candidate, float]],
    tables: FoldTables,
    chosen: Sequence[NDArray[np.int64]],
    column: int | None,
    seed: int,
) -> NDArray[np.float64]:
    """Return the mean out-of-fold predictions of the chosen rows, with one column shuffled."""
    parts = []
    for fold, rows in enumerate(chosen):
        order = np.argsort(hash_sequence(seed + fold, len(rows)), kind="stable")
        total: NDArray[np.float64] | None = None
        for candidate, weight in kept:
            model = candidate.models[fold]
            x = tables.encode(candidate.configuration.preprocessing)[fold].held_out.x[rows]
            if column is not None:
                ends = list(accumulate(encoder.width for encoder in model.features.columns))
                block = slice(ends[column] - model.features.columns[column].width, ends[column])
                x[:, block] = x[order, block]
            predicted = weight * model.predict_encoded(x).astype(np.float64)
            total = predicted if total is None else total + predicted
        assert total is not None
        parts.append(total)
    return np.concatenate(parts)


def _loss(predicted: NDArray[np.float64], judged: Judged) -> float:
    loss = score_mean(predicted, judged)
    return loss if judged.classes is not None else loss**0.5
