"""What the engine computes beyond training and predicting, against NumPy and against training itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from creche.engine.introspection import (
    batch_internals,
    batch_rows,
    epoch_order,
    evaluate_many,
    first_non_finite,
    input_gradients,
    layer_outputs,
    predict_many,
)
from creche.engine.native import Rows, new_predictor, new_run
from creche.engine.parameters import Parameters

PLAN = cr.Plan(
    cr.Network.of(4, [5, 3], 2, activation="tanh"), "regression", "squared_error", batch_size=4, seed=3,
    precision="float64",
)  # fmt: skip


def random_parameters(seed: int) -> Parameters:
    rng = np.random.default_rng(seed)
    widths = PLAN.network.widths
    return Parameters.of_layers([(rng.standard_normal((a, b)), rng.standard_normal(b)) for a, b in pairwise(widths)])


def some_rows(rows: int = 10) -> Rows:
    rng = np.random.default_rng(9)
    return Rows(rng.standard_normal((rows, 4)), None, rng.standard_normal((rows, 2)))


def test_layer_outputs_are_the_activations_of_a_forward_pass() -> None:
    parameters, x = random_parameters(0), some_rows().x
    inner = x
    for layer, (w, b) in enumerate(parameters.layers):
        inner = inner @ w + b
        if layer < 2:
            inner = np.tanh(inner)
        np.testing.assert_allclose(layer_outputs(PLAN, parameters, x, layer), inner, rtol=1e-12)
    internals = batch_internals(PLAN, parameters, some_rows())
    for layer in range(3):
        np.testing.assert_array_equal(layer_outputs(PLAN, parameters, x, layer), internals.activations[layer])


def test_the_order_of_an_epoch_is_the_one_that_training_takes() -> None:
    """A loss that notes the labels of its batches sees the rows in that order."""
    seen: list[NDArray[Any]] = []

    def noting(outputs: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        seen.append(labels[:, 0].astype(np.int64))
        return np.zeros(len(outputs)), np.zeros_like(outputs)

    plan = cr.Plan(
        cr.Network.of(1, [], 1), "regression", cr.CustomLoss(noting), batch_size=3, epochs=3, seed=7,
        precision="float64",
    )  # fmt: skip
    numbers = np.arange(8.0).reshape(-1, 1)
    new_run(plan, Rows(np.zeros_like(numbers), None, numbers), None, 1).run()
    expected = [batch_rows(plan, epoch, batch, 8) for epoch in range(3) for batch in range(3)]
    for batch, rows in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(batch, rows)
    assert len({tuple(epoch_order(plan, epoch, 8)) for epoch in range(3)}) == 3


def test_without_shuffling_the_order_is_that_of_the_table() -> None:
    plan = cr.Plan(PLAN.network, "regression", "squared_error", shuffle=False)
    np.testing.assert_array_equal(epoch_order(plan, 5, 6), np.arange(6))


def test_gradients_by_inputs_against_finite_differences() -> None:
    parameters, x = random_parameters(1), some_rows(3).x
    directions = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    predictor = new_predictor(PLAN, parameters, 1)
    gradient = input_gradients(PLAN, parameters, x, directions)
    for c in range(4):
        step = np.zeros_like(x)
        step[:, c] = 1e-6
        rise = ((predictor.outputs(x + step) - predictor.outputs(x - step)) * directions).sum(axis=1) / 2e-6
        np.testing.assert_allclose(gradient[:, c], rise, atol=1e-7)


def test_many_networks_give_what_each_gives_alone() -> None:
    alone, rows = [random_parameters(seed) for seed in range(5)], some_rows()
    stack = Parameters.stack(alone)
    losses, predicted = evaluate_many(PLAN, stack, rows, 1), predict_many(PLAN, stack, rows.x, 1)
    for parameters, loss, of_network in zip(alone, losses, predicted, strict=True):
        predictor = new_predictor(PLAN, parameters, 1)
        assert predictor.evaluate(rows.x, None, rows.targets)[0] == loss
        np.testing.assert_array_equal(predictor.predict(rows.x), of_network)


@pytest.mark.parametrize(("layer", "what"), [(0, "sum"), (2, "sum")])
def test_the_first_number_that_is_not_finite(layer: int, what: str) -> None:
    parameters, rows = random_parameters(2), some_rows(4)
    assert first_non_finite(batch_internals(PLAN, parameters, rows)) is None
    parameters.layers[layer][1][1] = np.inf
    found = first_non_finite(batch_internals(PLAN, parameters, rows))
    assert found is not None
    assert (found.what, found.layer, found.row, found.neuron) == (what, layer + 1, 0, 1)
