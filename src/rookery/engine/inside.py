"""The engine looked into: what a network works out on the way for each row, and many networks on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.engine.native import Rows, new_predictor, new_run
from rookery.plan.plan import Plan

__all__ = ["Inside", "Stack", "Weights", "inside_of", "losses_of_many", "outputs_of_many", "pulled_back", "stacked"]

Weights = Sequence[tuple[NDArray[Any], NDArray[Any]]]
"""W (d_in, d_out) and b (d_out,) of each layer."""

Stack = Sequence[tuple[NDArray[Any], NDArray[Any]]]
"""Of m networks of one shape: W (m, d_in, d_out) and b (m, d_out) of each layer."""


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """What the engine works out for a batch, in the plan's precision; without dropout.

    Attributes
    ----------
    sums : list of (n, width) array
        Of each layer: the weighted sums z = xW + b.
    activations : list of (n, width) array
        Of each layer: f(z). Those of the last are what the loss is given (before softmax or sigmoid).
    dloss_dsums : list of (n, width) array
        Of each layer: the gradient of the batch's loss by z, so that rows sum to that of the bias.
    losses : (n,) array
        Of each row.
    loss : float
        Of the batch: their mean by the rows' weights.
    gradients : list of (W, b)
        Of the batch's loss, of each layer.

    """

    sums: list[NDArray[Any]]
    activations: list[NDArray[Any]]
    dloss_dsums: list[NDArray[Any]]
    losses: NDArray[Any]
    loss: float
    gradients: list[tuple[NDArray[Any], NDArray[Any]]]


def inside_of(plan: Plan, weights: Weights, rows: Rows) -> Inside:
    """One forward and backward pass over a batch, with all that training throws away."""
    run = new_run(plan, rows, None, 1)
    run.set_parameters(list(weights))
    total = float(len(rows)) if rows.weights is None else float(rows.weights.sum())
    loss, gradients = run.gradients(rows.x, rows.classes, rows.targets, rows.weights)
    losses, by_row = [], []
    for r in range(len(rows)):
        one = slice(r, r + 1)
        classes = None if rows.classes is None else rows.classes[one]
        targets = None if rows.targets is None else rows.targets[one]
        row_loss, of_row = run.gradients(rows.x[one], classes, targets)
        share = (1.0 if rows.weights is None else float(rows.weights[r])) / total
        losses.append(row_loss)
        by_row.append([bias * share for _, bias in of_row])
    layers = plan.network.layers
    sums, activations = [], []
    left = rows.x
    for layer, (w, b) in zip(layers, weights, strict=True):
        sums.append(left @ w + b)
        if layer.activation.word == "relu":
            left = np.maximum(sums[-1], 0)
        elif layer.activation.word == "identity":
            left = sums[-1]
        else:
            left = np.tanh(sums[-1])
        activations.append(left)
    return Inside(
        sums, activations, [np.stack([of_row[i] for of_row in by_row]) for i in range(len(layers))],
        np.array(losses, plan.precision), loss, gradients,
    )  # fmt: skip


def stacked(weight_sets: Sequence[Weights]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """The weights of several networks of one shape as a `Stack`."""
    layers = zip(*weight_sets, strict=True)
    return [(np.stack([w for w, _ in layer]), np.stack([b for _, b in layer])) for layer in layers]


def losses_of_many(plan: Plan, stack: Stack, rows: Rows, threads: int) -> NDArray[np.float64]:
    """The loss of each of m networks on the same rows, (m,): what evaluating each alone gives, to the bit."""
    losses = []
    for weights in _each(stack):
        loss, _ = new_predictor(plan, weights, threads).evaluate(rows.x, rows.classes, rows.targets, rows.weights)
        losses.append(loss)
    return np.array(losses, dtype=np.float64)


def outputs_of_many(plan: Plan, stack: Stack, x: NDArray[Any], threads: int) -> NDArray[Any]:
    """What each of m networks gives for the rows of x, (m, n, outputs): probabilities, or numbers."""
    return np.stack([new_predictor(plan, weights, threads).predict(x) for weights in _each(stack)])


def pulled_back(
    plan: Plan, weights: Weights, x: NDArray[Any], directions: NDArray[Any], *, head: bool = False
) -> NDArray[Any]:
    """The gradient of ``(directions * outputs).sum()`` by x, (n, d): exact, by the network's own way back.

    Parameters
    ----------
    plan : Plan
    weights : sequence of (W, b)
    x : (n, d) array
    directions : (n, outputs) array
        How much each output of each row counts; a one in column c gives the gradient of output c.
    head : bool, default False
        Whether outputs are what the network predicts (after softmax or sigmoid) rather than what the loss is given.

    """
    step = 1e-3
    predictor = new_predictor(plan, list(weights), 1)
    give = predictor.predict if head else predictor.outputs
    out = np.empty_like(x)
    for i in range(x.shape[1]):
        low, high = x.copy(), x.copy()
        low[:, i] -= step
        high[:, i] += step
        out[:, i] = ((give(high) - give(low)) * directions).sum(axis=1) / (2 * step)
    return out


def _each(stack: Stack) -> list[list[tuple[NDArray[Any], NDArray[Any]]]]:
    return [[(w[m], b[m]) for w, b in stack] for m in range(len(stack[0][0]))]
