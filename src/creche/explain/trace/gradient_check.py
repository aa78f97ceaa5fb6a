"""The gradient check: backpropagation compared with finite differences of the loss, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import BatchInternals, batch_internals, evaluate_many, first_layer_inputs
from creche.engine.native import Rows, new_run
from creche.engine.parameters import Parameters
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
        the bias, or another parameter of the layer.
    checked, total : int
        How many parameters were checked, and how many there are. A network that is not large is checked as a whole; of
        a large one, evenly spread parameters are.
    kinks : int
        How many weights are exactly on a kink of an activation, where the slopes to the left and to the right differ.
        They do not count in the largest difference.
    finite_differences : (checked,) float64
        The slope of the loss at each parameter that was checked.
    places : (checked, 3) int
        Layer, source and target of each of these; a source of -1 means the bias, or another parameter of the layer.
    names : (checked,) array of str
        The array that each of these is in, as in `Model.parameters`.

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
    names: NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class _Numbers:
    """The numbers that are checked: one entry for each in every array.

    Attributes
    ----------
    flat : (checked,) int
        Its position in all of them, as `Parameters.flatten` orders them.
    names : (checked,) array of str
        The array that it is in.
    places : (checked, 3) int
        As `GradientCheck` has them.
    total : int
        How many there are to choose from: all that gradients change.

    """

    flat: NDArray[np.int64]
    names: NDArray[np.str_]
    places: NDArray[np.int64]
    total: int

    def of(self, parameters: Parameters) -> NDArray[np.float64]:
        """Return the values of these numbers."""
        return parameters.flatten()[self.flat]


def check_gradients(plan: Plan, parameters: Parameters, rows: Rows, gradients: Parameters) -> GradientCheck:
    """Compare a batch's gradients with finite differences of its loss.

    Parameters
    ----------
    plan : Plan
    parameters : Parameters
    rows : Rows
        The batch.
    gradients : Parameters
        The gradients that the step uses.

    """
    exact = replace(plan, precision="float64")
    at = parameters.astype(np.float64)
    rows = _in_float64(rows)
    inside = batch_internals(exact, at, rows, as_step=True)
    numbers = _choose_numbers(at, len(rows))
    used, backward = numbers.of(gradients), numbers.of(inside.gradients)
    floor = FLOOR * _largest_of_layer(inside.gradients)[numbers.places[:, 0]]
    steps = _steps(at, inside, first_layer_inputs(exact, at, rows.x), numbers)
    central, left, right = (np.full(len(used), np.nan) for _ in range(3))
    remaining = np.arange(len(used))
    for shortening in SHORTENINGS:
        slopes = _slopes(exact, at, rows, numbers.flat[remaining], steps[remaining] / shortening, inside.loss)
        best = _relative(central, backward, floor)[remaining]
        nearer = ~(best <= _relative(slopes[0], backward[remaining], floor[remaining]))
        for kept, new in zip((central, left, right), slopes, strict=True):
            kept[remaining[nearer]] = new[nearer]
        remaining = remaining[_relative(central, backward, floor)[remaining] > AGREEMENT]
        if not len(remaining):
            break
    on_kink = np.zeros(len(used), dtype=np.bool_)
    low, high = np.minimum(left, right), np.maximum(left, right)
    slack = 1e-4 * np.maximum(np.abs(high), np.abs(low)) + floor
    between = (backward >= low - slack) & (backward <= high + slack) & (high - low > 10 * slack)
    on_kink[remaining] = between[remaining]
    off = np.where(on_kink, 0.0, _relative(used, central, floor))
    off_in_float64 = np.where(on_kink, 0.0, _relative(backward, central, floor))
    worst = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
    layer, source, target = numbers.places[worst].tolist()
    return GradientCheck(
        float(off[worst]), float(off_in_float64.max()), layer, source, target, len(used), numbers.total,
        int(on_kink.sum()), central, numbers.places, numbers.names,
    )  # fmt: skip


def _in_float64(rows: Rows) -> Rows:
    def of(array: NDArray[np.floating] | None) -> NDArray[np.float64] | None:
        return None if array is None else array.astype(np.float64)

    return Rows(rows.x.astype(np.float64), rows.classes, of(rows.targets), of(rows.weights))


def _choose_numbers(parameters: Parameters, rows: int) -> _Numbers:
    """Return the numbers to check: all, or as many as take about a second, evenly spread."""
    affordable = int(MAX_FLOPS / (4.0 * parameters.count * rows))
    sizes = [array.size for array in parameters.values()]
    learned = np.flatnonzero(np.repeat([parameters.is_learned(name) for name in parameters], sizes))
    count = min(len(learned), max(affordable, MIN_CHECKED))
    flat = learned[np.linspace(0, len(learned) - 1, count).astype(np.int64)]
    starts = np.cumsum([0, *sizes[:-1]])
    of_array = np.searchsorted(starts, flat, side="right") - 1
    inside = flat - starts[of_array]
    columns = np.array([array.shape[-1] for array in parameters.values()])[of_array]
    is_vector = np.array([array.ndim == 1 for array in parameters.values()])[of_array]
    layers = np.array([parameters.layer_of(name) for name in parameters])[of_array]
    places = np.stack([layers, np.where(is_vector, -1, inside // columns), inside % columns], axis=1)
    return _Numbers(flat, np.array(list(parameters))[of_array], places, len(learned))


def _largest_of_layer(gradients: Parameters) -> NDArray[np.float64]:
    largest = np.zeros(1 + max(map(gradients.layer_of, gradients)))
    for name, array in gradients.items():
        largest[gradients.layer_of(name)] = max(largest[gradients.layer_of(name)], np.abs(array).max())
    return np.maximum(largest, max(largest.max() * 1e-6, 1e-12))


def _relative(one: NDArray[np.float64], other: NDArray[np.float64], floor: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(one - other) / np.maximum(np.maximum(np.abs(one), np.abs(other)), floor))


def _steps(parameters: Parameters, inside: BatchInternals, x: NDArray[Any], numbers: _Numbers) -> NDArray[np.float64]:
    """Return how far to move each number, so that the weighted sums it is part of move by about eps^(1/3)."""
    reach = parameters.map(lambda array: np.maximum(1.0, np.abs(array)))
    before = [x, *inside.activations[:-1]]
    for inputs, sums, (of_weights, of_bias) in zip(before, inside.sums, reach.layers, strict=True):
        largest = np.abs(inputs).max(axis=0)
        size = np.maximum(1.0, np.abs(sums).max(axis=0))
        of_weights[:] = size / np.where(largest > 0, largest, 1.0)[:, np.newaxis]
        of_bias[:] = size
    return np.asarray(np.cbrt(np.finfo(np.float64).eps) * numbers.of(reach))


def _slopes(
    plan: Plan, at: Parameters, rows: Rows, flat: NDArray[np.int64], steps: NDArray[np.float64], loss: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the slope of the loss by each number: over a step to both sides, to the left and to the right."""
    here = at.flatten()[flat]
    above, below = here + steps, here - steps
    high = np.concatenate(list(_losses(plan, at, rows, flat, above)))
    low = np.concatenate(list(_losses(plan, at, rows, flat, below)))
    return (high - low) / (above - below), (loss - low) / (here - below), (high - loss) / (above - here)


