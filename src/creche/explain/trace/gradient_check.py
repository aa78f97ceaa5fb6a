"""The gradient check: backpropagation compared with finite differences of the loss, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import BatchInternals, Weights, batch_internals, evaluate_many
from creche.engine.native import Rows, new_run
from creche.plan.plan import Plan

__all__ = ["GradientCheck", "check_gradients"]

# A long step is more exact where the loss is smooth; a short one may miss a kink that lies within the long one.
SHORTENINGS = (1, 64, 4096)
AGREEMENT = 1e-6

# How many weights are checked.
MAX_FLOPS = 2e9
MIN_CHECKED = 32

NUMBERS_AT_ONCE = 2_000_000
FLOOR = 1e-3  # as a share of the layer's largest gradient


@dataclass(frozen=True, slots=True, eq=False)
class GradientCheck:
    """How much gradients by backpropagation differ from central finite differences of the loss in float64.

    Differences are relative to the larger of the two; where both are small, to a thousandth of the layer's largest
    gradient.

    Attributes
    ----------
    largest_difference : float
        The largest difference of the gradients that the step uses, which are rounded to the plan's precision.
    largest_difference_in_float64 : float
        The largest difference of the same gradients computed in float64.
    layer, source, target : int
        The weight with the largest difference, ``W[source, target]`` in ``model.weights[layer]``; a source of -1 means
        the bias.
    checked, total : int
        How many weights and biases were checked, and how many there are. A network that is not large is checked as a
        whole; of a large one, evenly spread weights are.
    kinks : int
        How many weights are exactly on a kink of an activation, where the slopes to the left and to the right differ.
        They do not count in the largest difference.
    finite_differences : (checked,) float64
        The slope of the loss at each weight that was checked.
    places : (checked, 3) int
        Layer, source and target of each of these weights; a source of -1 means the bias.

    """

    largest_difference: float
    largest_difference_in_float64: float
    layer: int
    source: int
    target: int
    checked: int
    total: int
    kinks: int
    finite_differences: NDArray[np.float64]
    places: NDArray[np.int64]


def check_gradients(plan: Plan, weights: Weights, rows: Rows, gradients: Weights) -> GradientCheck:
    """Compare a batch's gradients with finite differences of its loss.

    Parameters
    ----------
    plan : Plan
    weights : sequence of (W, b)
    rows : Rows
        The batch.
    gradients : sequence of (W, b)
        The gradients that the step uses.

    """
    exact = replace(plan, precision="float64")
    copies = [(w.astype(np.float64), b.astype(np.float64)) for w, b in weights]
    rows = _in_float64(rows)
    inside = batch_internals(exact, copies, rows)
    places = _places(copies, len(rows))
    used, backward = _at(gradients, places), _at(inside.gradients, places)
    floor = FLOOR * _largest_of_layer(inside.gradients)[places[:, 0]]
    steps = _steps(inside, rows, places)
    central, left, right = (np.full(len(places), np.nan) for _ in range(3))
    remaining = np.arange(len(places))
    for shortening in SHORTENINGS:
        slopes = _slopes(exact, copies, rows, places[remaining], steps[remaining] / shortening, inside.loss)
        best = _relative(central, backward, floor)[remaining]
        nearer = ~(best <= _relative(slopes[0], backward[remaining], floor[remaining]))
        for kept, new in zip((central, left, right), slopes, strict=True):
            kept[remaining[nearer]] = new[nearer]
        remaining = remaining[_relative(central, backward, floor)[remaining] > AGREEMENT]
        if not len(remaining):
            break
    on_kink = np.zeros(len(places), dtype=np.bool_)
    low, high = np.minimum(left, right), np.maximum(left, right)
    slack = 1e-4 * np.maximum(np.abs(high), np.abs(low)) + floor
    between = (backward >= low - slack) & (backward <= high + slack) & (high - low > 10 * slack)
    on_kink[remaining] = between[remaining]
    off = np.where(on_kink, 0.0, _relative(used, central, floor))
    off_in_float64 = np.where(on_kink, 0.0, _relative(backward, central, floor))
    worst = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
    layer, row, column = places[worst].tolist()
    return GradientCheck(
        float(off[worst]), float(off_in_float64.max()), layer, row, column, len(places),
        sum(w.size + b.size for w, b in weights), int(on_kink.sum()), central, places,
    )  # fmt: skip


def _in_float64(rows: Rows) -> Rows:
    def of(array: NDArray[np.floating] | None) -> NDArray[np.float64] | None:
        return None if array is None else array.astype(np.float64)

    return Rows(rows.x.astype(np.float64), rows.classes, of(rows.targets), of(rows.weights))


def _places(weights: Weights, rows: int) -> NDArray[np.int64]:
    """Return the weights to check: all, or as many as take about a second, evenly spread."""
    every = []
    for i, (w, b) in enumerate(weights):
        grid = np.indices((w.shape[0] + 1, len(b))).reshape(2, -1)  # row 0 is the bias
        every.append(np.stack([np.full(grid.shape[1], i), grid[0] - 1, grid[1]], axis=1))
    places = np.concatenate(every)
    affordable = int(MAX_FLOPS / (4.0 * len(places) * rows))
    count = min(len(places), max(affordable, MIN_CHECKED))
    return places[np.linspace(0, len(places) - 1, count).astype(np.int64)]


def _at(layers: Weights, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the numbers at these places."""
    out = np.empty(len(places))
    for i, (w, b) in enumerate(layers):
        here = places[:, 0] == i
        out[here] = np.concatenate([b.reshape(1, -1), w])[places[here, 1] + 1, places[here, 2]]
    return out


