"""Candidates against runs of `creche.train` that are followed epoch by epoch, fold by fold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from creche.engine.hardware import Hardware
from creche.fitting.candidate import Candidate, candidate_work, train_candidates
from creche.fitting.configuration import Configuration
from creche.fitting.fold_tables import FoldTables
from tests.unit.fitting.small_fits import TINY, fold_tables, inspect
from tests.unit.small_runs import line, two_classes

Array = NDArray[np.float64]
LOUD = Configuration("overfits", (24,), learning_rate=0.05, epochs=14, batch_size=8)
SHARED = Configuration("shared", (8,), epochs=7, batch_size=16, submodels=3)


def follow(candidate: Candidate, tables: FoldTables, x: Any, y: Any) -> tuple[list[Array], list[list[cr.Model]]]:
    """The out-of-fold predictions and the networks of each epoch, from one run for each fold."""
    configuration = candidate.configuration
    epochs: list[list[Array]] = [[] for _ in range(configuration.epochs)]
    models: list[list[cr.Model]] = [[] for _ in range(configuration.epochs)]
    for model, fold in zip(candidate.models, tables.folds, strict=True):

        def note(record: cr.EpochRecord, held_out: Any = x[fold.held_out]) -> None:
            now = cr.Model.from_parts(*record.run.model.to_parts())
            predicted = now.predict(held_out)[:, np.newaxis] if now.classes is None else now.predict_proba(held_out)
            epochs[record.epoch - 1].append(predicted.astype(np.float64))
            models[record.epoch - 1].append(now)

        cr.train(
            x[fold.train], y[fold.train], validation_data=(x[fold.held_out], y[fold.held_out]),
            hidden=configuration.hidden, activation=configuration.activation, dropout=configuration.dropout,
            optimizer=cr.AdamW(weight_decay=configuration.weight_decay, beta2=configuration.beta2),
            learning_rate=configuration.learning_rate, schedule="cosine", batch_size=configuration.batch_size,
            epochs=configuration.epochs, seed=model.plan.seed, early_stopping=False, keep="last", on_epoch=note,
            submodels=configuration.submodels, threads=1,
        )  # fmt: skip
    return [np.concatenate(parts) for parts in epochs], models


@pytest.mark.parametrize("configuration", [*TINY, LOUD, SHARED], ids=lambda each: each.name)
@pytest.mark.parametrize("table", [two_classes, line])
def test_the_epoch_is_the_best_for_all_folds_together(configuration: Configuration, table: Any) -> None:
    x, y = table(rows=70)
    tables = fold_tables(inspect(x, y))
    (candidate,), done, interrupted = train_candidates(tables, [(3, configuration)], 5, Hardware(1))
    epochs, models = follow(candidate, tables, x, y)
    true = y[tables.judged.rows]
    if tables.judged.classes is None:
        losses = [float(((predicted[:, 0] - true) ** 2).mean()) for predicted in epochs]
    else:
        losses = [float(-np.log(predicted[np.arange(len(true)), true]).mean()) for predicted in epochs]
    tried = losses[: candidate.epochs_done]
    assert (done, interrupted) == (candidate.epochs_done, False)
    assert candidate.epoch == 1 + int(np.argmin(tried))
    np.testing.assert_allclose(candidate.losses[:, 1], tried, rtol=1e-5)
    assert candidate.loss == pytest.approx(min(tried), rel=1e-5)
    np.testing.assert_array_equal(candidate.predicted, epochs[candidate.epoch - 1])
    for kept, reference in zip(candidate.models, models[candidate.epoch - 1], strict=True):
        for (w, b), (reference_w, reference_b) in zip(kept.weights, reference.weights, strict=True):
            np.testing.assert_array_equal(w, reference_w)
            np.testing.assert_array_equal(b, reference_b)


def test_together_and_alone_the_bits_are_the_same() -> None:
    tables = fold_tables(inspect(*two_classes()))
    numbered = list(enumerate([*TINY, LOUD]))
    together, _, _ = train_candidates(tables, numbered, 0, Hardware(2))
    for candidate, one in zip(together, numbered, strict=True):
        (alone,), _, _ = train_candidates(tables, [one], 0, Hardware(1))
        np.testing.assert_array_equal(candidate.predicted, alone.predicted)
        assert (candidate.number, candidate.epoch, candidate.loss) == (alone.number, alone.epoch, alone.loss)


def test_what_is_hopeless_ends_early() -> None:
    x, y = two_classes(rows=60)
    noise = np.random.default_rng(0).permutation(y)
    patient = Configuration("overfits", (24,), learning_rate=0.1, epochs=400, batch_size=8)
    (candidate,), done, _ = train_candidates(fold_tables(inspect(x, noise)), [(0, patient)], 0, Hardware(1))
    assert done == candidate.epochs_done == 2 * candidate.epoch + 7 < 400
    assert len(candidate.losses) == candidate.epochs_done


def test_what_diverges_is_left_out() -> None:
    x, y = line(rows=60)
    wild = Configuration("wild", (8,), learning_rate=1e30, epochs=5)
    candidates, _, _ = train_candidates(fold_tables(inspect(x, y)), [(0, wild), (1, TINY[1])], 0, Hardware(1))
    assert [each.number for each in candidates if each.configuration.name != "wild"] == [1]
    assert all(np.isfinite(each.predicted).all() for each in candidates)


@pytest.mark.parametrize("at", [1, 4])
def test_epochs_allowed_are_the_same_as_an_interruption_there(at: int) -> None:
    tables = fold_tables(inspect(*two_classes()))
    count = iter(range(1, 100))

    def interrupt(share: float) -> None:
        if next(count) == at:
            raise KeyboardInterrupt

    (stopped,), done, interrupted = train_candidates(tables, [(0, TINY[0])], 0, Hardware(1), on_epoch=interrupt)
    assert (done, interrupted) == (at, True)
    (again,), done, interrupted = train_candidates(tables, [(0, TINY[0])], 0, Hardware(1), epochs_allowed=at)
    assert (done, interrupted) == (at, False)
    np.testing.assert_array_equal(stopped.predicted, again.predicted)


def test_work_is_six_operations_for_each_parameter_row_and_epoch() -> None:
    tables = fold_tables(inspect(*two_classes(rows=60, columns=3)))
    rows = sum(len(fold.train) for fold in tables.folds)
    binary = 3 * 8 + 8 + 8 * 1 + 1
    outputs = tables.encode(TINY[0].preprocessing)[0].prepared.labels.outputs(tables.loss)
    parameters = binary if outputs == 1 else 3 * 8 + 8 + 8 * outputs + outputs
    assert candidate_work(TINY[0], tables) == 6 * parameters * 6 * rows
    assert candidate_work(replace(TINY[0], submodels=4), tables) == 4 * 6 * parameters * 6 * rows