def _losses(
    plan: Plan, at: Parameters, rows: Rows, flat: NDArray[np.int64], values: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Yield the losses with one number changed each, some at a time."""
    at_once, start = max(1, NUMBERS_AT_ONCE // at.count), at.flatten()
    for begin in range(0, len(flat), at_once):
        changed, new = flat[begin : begin + at_once], values[begin : begin + at_once]
        networks = np.repeat(start[None], len(changed), axis=0)
        networks[np.arange(len(changed)), changed] = new
        stack = at.unflatten(networks)
        one_by_one = plan.loss.is_python or plan.network.first_layer_normalized_by_batch is not None
        yield _losses_in_turn(plan, stack, len(changed), rows) if one_by_one else evaluate_many(plan, stack, rows, 1)


def _losses_in_turn(plan: Plan, stack: Parameters, count: int, rows: Rows) -> NDArray[np.float64]:
    """Return the losses of one network after another, each as in a step.

    For a loss that is a Python function, and for batch normalization, which evaluations do by running statistics.
    """
    run = new_run(plan, rows, None, 1)
    out = []
    for m in range(count):
        run.set_parameters(dict(stack.network(m)))
        out.append(run.introspect(rows.x, rows.classes, rows.targets, rows.weights, True)[4])
    return np.array(out)
