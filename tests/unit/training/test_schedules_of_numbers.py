"""Schedules of weight decay, dropout and label smoothing, and epochs without their last short batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.plan import schedules
from creche.plan.arguments import NUMBER_SCHEDULES
from tests.unit.small_runs import TO_THE_END, digest, quick, two_classes

X, Y = two_classes(90)
REALMLP: dict[str, Any] = {
    "hidden": [12, 12], "dropout": 0.2, "loss": cr.CrossEntropy(label_smoothing=0.1), "batch_size": 16,
    "optimizer": cr.AdamW(0.02, weight_decay=0.05, beta2=0.95), "schedule": "cosine_log", "drop_last": True,
    "epochs": 6, **dict.fromkeys(NUMBER_SCHEDULES, "flat_cosine"),
}  # fmt: skip

# The factor is 0 in the first step, and so small in all others that nothing is left of it.
VANISHING = schedules.Warmup(1e15, per="step")


def test_a_scheduled_run_in_pieces_is_the_same_run() -> None:
    whole = quick(X, Y, **REALMLP)
    pieces = quick(X, Y, **REALMLP, on_epoch=lambda record: record.epoch == 2)
    assert pieces.epoch < 6
    assert digest(pieces.resume(on_epoch=None)) == digest(whole)


def test_a_scheduled_network_of_a_sweep_is_the_one_trained_alone() -> None:
    colony = cr.sweep(
        X, Y, **{**REALMLP, "dropout_schedule": ["constant", "flat_cosine"], "drop_last": [False, True]}, seeds=4,
        threads=2, split_seed=0,
    )  # fmt: skip
    assert colony.varied_arguments == ("dropout_schedule", "drop_last")
    for member in (colony[3], colony[15]):
        alone = cr.train(X, Y, plan=member.plan, split_seed=0, threads=1)
        for ours, theirs in zip(member.model.weights, alone.model.weights, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])


@pytest.mark.parametrize(
    ("number", "schedule"),
    [({"dropout": 0.5}, "dropout_schedule"), ({"optimizer": cr.AdamW(weight_decay=0.5)}, "weight_decay_schedule")],
)
def test_a_number_that_vanishes_has_no_effect(number: dict[str, Any], schedule: str) -> None:
    without = {"dropout": 0.0} if "dropout" in number else {"optimizer": cr.AdamW(weight_decay=0.0)}
    expected, ours = quick(X, Y, **without), quick(X, Y, **number, **{schedule: VANISHING})
    assert ours.history.train_loss.tolist() == expected.history.train_loss.tolist()
    assert ours.history.train_loss.tolist() != quick(X, Y, **number).history.train_loss.tolist()


def test_label_smoothing_follows_its_schedule_in_training_only() -> None:
    """In training it vanishes; validation losses have all of it."""
    held_out = {**TO_THE_END, "validation_data": two_classes(40, seed=1)}
    plain = quick(X, Y, **held_out)
    ours = quick(X, Y, loss=cr.CrossEntropy(0.3), label_smoothing_schedule=VANISHING, **held_out)
    assert ours.history.train_loss.tolist() == plain.history.train_loss.tolist()
    x, y = two_classes(40, seed=1)
    logs = np.log(plain.model.predict_proba(x))
    smoothed = -(0.7 * logs[np.arange(40), y] + 0.15 * logs.sum(axis=1)).mean()
    assert ours.history.validation_loss[-1] == pytest.approx(smoothed, rel=1e-6)


def test_the_trace_of_a_step_has_the_label_smoothing_of_that_step() -> None:
    """Its gradients are those of the loss that this step minimizes, as the update of the weights shows."""
    run = quick(
        X, Y, epochs=3, optimizer=cr.SGD(0.5), loss=cr.CrossEntropy(0.4), label_smoothing_schedule=schedules.Cosine(3),
        precision="float64", **TO_THE_END, on_epoch=lambda record: record.epoch == 1,
    )  # fmt: skip
    traced = cr.explain.trace(run)
    assert traced.check is not None
    for layer in traced.layers:
        np.testing.assert_allclose(layer.weights_after, layer.weights - 0.5 * layer.gradient, rtol=1e-12, atol=1e-15)


def test_dropping_the_last_batch_trains_on_the_rows_before_it() -> None:
    common: dict[str, Any] = {
        "batch_size": 20, "shuffle": False, "validation_fraction": 0.0, "standardize": False, "epochs": 3,
    }  # fmt: skip
    dropped, shorter = quick(X, Y, **common, drop_last=True), quick(X[:80], Y[:80], **common)
    assert dropped.step == 12
    assert digest(dropped) == digest(shorter)
    assert dropped.history.train_metric.tolist() == shorter.history.train_metric.tolist()


def test_a_single_short_batch_is_not_dropped() -> None:
    kept = quick(X[:9], Y[:9], batch_size=20, validation_fraction=0.0, drop_last=True)
    assert digest(kept) == digest(quick(X[:9], Y[:9], batch_size=20, validation_fraction=0.0))


@pytest.mark.parametrize("kind", [cr.DNNClassifier, cr.DNNRegressor])
def test_estimators_take_them(kind: Any) -> None:
    arguments: dict[str, Any] = {
        "hidden": [6], "dropout": 0.2, "epochs": 3, "dropout_schedule": "flat_cosine", "drop_last": True,
        "random_state": 5, "threads": 1, "precision": "float32",
    }  # fmt: skip
    network = kind(**arguments).fit(X, Y)
    assert network.model_.plan.dropout_schedule == schedules.FlatCosine(length=6.0)
    assert network.model_.plan.drop_last
    changed = kind(**{**arguments, "dropout_schedule": schedules.FlatCosine()}).set_params(dropout_schedule__length=2.0)
    assert changed.dropout_schedule == schedules.FlatCosine(2.0)
