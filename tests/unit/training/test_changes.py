"""Training whose plan changes on the way: it can be repeated, verified, resumed and pickled, to the bit."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import PlanError
from creche.plan.changes import Change, SetWeight
from creche.training.plan_file import plan_to_arguments, read_plan, write_plan
from tests.unit.small_runs import TO_THE_END, digest, quick, two_classes

X, Y = two_classes()  # 56 training rows: two batches of 32 an epoch
JOB: dict[str, Any] = {"epochs": 8, **TO_THE_END}

EACH: dict[str, dict[str, Any]] = {
    "learning_rate": {"learning_rate": 0.1},
    "optimizer": {"optimizer": "sgd", "learning_rate": 0.5},
    "momentum": {"optimizer": cr.Adam(beta1=0.5, amsgrad=True)},
    "weight_decay": {"weight_decay": 0.5},
    "l1": {"l1": 0.1},
    "schedule": {"schedule": "cosine"},
    "batch_size": {"batch_size": 5},
    "dropout": {"dropout": 0.5},
    "label_smoothing": {"label_smoothing": 0.3},
    "epochs": {"epochs": 12},
    "weights": {"weights": (SetWeight(0, 2, 0.75, 1), SetWeight(1, 1, -0.5))},
}


@pytest.mark.parametrize("name", EACH)
def test_a_run_that_is_changed_is_the_run_of_the_plan_that_it_leaves(name: str) -> None:
    whole = quick(X, Y, **JOB)
    changed = quick(X, Y, steps=6, **JOB).change(**EACH[name]).resume()
    again = quick(X, Y, changes=changed.plan.changes, **JOB)
    assert digest(changed) == digest(again) != digest(whole)
    assert changed.status == again.status == "finished"
    assert cr.verify(changed.model, X, Y).same


def test_the_learning_rate_is_that_of_a_run_that_always_had_it() -> None:
    rule = {"optimizer": cr.SGD(learning_rate=0.1)}
    slow = quick(X, Y, steps=6, **JOB, **rule)
    changed = quick(X, Y, steps=6, **JOB, optimizer=cr.SGD(learning_rate=0.5))
    changed.set_state(slow.state())
    assert digest(changed.change(learning_rate=0.1).resume()) == digest(slow.resume())


def test_a_rule_of_the_same_kind_keeps_its_state_and_another_begins_anew() -> None:
    run = quick(X, Y, steps=6, **JOB)
    kept = run.state()["optimizer.0.0.weights"]
    np.testing.assert_array_equal(run.change(learning_rate=0.1).state()["optimizer.0.0.weights"], kept)
    assert not run.change(optimizer="rmsprop").state()["optimizer.0.0.weights"].any()


def test_weights_have_the_values_that_they_are_given() -> None:
    run = quick(X, Y, steps=6, **JOB)
    before = run.weights
    run.change(weights=[SetWeight(0, 2, 0.75, 1), SetWeight(1, 1, -0.5)])
    (w, b), (v, c) = run.weights
    assert (w[1, 2], c[1]) == (0.75, -0.5)
    w[1, 2], c[1] = before[0][0][1, 2], before[1][1][1]
    for now, was in zip((w, b, v, c), (*before[0], *before[1]), strict=True):
        np.testing.assert_array_equal(now, was)


def test_a_weight_that_is_set_last_is_in_the_model() -> None:
    run = quick(X, Y, steps=6, **JOB).change(weights=[SetWeight(0, 2, 0.75, 1)])
    assert run.model.weights[0][0][1, 2] == 0.75
    assert digest(quick(X, Y, steps=6, changes=run.plan.changes, **JOB)) == digest(run)
    assert cr.verify(run.model, X, Y).same


def test_the_evaluation_is_that_of_the_weights_at_hand() -> None:
    run = quick(X, Y, steps=6, **JOB)
    state, before = run.state(), run.evaluation.values
    after = run.change(weights=[SetWeight(1, 1, 5.0)]).evaluation.values
    assert after != before
    assert run.model.evaluate_rows(run.prepared.evaluation_part[1].observations).values == after
    run.rewind(state).change(weights=[SetWeight(1, 1, -5.0)])
    assert run.evaluation.values not in (before, after)


def test_a_batch_size_waits_for_the_next_epoch() -> None:
    run = quick(X, Y, steps=3, **JOB).change(batch_size=5, learning_rate=0.1)
    assert run.plan.changes == (Change(3, learning_rate=0.1), Change(4, batch_size=5))
    assert run.current_plan.batch_size == 32
    run.resume(steps=1)
    assert run.current_plan.batch_size == 5
    assert run.resume(epochs=1).step == 4 + 12
    with pytest.raises(PlanError, match="after step 3, in the middle of an epoch; the next one begins after step 4"):
        quick(X, Y, changes=[Change(3, batch_size=5)], **JOB)


def test_more_epochs_wake_a_run_that_has_ended() -> None:
    run = quick(X, Y, **JOB)
    assert run.status == "finished"
    assert run.change(epochs=10).status == "running"
    assert run.resume().epoch == 10
    assert digest(run) == digest(quick(X, Y, changes=run.plan.changes, **JOB))
    assert run.change(epochs=3).status == "finished"


def test_a_change_that_cannot_be_leaves_the_run_as_it_was() -> None:
    run = quick(X, Y, steps=6, **JOB)
    plan, state = run.plan, run.state()
    for change in ({"learning_rate": -1.0}, {"weights": [SetWeight(7, 0, 1.0)]}, {"optimizer": "none"}):
        with pytest.raises(PlanError):
            run.change(**change)  # type: ignore[arg-type]
    assert run.plan == plan
    assert all(np.array_equal(array, state[name], equal_nan=True) for name, array in run.state().items())


def test_a_run_that_has_gone_back_to_its_best_epoch_cannot_be_changed() -> None:
    run = quick(X, Y, epochs=60, learning_rate=1.0, early_stopping=3)
    assert run.is_at_best
    with pytest.raises(PlanError, match=r"cannot go on; train with keep='last'"):
        run.change(learning_rate=0.1)


def test_changes_survive_pickling_and_checkpoints(tmp_path: Path) -> None:
    changes = [Change(3, optimizer="sgd", learning_rate=0.5), Change(9, learning_rate=0.1)]
    whole = quick(X, Y, changes=changes, **JOB)
    part = quick(X, Y, changes=changes, steps=5, **JOB)
    assert digest(pickle.loads(pickle.dumps(part)).resume()) == digest(whole)
    assert digest(part.resume(steps=0)) != digest(whole)
    quick(X, Y, changes=changes, steps=5, checkpoint=tmp_path, checkpoint_every=1, **JOB)
    assert digest(cr.resume(tmp_path, X, Y)) == digest(whole)


def test_changes_survive_a_plan_file(tmp_path: Path) -> None:
    changes = [Change(3, optimizer=cr.SGD(momentum=0.9), weights=(SetWeight(0, 2, 0.75, 1),)), Change(4, epochs=9)]
    run = cr.train("penguins", label="species", changes=changes, threads=1, **JOB)
    for name in ("plan.toml", "plan.json"):
        write_plan(plan_to_arguments(run.plan, run.prepared.preparation), tmp_path / name)
        again = cr.train("penguins", **read_plan(tmp_path / name), threads=1)
        assert digest(again) == digest(run)


def test_a_recording_sees_both_sides_of_a_change() -> None:
    run = quick(X, Y, steps=6, record="weights", **JOB)
    run.change(weights=[SetWeight(0, 2, 0.75, 1)]).resume()
    assert run.recording is not None
    assert 0.75 not in run.recording.weights[0][0][:, 1, 2]  # type: ignore[index]


def test_networks_that_train_together_have_no_changes() -> None:
    with pytest.raises(PlanError, match="changes"):
        cr.cross_validate(X, Y, changes=[Change(3, learning_rate=0.1)], threads=1)  # type: ignore[call-arg]


def test_tracing_a_run_takes_the_step_of_its_plan_now() -> None:
    run = quick(X, Y, steps=6, **JOB).change(optimizer="sgd", learning_rate=0.5)
    traced = cr.explain.trace(run)
    run.resume(steps=1)
    for layer, (w, b) in zip(traced.layers, run.weights, strict=True):
        np.testing.assert_array_equal(layer.weights_after, w)
        np.testing.assert_array_equal(layer.bias_after, b)
    assert replace(run.plan, changes=()).optimizer == cr.Adam()


def test_steps_end_training_within_an_epoch() -> None:
    assert quick(X, Y, steps=5, **JOB).step == 5
    assert quick(X, Y, steps=500, **JOB).status == "finished"
    with pytest.raises(PlanError, match="steps: got -1"):
        quick(X, Y, steps=-1, **JOB)
