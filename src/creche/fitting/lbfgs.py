"""L-BFGS with the same bits on every machine: the minimum of a smooth, convex function of many numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import sum_rows

__all__ = ["minimize_convex"]

Array = NDArray[np.float64]

MEMORY = 10
SUFFICIENT_DECREASE = 1e-4
# Halvings of a step before the function is taken for flat.
HALVINGS = 12
FIRST_STEPS = 3


def minimize_convex(
    function: Callable[[Array], tuple[float, Array]], start: Array, limit: int, tolerance: float
) -> Array:
    """Return where a smooth, convex function is lowest.

    Nocedal & Wright 2006, "Numerical optimization", algorithms 7.4 and 7.5, with backtracking to a sufficient decrease
    (algorithm 3.1). All sums are added in one order, so that the result depends on nothing but the function's values.

    Parameters
    ----------
    function : callable
        Returns the value and the gradient, (n,), at a point, (n,).
    start : (n,) array
    limit : int
        Evaluations of the function at most.
    tolerance : float
        It ends when two steps in a row lower the function by less, the first steps aside, whose lengths are guesses.

    """
    point = start
    value, gradient = function(point)
    steps: list[tuple[Array, Array, float]] = []  # the step, the change of the gradient, 1 / their product
    evaluations, small = 1, 0
    while evaluations < limit:
        direction = _direction(gradient, steps)
        slope = _dot(direction, gradient)
        if slope >= 0.0:
            break
        length = 1.0 if steps else min(1.0, 1.0 / float(np.sqrt(-slope)))
        for _ in range(HALVINGS):
            new_point = point + length * direction
            new_value, new_gradient = function(new_point)
            evaluations += 1
            is_lower = new_value <= value + SUFFICIENT_DECREASE * length * slope
            if is_lower or evaluations >= limit:
                break
            length /= 2.0
        if not is_lower:
            break
        step, change = new_point - point, new_gradient - gradient
        small = small + 1 if value - new_value < tolerance else 0
        point, value, gradient = new_point, new_value, new_gradient
        if small >= 2 and len(steps) >= FIRST_STEPS:
            break
        if (product := _dot(step, change)) > 0.0:
            steps = [*steps[-(MEMORY - 1) :], (step, change, 1.0 / product)]
    return point


def _direction(gradient: Array, steps: list[tuple[Array, Array, float]]) -> Array:
    """Return the step towards the minimum, by the two-loop recursion."""
    direction = -gradient
    if not steps:
        return direction
    shares: list[float] = []
    for step, change, inverse in reversed(steps):
        shares.append(inverse * _dot(step, direction))
        direction = direction - shares[-1] * change
    _, change, inverse = steps[-1]
    direction = direction / (inverse * _dot(change, change))
    for step, change, inverse in steps:
        direction = direction + (shares.pop() - inverse * _dot(change, direction)) * step
    return direction


def _dot(a: Array, b: Array) -> float:
    return float(sum_rows(a * b))
