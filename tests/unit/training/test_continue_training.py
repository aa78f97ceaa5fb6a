from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.training.resume import TrainingState, continue_training
from tests.unit.small_runs import digest, line, quick, two_classes


@pytest.mark.parametrize("job", [two_classes, line])
@pytest.mark.parametrize("through", [lambda standing: standing, lambda standing: pickle.loads(pickle.dumps(standing))])
def test_a_run_in_two_pieces_ends_with_the_same_bytes(job: Any, through: Any) -> None:
    x, y = job()
    arguments = {"dropout": 0.1, "validation_fraction": 0.2, "batch_size": 9}
    whole = quick(x, y, epochs=7, **arguments)
    standing = through(TrainingState.of(quick(x, y, epochs=3, **arguments)))
    assert standing.epoch == 3
    run = continue_training(
        standing, replace(standing.plan, epochs=7), x, y, validation_fraction=0.2, threads=1
    ).resume()
    assert digest(run) == digest(whole)
    np.testing.assert_array_equal(run.history.validation_loss, whole.history.validation_loss)


def test_other_rows_are_encoded_as_the_first_ones_were() -> None:
    x, y = line(100)
    standing = TrainingState.of(quick(x[:50], y[:50], validation_fraction=0))
    run = continue_training(standing, replace(standing.plan, epochs=5), 3 * x[50:] + 1, y[50:]).resume()
    assert run.model.features is standing.features
    assert run.model.labels is standing.labels
    assert run.epoch == 5


def test_early_stopping_starts_afresh() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=500, early_stopping=2, learning_rate=0.1)
    assert run.status == "early_stopped"
    standing = TrainingState.of(run)
    again = continue_training(standing, replace(standing.plan, epochs=1000), x, y, validation_fraction=0.3).resume()
    assert again.status == "early_stopped"
    assert again.epoch >= standing.epoch + 3
    losses = again.history.validation_loss[standing.epoch :]
    assert len(losses) - 1 - losses.argmin() == 2


def test_early_stopping_can_begin_later() -> None:
    x, y = two_classes()
    standing = TrainingState.of(quick(x, y, learning_rate=0.1))
    plan = replace(standing.plan, epochs=1000, early_stopping=cr.EarlyStopping(2))
    run = continue_training(standing, plan, x, y, validation_fraction=0.3).resume()
    assert run.status == "early_stopped"
    losses = run.history.validation_loss[standing.epoch :]
    assert len(losses) - 1 - losses.argmin() == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"precision": "float64"}, "precision: was float32 when training began and is now float64; to change it"),
        ({"optimizer": "sgd"}, "optimizer: was adam when training began and is now sgd"),
        ({"network": cr.Network.of(3, [7], 2)}, "network: was 3-6-2 when training began and is now 3-7-2"),
    ],
    ids=str,
)
def test_changes_that_need_a_new_run_are_refused(change: dict[str, Any], says: str) -> None:
    x, y = two_classes()
    standing = TrainingState.of(quick(x, y))
    with pytest.raises(cr.PlanError, match=says):
        continue_training(standing, replace(standing.plan, **change), x, y)


def test_an_unknown_class_is_refused() -> None:
    x, y = two_classes()
    standing = TrainingState.of(quick(x, y))
    with pytest.raises(cr.TableError, match="row 0 is 5, which is not a class of the training rows; needs one of 0, 1"):
        continue_training(standing, standing.plan, x[:1], [5])