def _largest_of_layer(gradients: Weights) -> NDArray[np.float64]:
    largest = np.array([max(np.abs(w).max(), np.abs(b).max()) for w, b in gradients], dtype=np.float64)
    return np.maximum(largest, max(largest.max() * 1e-6, 1e-12))


def _relative(one: NDArray[np.float64], other: NDArray[np.float64], floor: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(one - other) / np.maximum(np.maximum(np.abs(one), np.abs(other)), floor))


def _steps(inside: BatchInternals, rows: Rows, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far to move each weight, so that the weighted sums it is part of move by about eps^(1/3)."""
    reach = np.empty(len(places))
    before = [rows.x, *inside.activations[:-1]]
    for i, (inputs, sums) in enumerate(zip(before, inside.sums, strict=True)):
        here = places[:, 0] == i
        largest = np.concatenate([[1.0], np.abs(inputs).max(axis=0)])[places[here, 1] + 1]
        size = np.maximum(1.0, np.abs(sums).max(axis=0))[places[here, 2]]
        reach[here] = size / np.where(largest > 0, largest, 1.0)
    return np.asarray(np.cbrt(np.finfo(np.float64).eps) * reach)


def _slopes(
    plan: Plan, weights: Weights, rows: Rows, places: NDArray[np.int64], steps: NDArray[np.float64], loss: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the slope of the loss at each place: over a step to both sides, to the left and to the right."""
    at = _at(weights, places)
    above, below = at + steps, at - steps
    high = np.concatenate(list(_losses(plan, weights, rows, places, above)))
    low = np.concatenate(list(_losses(plan, weights, rows, places, below)))
    return (high - low) / (above - below), (loss - low) / (at - below), (high - loss) / (above - at)


def _losses(
    plan: Plan, weights: Weights, rows: Rows, places: NDArray[np.int64], values: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Yield the losses with one weight changed each, some at a time."""
    at_once = max(1, NUMBERS_AT_ONCE // sum(w.size + b.size for w, b in weights))
    for begin in range(0, len(places), at_once):
        of, new = places[begin : begin + at_once], values[begin : begin + at_once]
        stack = [(np.repeat(w[None], len(of), axis=0), np.repeat(b[None], len(of), axis=0)) for w, b in weights]
        for m, (layer, row, column) in enumerate(of.tolist()):
            if row < 0:
                stack[layer][1][m, column] = new[m]
            else:
                stack[layer][0][m, row, column] = new[m]
        yield (_losses_of_function(plan, stack, rows) if plan.loss.is_python else evaluate_many(plan, stack, rows, 1))


def _losses_of_function(
    plan: Plan, stack: list[tuple[NDArray[np.float64], NDArray[np.float64]]], rows: Rows
) -> NDArray[np.float64]:
    """Return the losses one network after another, for a loss that is a Python function."""
    run = new_run(plan, rows, None, 1)
    out = []
    for m in range(len(stack[0][0])):
        run.set_parameters([(w[m], b[m]) for w, b in stack])
        out.append(run.evaluate(rows.x, rows.classes, rows.targets, rows.weights)[0])
    return np.array(out)
