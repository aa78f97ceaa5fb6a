"""L-BFGS against SciPy's and against minima that are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from creche.fitting.lbfgs import minimize_convex

Array = NDArray[np.float64]


@pytest.mark.parametrize("seed", range(5))
def test_the_minimum_of_a_quadratic_function_is_where_its_equations_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((12, 12))
    matrix, right = root @ root.T + 0.1 * np.eye(12), rng.standard_normal(12)
    found = minimize_convex(
        lambda x: (float(x @ matrix @ x / 2 - right @ x), matrix @ x - right), np.zeros(12), 400, 1e-14
    )
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-3, atol=1e-4)


def test_a_logistic_regression_has_the_minimum_that_scipy_finds() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 6)) * np.array([1.0, 3.0, 0.1, 1.0, 10.0, 1.0])
    sign = np.where(x @ rng.standard_normal(6) + rng.standard_normal(200) > 0, 1.0, -1.0)

    def function(w: Array) -> tuple[float, Array]:
        margin = sign * (x @ w)
        loss = np.logaddexp(0, -margin).mean() + 0.01 * w @ w
        return float(loss), -(x.T @ (sign / (1 + np.exp(margin)))) / 200 + 0.02 * w

    calls: list[Array] = []

    def counted(w: Array) -> tuple[float, Array]:
        calls.append(w)
        return function(w)

    best = minimize(function, np.zeros(6), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
    found = minimize_convex(counted, np.zeros(6), 100, 1e-12)
    assert function(found)[0] == pytest.approx(best.fun, abs=1e-8)
    np.testing.assert_allclose(found, best.x, atol=1e-3)
    assert len(calls) <= 100


def test_it_stays_within_the_limit_and_never_goes_up() -> None:
    values: list[float] = []

    def narrow(x: Array) -> tuple[float, Array]:
        values.append(float(1e4 * x[0] ** 2 + x[1] ** 2))
        return values[-1], np.array([2e4 * x[0], 2 * x[1]])

    for limit in (1, 2, 5, 9):
        values.clear()
        found = minimize_convex(narrow, np.array([1.0, 1.0]), limit, 0.0)
        assert len(values) == limit
        assert narrow(found)[0] <= values[0]


def test_where_nothing_is_to_be_gained_it_stays() -> None:
    start = np.array([3.0, -1.0])
    assert minimize_convex(lambda x: (0.0, np.zeros(2)), start, 9, 0.0).tolist() == start.tolist()
    # A gradient that is wrong: no step goes down.
    assert minimize_convex(lambda x: (float(x @ x), -x), start, 99, 0.0).tolist() == start.tolist()
