"""Logarithm, exponential and sums against numbers of many digits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche._ordered_math import exp, log, mean_rows, multiply, sum_rows
from creche.evaluation.disagreement import entropy
from creche.model_selection.ensemble_selection import fit_temperature
from creche.model_selection.held_out import OutOfFoldPredictions
from creche.plan.losses import BinaryCrossEntropy, CrossEntropy, Poisson


def error_in_places(found: float, exact: mpmath.mpf) -> float:
    """The error in units in the last place of the exact value."""
    return float(abs(mpmath.mpf(found) - exact) / mpmath.mpf(math.ulp(float(exact))))


def test_the_logarithm_is_right_to_about_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.random(1500), np.exp(rng.uniform(-700, 700, 1500)), 1 + rng.normal(0, 1e-6, 500)])
    with mpmath.workdps(40):
        errors = [error_in_places(y, mpmath.log(x)) for x, y in zip(values.tolist(), log(values).tolist(), strict=True)]
    assert max(errors) < 3


def test_the_exponential_is_right_to_about_two_units_in_the_last_place() -> None:
    values = np.random.default_rng(1).uniform(-700, 700, 3000)
    with mpmath.workdps(40):
        errors = [error_in_places(y, mpmath.exp(x)) for x, y in zip(values.tolist(), exp(values).tolist(), strict=True)]
    assert max(errors) < 3


def test_the_edges() -> None:
    assert log(np.array([1.0]))[0] == 0
    assert exp(np.array([0.0, -0.0])).tolist() == [1, 1]
    assert exp(np.array([-1e300, -np.inf])).tolist() == exp(np.array([-700.0, -700.0])).tolist()
    tiny = np.array([5e-324, np.finfo(np.float64).tiny, np.finfo(np.float64).max])
    np.testing.assert_allclose(log(tiny), np.log(tiny), rtol=1e-15)
    assert log(np.empty((0, 3))).shape == (0, 3)
    assert exp(np.zeros((2, 2))).shape == (2, 2)


@given(st.lists(st.floats(-1e9, 1e9), max_size=40))
def test_sums_are_added_from_the_first_row_to_the_last(values: list[float]) -> None:
    total = 0.0
    for value in values:
        total += value
    assert sum_rows(np.array(values, dtype=np.float64)) == total
    table = np.column_stack([values, values]) if values else np.empty((0, 2))
    assert sum_rows(table).tolist() == [total, total]


def test_means_are_weighted() -> None:
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    assert mean_rows(values, np.array([1.0, 1.0, 2.0])).tolist() == pytest.approx([11 / 4, 110 / 4])


def test_products_are_sums_of_a_row_in_order_whatever_the_others_are() -> None:
    rng = np.random.default_rng(3)
    rows, matrix = rng.standard_normal((50, 7)), rng.standard_normal((7, 5))
    found = multiply(rows, matrix)
    np.testing.assert_allclose(found, rows @ matrix, rtol=1e-12, atol=1e-12)
    for row, product in zip(rows, found, strict=True):
        assert multiply(row[np.newaxis], matrix)[0].tobytes() == product.tobytes()
        assert sum_rows(row[:, np.newaxis] * matrix).tobytes() == product.tobytes()
    assert multiply(np.empty((0, 7)), matrix).shape == (0, 5)


def test_no_number_of_a_model_is_made_by_functions_whose_bits_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("its last bits differ between processors")

    for module, name in ((np, "log"), (np, "exp"), (math, "log"), (math, "exp")):
        monkeypatch.setattr(module, name, refuse)
    classes, numbers = np.array([0, 1, 1, 2]), np.array([[0.0], [1.0], [1.0], [1.0]])
    CrossEntropy().best_constant(classes, None, 3)
    BinaryCrossEntropy().best_constant(numbers, None, 1)
    Poisson().best_constant(numbers, None, 1)
    probabilities = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]])
    assert 0 < fit_temperature(probabilities, classes, np.full(4, 0.25)) < 20
    assert entropy(probabilities).shape == (4,)


def test_a_row_that_no_network_predicted_is_nan_of_one_sign() -> None:
    found = OutOfFoldPredictions(2, 1, is_classification=False)
    found.add(np.array([1]), np.array([[3.0]]))
    assert np.isnan(found.mean[0, 0])
    assert not np.signbit(found.mean[0, 0])
    assert found.mean[1, 0] == 3
