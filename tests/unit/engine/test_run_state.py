"""The engine's state by name, against what the run itself reports."""

from __future__ import annotations

import math

import numpy as np
import pytest

import creche as cr
from creche.engine.run_state import RunState
from tests.unit.small_runs import quick


@pytest.fixture(scope="module")
def run() -> cr.Run:
    return quick(
        cr.datasets.penguins(), None, label="species", epochs=40, optimizer=cr.Adam(learning_rate=0.05),
        early_stopping=cr.EarlyStopping(patience=3), validation_fraction=0.3,
    )  # fmt: skip


def test_numbers_of_progress_are_those_of_the_run(run: cr.Run) -> None:
    state = RunState(run.state())
    assert state.early_stopped
    assert run.status == "early_stopped"
    assert (state.epoch, state.step, state.batch) == (run.epoch, run.step, 0)
    assert state.best_epoch == run.history.best_epoch
    assert state.best_loss == run.history.validation_loss[state.best_epoch]
    assert state.learning_rate == run.history.learning_rate[-1]
    assert state.seconds >= 0.0
    np.testing.assert_array_equal(state.history["train_loss"], run.history.train_loss)


def test_layers_and_planes_have_the_shapes_of_the_network(run: cr.Run) -> None:
    state = RunState(run.state())
    shapes = [(name, array.shape) for name, array in run.parameters.items()]
    for kept in (state.parameters, state.plane(0), state.plane(1)):  # Adam keeps two moments
        assert list(kept.shapes.items()) == shapes
    assert len(state.plane(2)) == 0


def test_a_changed_state_is_another_one(run: cr.Run) -> None:
    state = RunState(run.state())
    begun = state.with_progress(batch=3).with_batch_restarted()
    assert (begun.batch, begun.early_stopped, begun.epoch) == (0, False, state.epoch)
    assert state.early_stopped
    fresh = state.without_best()
    assert (fresh.best_loss, fresh.best_epoch, fresh.early_stopped) == (math.inf, -1, False)
    assert (state.best_epoch, fresh.step) == (run.history.best_epoch, state.step)
    assert len(state.parameters) == 4
    for name, array in state.parameters.items():
        assert fresh.arrays[f"best.{name}"] is array


def test_a_number_that_does_not_exist_is_refused(run: cr.Run) -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        RunState(run.state()).with_progress(epochs=3)
