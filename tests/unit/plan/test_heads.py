"""Heads against the engine's and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from creche.engine.native import new_predictor
from creche.engine.parameters import Parameters
from creche.plan.heads import CUMULATIVE, EXP, IDENTITY, LOGISTIC, SIGMOID, SOFTMAX, Head, sorted_head

SHAPES = [
    (SOFTMAX, 3), (SIGMOID, 1), (SIGMOID, 3), (LOGISTIC, 2), (CUMULATIVE, 1), (CUMULATIVE, 4), (EXP, 2), (IDENTITY, 2),
    (sorted_head(3), 3), (sorted_head(2), 6),
]  # fmt: skip


@pytest.mark.parametrize(("head", "outputs"), SHAPES, ids=lambda part: getattr(part, "key", str(part)))
def test_gradients_against_finite_differences(head: Head, outputs: int) -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((5, outputs))
    weight = rng.standard_normal(head.apply(z).shape)
    gradient = head.gradient(z, weight)
    for c in range(outputs):
        step = np.zeros_like(z)
        step[:, c] = 1e-6
        slope = ((head.apply(z + step) - head.apply(z - step)) * weight).sum(axis=1) / 2e-6
        np.testing.assert_allclose(gradient[:, c], slope, atol=1e-8)


@pytest.mark.parametrize(("head", "outputs"), SHAPES[:3], ids=lambda part: getattr(part, "key", str(part)))
def test_probabilities_sum_to_1_for_outputs_of_any_size(head: Head, outputs: int) -> None:
    z = np.array([-700.0, -30.0, 0.0, 30.0, 700.0]).reshape(-1, 1) * np.ones(outputs)
    p = head.apply(z + np.arange(outputs))
    assert np.isfinite(p).all()
    rows = z[:, 0] > -700 if head is SIGMOID and outputs > 1 else slice(None)  # there all of them are 0
    np.testing.assert_allclose(p[rows].sum(axis=1), 1)


@pytest.mark.parametrize(
    ("loss", "task", "outputs"),
    [
        ("cross_entropy", "classification", 3), ("squared_error", "classification", 3),
        ("binary_cross_entropy", "classification", 1), ("squared_error", "regression", 2),
        ("poisson", "regression", 2), ("huber", "regression", 1),
    ],
)  # fmt: skip
def test_heads_are_those_of_the_engine(loss: str, task: str, outputs: int) -> None:
    rng = np.random.default_rng(1)
    parameters = Parameters.of_layers([(rng.standard_normal((4, outputs)), rng.standard_normal(outputs))])
    plan = cr.Plan(cr.Network.of(4, [], outputs), task, loss, precision="float64")  # type: ignore[arg-type]
    predictor = new_predictor(plan, parameters, 1)
    x = rng.standard_normal((6, 4))
    predicted = plan.loss.head(task).apply(predictor.outputs(x))
    np.testing.assert_allclose(predicted[:, -outputs:], predictor.predict(x), rtol=1e-12)


def test_probabilities_of_ordered_classes_sum_to_1_whatever_the_order_of_the_outputs() -> None:
    z = np.random.default_rng(0).standard_normal((50, 4)) * 3
    p = CUMULATIVE.apply(z)
    assert p.shape == (50, 5)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    above = -np.sort(-1 / (1 + np.exp(-z)), axis=1)
    np.testing.assert_allclose(np.cumsum(p[:, ::-1], axis=1)[:, ::-1][:, 1:], above)
    engine = (1 / (1 + np.exp(-z))).astype(np.float32)
    np.testing.assert_allclose(CUMULATIVE.finish(engine), p, atol=1e-6)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("count", [2, 5])
def test_targets_of_classes_and_back(ordered: bool, count: int) -> None:
    loss, numbers = cr.BinaryCrossEntropy(ordered=ordered), np.arange(count, dtype=np.int32).repeat(2)
    targets = loss.class_targets(numbers, count)
    assert targets.shape == (2 * count, loss.outputs("classification", count))
    np.testing.assert_array_equal(loss.target_classes(targets), numbers)
    # The outputs that are surest of the targets give each row its class.
    predicted = loss.head("classification").apply(np.where(targets, 20.0, -20.0))
    np.testing.assert_array_equal(predicted.argmax(axis=1), numbers)
