"""The gradient of every activation under every loss, against central differences in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import (
    ACTIVATIONS,
    ALL_PARTS,
    EMBEDDED_COLUMNS,
    EMBEDDINGS,
    LOSSES,
    PARTS,
    STATISTICS,
    Job,
    spread_quantiles,
)


def difference_quotients(solo: Any, loss: Callable[[], float], step: float = 1e-5) -> np.ndarray:
    """The slope of a loss by each learned parameter of a network, as it changes with the network's parameters."""
    parameters = solo.parameters()
    quotients = []
    for array in learned(parameters).values():
        flat = array.reshape(-1)
        for i, value in enumerate(flat):
            losses = []
            for shifted in (value + step, value - step):
                flat[i] = shifted
                solo.set_parameters(parameters)
                losses.append(loss())
            flat[i] = value
            quotients.append((losses[0] - losses[1]) / (2 * step))
    solo.set_parameters(parameters)
    return np.array(quotients)


def learned(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: array for name, array in parameters.items() if not name.endswith(STATISTICS)}


def gradients_away_from_the_start(engine: Any, job: Job) -> tuple[dict[str, Any], float]:
    """The gradients of a network with other parameters than it begins with, and how far they are from the slopes."""
    solo = job.solo(engine)
    rng = np.random.default_rng(3)
    moved = {name: array + rng.uniform(-0.3, 0.3, array.shape) for name, array in solo.parameters().items()}
    solo.set_parameters(moved)
    table = job.table()
    _, gradients = solo.gradients(*table)
    measured = difference_quotients(solo, lambda: solo.evaluate(*table)[0])
    exact = np.concatenate([array.reshape(-1) for array in learned(gradients).values()])
    return gradients, float(np.abs(exact - measured).max() / np.abs(exact).max())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_the_slopes_of_the_loss(engine, activation: str, loss: str) -> None:
    job = Job(
        sizes=(3, 6, 5, 3), rows=11, activation=activation, loss=loss, weighted=True, dtype=np.float64, seed=5,
        initializer="lecun_normal",
        loss_numbers={"label_smoothing": 0.1, "delta": 0.7, "quantiles": spread_quantiles(3)},
    )  # fmt: skip
    solo = job.solo(engine)
    biases = {name: array for name, array in solo.parameters().items() if name.endswith(".bias")}
    assert len(biases) == 3
    moved = {name: np.linspace(-0.2, 0.3, bias.size) for name, bias in biases.items()}
    solo.set_parameters(solo.parameters() | moved)
    table = job.table()
    value, gradients = solo.gradients(*table)
    assert value == pytest.approx(solo.evaluate(*table)[0], rel=1e-14)
    exact = np.concatenate([array.reshape(-1) for array in gradients.values()])
    measured = difference_quotients(solo, lambda: solo.evaluate(*table)[0])
    assert np.abs(exact).max() > 1e-4
    assert np.abs(exact - measured).max() / np.abs(exact).max() < 1e-6


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("part", [*PARTS[1:], "residual"], ids=str)
def test_gradients_of_what_layers_have_besides(engine, part: dict[str, Any] | str, activation: str) -> None:
    """With parameters away from where they begin, which is where many terms are 0 or 1."""
    is_residual = part == "residual"
    parts = (ALL_PARTS, {}, {}) if is_residual else (part, part, {"scale_inputs": True})
    job = Job(
        sizes=(5, 5, 5, 3), rows=11, activation=activation, weighted=True, dtype=np.float64, seed=5,
        initializer="lecun_normal", parts=parts, residual=is_residual, loss_numbers={"label_smoothing": 0.1},
    )  # fmt: skip
    gradients, error = gradients_away_from_the_start(engine, job)
    assert len(gradients) > 6
    assert not any(array.any() for name, array in gradients.items() if name not in learned(gradients))
    vanishing = (".bias", ".slopes") if activation == "identity" else (".bias",)
    assert all(np.abs(array).max() > 1e-5 for name, array in learned(gradients).items() if not name.endswith(vanishing))
    assert error < 1e-6


@pytest.mark.parametrize("parts", [(), (ALL_PARTS, ALL_PARTS)], ids=["plain layers", "all parts"])
def test_gradients_of_embeddings(engine, parts: tuple[dict[str, Any], ...]) -> None:
    job = Job(
        sizes=(EMBEDDED_COLUMNS, 6, 3), rows=17, activation="tanh", weighted=True, dtype=np.float64, seed=5,
        initializer="lecun_normal", parts=parts, embeddings=tuple(EMBEDDINGS),
    )  # fmt: skip
    gradients, error = gradients_away_from_the_start(engine, job)
    assert all(np.abs(array).max() > 1e-5 for name, array in gradients.items() if name.startswith("embeddings."))
    assert error < 1e-6


def test_gradients_of_the_columns_of_embeddings(engine) -> None:
    """Those of a code are 0: it is not a number."""
    job = Job(sizes=(EMBEDDED_COLUMNS, 6, 3), rows=5, activation="tanh", dtype=np.float64, embeddings=tuple(EMBEDDINGS))
    predictor = engine.Predictor64(job.plan(engine), job.solo(engine).parameters(), 1)
    x = job.table()[0]
    directions = np.random.default_rng(0).standard_normal((5, 3))
    found = predictor.input_gradients(x, directions)
    measured = np.zeros_like(x)
    codes = [column for fields in EMBEDDINGS if fields["kind"] == "category" for column in fields["columns"]]
    for column in range(EMBEDDED_COLUMNS):
        if column not in codes:
            step = np.zeros(EMBEDDED_COLUMNS)
            step[column] = 1e-5
            change = predictor.outputs(x + step) - predictor.outputs(x - step)
            measured[:, column] = (change * directions).sum(axis=1) / 2e-5
    assert np.abs(measured).max() > 1e-2
    assert not found[:, codes].any()
    np.testing.assert_allclose(found, measured, atol=1e-8)


def test_weights_that_are_all_zero_have_no_gradient(engine) -> None:
    job = Job(dtype=np.float64)
    solo = job.solo(engine)
    x, classes, _, _ = job.table()
    _, gradients = solo.gradients(x, classes, None, np.zeros(len(x)))
    assert all((array == 0).all() for array in gradients.values())


def test_a_row_of_weight_two_counts_as_two_rows(engine) -> None:
    job = Job(rows=3, dtype=np.float64)
    solo = job.solo(engine)
    x, classes, _, _ = job.table()
    weighted = solo.gradients(x, classes, None, np.array([1.0, 2.0, 1.0]))
    repeated = solo.gradients(x[[0, 1, 1, 2]], classes[[0, 1, 1, 2]], None, None)
    assert weighted[0] == pytest.approx(repeated[0], rel=1e-14)
    assert weighted[1].keys() == repeated[1].keys()
    for name, gradient in weighted[1].items():
        np.testing.assert_allclose(gradient, repeated[1][name], rtol=1e-12, atol=1e-15)
