"""What the rest of Creche asks of a loss."""

from __future__ import annotations

import dataclasses
import inspect
import re
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
        return Rows(x, None, targets, weights), 2
    numbers = rng.integers(0, 3, 40).astype(np.int32)
    if loss.takes_class_numbers:
        return Rows(x, numbers, None, weights), loss.outputs(task, 3)
    return Rows(x, None, (numbers[:, None] == np.arange(3)).astype(float), weights), loss.outputs(task, 3)


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
        run.set_parameters({"0.weights": np.zeros((1, outputs)), "0.bias": np.asarray(constant)})
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
        default = field.default if isinstance(field.default, bool) else f"{field.default:g}"
        assert re.search(rf"{field.name} : (bool|float|float or sequence of float), default {default}", text)


def test_heads_and_outputs() -> None:
    assert cr.CrossEntropy().head("classification").key == "softmax"
    assert cr.BinaryCrossEntropy().head("classification").key == "sigmoid"
    assert cr.Poisson().head("regression").key == "exp"
    assert [cr.SquaredError().head(task).key for task in cr.SquaredError.tasks] == ["softmax", "identity"]
    both = (cr.BinaryCrossEntropy(), cr.CrossEntropy())
    assert [[loss.outputs("classification", n) for loss in both] for n in (2, 3)] == [[1, 2], [3, 3]]
    assert [loss.predicted_quantiles for loss in (cr.Quantile(0.9), cr.AbsoluteError())] == [(0.9,), ()]
    assert [cr.Quantile([0.1, 0.5]).outputs("regression", 1), cr.Quantile(0.9).outputs("regression", 3)] == [2, 3]
    assert [cr.Quantile(levels).head("regression").key for levels in ([0.1, 0.5], [0.1])] == ["sorted", "identity"]
    custom = cr.CustomLoss(lambda outputs, labels: (outputs[:, 0], labels))
    assert custom.is_python
    assert custom.head("classification").key == "softmax"
    assert cr.Huber().engine_callback() is None


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([0.5, 0.05], r"quantile: got \[0.5, 0.05\]; needs quantiles in ascending order, each once"),
        ([0.5, 0.5], "in ascending order, each once"), ([], "in ascending order, each once"),
        ([0.5, 1.0], "quantile: got 1.0; needs a number above 0 and below 1"), (["low"], "quantile: got 'low'; needs"),
        ("0.5", "quantile: got '0.5'; needs a number"),
    ],
)  # fmt: skip
def test_levels_of_quantiles(levels: Any, message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        cr.Quantile(levels)


def test_quantiles_go_to_json_and_back() -> None:
    loss = cr.Quantile(np.array([0.05, 0.95]))
    assert loss.to_dict() == {"kind": "quantile", "quantile": [0.05, 0.95]}
    assert LOSSES.of(loss.to_dict()) == loss == LOSSES.of("quantile:0.05,0.95")
    assert cr.Quantile([0.9]) == cr.Quantile(0.9)
