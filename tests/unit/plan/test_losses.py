"""What the rest of Creche asks of a loss."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.native import Rows, new_run
from creche.plan import LOSSES
from creche.plan.losses import Loss

CASES = [(loss, task) for loss in LOSSES.members.values() for task in loss.tasks]


def labelled_rows(loss: Loss, task: str) -> tuple[Rows, int]:
    rng = np.random.default_rng(0)
    x, weights = np.zeros((40, 1)), rng.integers(1, 4, 40).astype(float)
    if task == "regression":
        targets = rng.integers(0, 9, (40, 2)).astype(float)
        return Rows(x, None, targets, None if loss.predicted_quantile or loss.key == "absolute_error" else weights), 2
    numbers = rng.integers(0, 3, 40).astype(np.int32)
    if loss.takes_class_numbers:
        return Rows(x, numbers, None, weights), loss.outputs(3)
    return Rows(x, None, (numbers[:, None] == np.arange(3)).astype(float), weights), loss.outputs(3)


@pytest.mark.parametrize(("kind", "task"), CASES, ids=[f"{loss.key}-{task}" for loss, task in CASES])
def test_no_other_constant_is_better_than_the_best(kind: type[Loss], task: str) -> None:
    loss = kind()
    rows, outputs = labelled_rows(loss, task)
    labels = rows.targets if rows.classes is None else rows.classes
    assert labels is not None
    best = loss.best_constant(labels, rows.weights, outputs)
    assert best.shape == (outputs,)
    plan = cr.Plan(cr.Network.of(1, [], outputs), task, loss, precision="float64")
    run = new_run(plan, rows, None, 1)

    def value(constant: Any) -> float:
        run.set_parameters([(np.zeros((1, outputs)), np.asarray(constant))])
        return float(run.evaluate(rows.x, rows.classes, rows.targets, rows.weights)[0])

    lowest = value(best)
    assert lowest >= 0 or not loss.is_nonnegative
    if loss.key == "huber":  # whose best constant has no formula: the mean is near it
        assert lowest == pytest.approx(min(value(best + d) for d in np.linspace(-1, 1, 41)), rel=0.05)
        return
    rng = np.random.default_rng(1)
    assert all(value(best + 0.3 * rng.standard_normal(outputs)) >= lowest - 1e-12 for _ in range(50))


@pytest.mark.parametrize("kind", LOSSES.members.values(), ids=LOSSES.members.keys())
def test_help_tells_formula_numbers_and_task(kind: type[Loss]) -> None:
    text = inspect.getdoc(kind) or ""
    assert any(sign in text for sign in ("(z - y", "log p", "exp(z)", "e = "))
    assert any(word in text for word in ("for classes", "for numbers", "for counts"))
    for field in dataclasses.fields(kind):
        assert f"{field.name} : float, default {field.default:g}" in text


def test_heads_and_outputs() -> None:
    assert cr.CrossEntropy().head("classification").key == "softmax"
    assert cr.BinaryCrossEntropy().head("classification").key == "sigmoid"
    assert cr.Poisson().head("regression").key == "exp"
    assert [cr.SquaredError().head(task).key for task in cr.SquaredError.tasks] == ["softmax", "identity"]
    assert [(cr.BinaryCrossEntropy().outputs(n), cr.CrossEntropy().outputs(n)) for n in (2, 3)] == [(1, 2), (3, 3)]
    assert [loss.predicted_quantile for loss in (cr.Quantile(quantile=0.9), cr.AbsoluteError())] == [0.9, None]
    custom = cr.CustomLoss(lambda outputs, labels: (outputs[:, 0], labels))
    assert custom.is_python
    assert custom.head("classification").key == "softmax"
    assert cr.Huber().engine_callback() is None
