"""Compares the rows of an exported query, of whatever database, with the predictions of its model."""

from __future__ import annotations

from typing import Any

import numpy as np

import creche as cr
from tests.models_to_export import is_clear, table


def agree(model: Any, found: list[tuple[Any, ...]], interval: float | None = None) -> None:
    """Compare rows, which begin with their numbers, column by column."""
    columns = list(zip(*sorted(found), strict=True))
    assert columns.pop(0) == tuple(range(table().height))

    def take(count: int) -> np.ndarray[Any, Any]:
        taken = np.array(columns[:count]).T
        del columns[:count]
        return taken

    labels, rows = model.labels, len(found)
    scale = labels.scale or (1.0,)
    if labels.task == "regression":
        expected = model.predict(table()).reshape(rows, -1)
        allowed = 1e-6 * (labels.repeat(np.array(scale)) + np.abs(expected))
        assert (np.abs(take(expected.shape[1]) - expected) < allowed).all()
    else:
        expected = model.predict(table()).reshape(rows, -1)
        assert take(expected.shape[1]).tolist() == expected.tolist()
        probabilities = model.predict_proba(table())
        assert np.abs(take(probabilities.shape[1]).astype(float) - probabilities).max() < 1e-6
    if interval is not None:
        limits = model.predict(table(), interval)[1].reshape(rows, -1)
        got = take(limits.shape[1])
        if labels.task == "regression":
            assert (np.abs(got - limits) < 1e-6 * (np.repeat(scale, 2) + np.abs(limits))).all()
        else:
            assert (got == limits)[is_clear(model, interval)].all()
    if isinstance(model, cr.Ensemble):
        disagreement = take(1).astype(float).ravel()
        assert np.abs(disagreement - model.disagreement(table())).max() < 1e-5 * max(scale)
    assert columns == []
