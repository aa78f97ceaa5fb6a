"""Small tables, folds and configurations that the tests of `creche.fit` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from creche.fitting import assemble
from creche.fitting import fit as fitting
from creche.fitting.configuration import Configuration
from creche.fitting.fold_rows import split_fold_rows
from creche.fitting.fold_tables import FoldTables, Judged
from creche.fitting.policy import Policy, TableShape, choose_policy
from creche.plan.words import Effort
from creche.table.inspection import TableInspection, inspect_table
from creche.table.preparation import Preparation
from creche.table.split import Split
from creche.training.arguments import default_loss

Array = NDArray[np.float64]

TINY = (
    Configuration("small", (8,), "silu", 0.1, 0.01, epochs=6, batch_size=16),
    Configuration("linear", (), learning_rate=0.02, epochs=9, batch_size=16),
)


def inspect(x: Any, y: Any = None, *, weights: Any = None, **preparation: Any) -> TableInspection:
    """A table as `creche.fit` sees it."""
    split = Split(0.0, 0.0, True, preparation.pop("group", None), preparation.pop("time", None), None, None)
    return inspect_table(x, y, Preparation(split=split, **preparation), task=None, loss=None, weights=weights)


def fold_tables(inspection: TableInspection, folds: int = 3, seed: int = 0) -> FoldTables:
    """The tables of its folds, in float32."""
    rows = split_fold_rows(inspection, folds, seed)
    return FoldTables(inspection, rows, default_loss(inspection.task), "float32")


def judged_classes(classes: Any, weights: Any = None, folds: int = 1) -> Judged:
    """Rows with these class numbers, in folds of equal weight."""
    count = len(classes)
    shares = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    return Judged(
        np.arange(count),
        np.asarray(classes, dtype=np.int32),
        None,
        shares / shares.sum(),
        shares / shares.sum(),
        (1 / folds,) * folds,
    )


def judged_numbers(numbers: Any, quantiles: tuple[float, ...] = ()) -> Judged:
    """Rows of one fold with these numbers, (n, labels), whose means or quantiles are predicted."""
    count = len(numbers)
    weights = np.full(count, 1 / count)
    return Judged(np.arange(count), None, np.asarray(numbers, dtype=np.float64), weights, weights, (1.0,), quantiles)


def make_tiny(monkeypatch: pytest.MonkeyPatch, configurations: tuple[Configuration, ...] = TINY) -> None:
    """Let `creche.fit` try these configurations, so that a fit takes a few hundredths of a second."""

    def choose(shape: TableShape, effort: Effort, seed: int) -> Policy:
        chosen = choose_policy(shape, effort, seed)
        return replace(chosen, first=configurations, folds=min(chosen.folds, 3))

    monkeypatch.setattr(fitting, "choose_policy", choose)
    monkeypatch.setattr(assemble, "N_RESAMPLES", 20)


def weights_of(model: cr.FittedModel) -> bytes:
    """The bytes of everything that its predictions depend on."""
    return b"".join(name.encode() + array.tobytes() for name, array in sorted(model.arrays().items()))


def stop_at(call: int) -> Callable[[Any], None]:
    """What is like Ctrl-C in this call of it."""
    calls = iter(range(1, 100_000))

    def on_progress(progress: cr.FitProgress) -> None:
        if next(calls) == call:
            raise KeyboardInterrupt

    return on_progress
