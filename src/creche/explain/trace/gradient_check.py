"""Gradients beside finite differences of the loss, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import BatchInternals, Weights, batch_internals, evaluate_many
from creche.engine.native import Rows, new_run
from creche.plan.plan import Plan

__all__ = ["GradientCheck", "check_gradients"]

# A longer step is more exact where the loss is smooth; where it has a kink within the step, a shorter one misses it.
SHORTER = (1, 64, 4096)


AGREES = 1e-6


MOST_FLOPS = 2e9


LEAST_CHECKED = 32


NUMBERS_AT_ONCE = 2_000_000


FLOOR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class GradientCheck:
    """How far gradients by backpropagation are from central finite differences of the loss, in float64.

    Differences are relative to the larger of the two, or to a thousandth of the layer's largest gradient where both are
    smaller.

    Attributes
    ----------
    worst : float
        The largest difference of the gradients that the step uses, which are rounded to the plan's precision.
    worst_in_float64 : float
        Of the same gradients worked out in float64.
    layer, row, column : int
        Where the former is: a weight's place in ``model.weights[layer]``; a row of -1 is a bias.
    checked, of : int
        How many of the weights and biases were checked, evenly spread; all of a network that is not large.
    kinks : int
        How many stand exactly on a kink of an activation, where there is one slope to each side and the gradient is one
        of them or between; they are left out of the worst.
    slopes : (checked,) float64
    places : (checked, 3) int
        Layer, row and column of each slope; a row of -1 is a bias.

    """

    worst: float
    worst_in_float64: float
    layer: int
    row: int
    column: int
    checked: int
    of: int
    kinks: int
    slopes: NDArray[np.float64]
    places: NDArray[np.int64]


def check_gradients(plan: Plan, weights: Weights, rows: Rows, gradients: Weights) -> GradientCheck:
    """Compares a batch's gradients with finite differences of its loss.

    Parameters
    ----------
    plan : Plan
    weights : sequence of (W, b)
    rows : Rows
    gradients : sequence of (W, b)
        As the step uses them.

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
    open_ = np.arange(len(places))
    for shorter in SHORTER:
        found = _slopes(exact, copies, rows, places[open_], steps[open_] / shorter, inside.loss)
        nearer = ~(_relative(central, backward, floor)[open_] <= _relative(found[0], backward[open_], floor[open_]))
        for kept, new in zip((central, left, right), found, strict=True):
            kept[open_[nearer]] = new[nearer]
        open_ = open_[_relative(central, backward, floor)[open_] > AGREES]
        if not len(open_):
            break
    on_kink = np.zeros(len(places), dtype=np.bool_)
    low, high = np.minimum(left, right), np.maximum(left, right)
    slack = 1e-4 * np.maximum(np.abs(high), np.abs(low)) + floor
    between = (backward >= low - slack) & (backward <= high + slack) & (high - low > 10 * slack)
    on_kink[open_] = between[open_]
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
    """Which weights are checked: all, or as many as take a second or so, evenly spread."""
    every = []
    for i, (w, b) in enumerate(weights):
        grid = np.indices((w.shape[0] + 1, len(b))).reshape(2, -1)  # row 0 is the bias
        every.append(np.stack([np.full(grid.shape[1], i), grid[0] - 1, grid[1]], axis=1))
    places = np.concatenate(every)
    affordable = int(MOST_FLOPS / (4.0 * len(places) * rows))
    count = min(len(places), max(affordable, LEAST_CHECKED))
    return places[np.linspace(0, len(places) - 1, count).astype(np.int64)]


def _at(layers: Weights, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The numbers that stand at these places."""
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
    """How far each weight is moved: such that the weighted sums it is part of move by about eps^(1/3)."""
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
    """The slope of the loss at each place: over a step to both sides, to the left, to the right."""
    at = _at(weights, places)
    above, below = at + steps, at - steps
    high = np.concatenate(list(_losses(plan, weights, rows, places, above)))
    low = np.concatenate(list(_losses(plan, weights, rows, places, below)))
    return (high - low) / (above - below), (loss - low) / (at - below), (high - loss) / (above - at)


def _losses(
    plan: Plan, weights: Weights, rows: Rows, places: NDArray[np.int64], values: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """The losses with one weight changed each, some at a time."""
    at_once = max(1, NUMBERS_AT_ONCE // sum(w.size + b.size for w, b in weights))
    for begin in range(0, len(places), at_once):
        of, new = places[begin : begin + at_once], values[begin : begin + at_once]
        stack = [(np.repeat(w[None], len(of), axis=0), np.repeat(b[None], len(of), axis=0)) for w, b in weights]
        for m, (layer, row, column) in enumerate(of.tolist()):
            if row < 0:
                stack[layer][1][m, column] = new[m]
            else:
                stack[layer][0][m, row, column] = new[m]
        yield (_losses_alone(plan, stack, rows) if plan.loss.is_python else evaluate_many(plan, stack, rows, 1))


def _losses_alone(
    plan: Plan, stack: list[tuple[NDArray[np.float64], NDArray[np.float64]]], rows: Rows
) -> NDArray[np.float64]:
    """One by one, as a loss that is a Python function must be asked."""
    run = new_run(plan, rows, None, 1)
    out = []
    for m in range(len(stack[0][0])):
        run.set_parameters([(w[m], b[m]) for w, b in stack])
        out.append(run.evaluate(rows.x, rows.classes, rows.targets, rows.weights)[0])
    return np.array(out)
