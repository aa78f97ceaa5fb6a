"""The engine looked into: what a network works out on the way for each row, and many networks on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche import _core
from creche.engine.native import Rows, new_predictor, new_run, translate
from creche.plan.losses import BinaryCrossEntropy, Poisson
from creche.plan.plan import Plan

__all__ = [
    "Inside", "Stack", "Weights", "inside_of", "losses_of_many", "new_many", "outputs_of_many", "pulled_back",
    "stacked",
]  # fmt: skip

ROWS_AT_ONCE = 4096  # a way back keeps all that it passes

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
    sums, activations, dloss_dsums, losses, loss, gradients = run.inside(
        rows.x, rows.classes, rows.targets, rows.weights
    )
    return Inside(sums, activations, dloss_dsums, losses, loss, gradients)


def stacked(weight_sets: Sequence[Weights]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """The weights of several networks of one shape as a `Stack`."""
    layers = zip(*weight_sets, strict=True)
    return [(np.stack([w for w, _ in layer]), np.stack([b for _, b in layer])) for layer in layers]


def new_many(plan: Plan, stack: Stack, threads: int) -> Any:
    """Networks that predict side by side (`ManyPredictor32` or `ManyPredictor64` of the compiled engine)."""
    engine = _core.load()
    kind = engine.ManyPredictor32 if plan.precision == "float32" else engine.ManyPredictor64
    layers = [(np.ascontiguousarray(w), np.ascontiguousarray(b)) for w, b in stack]
    return kind(translate(engine, plan), layers, threads)


def losses_of_many(plan: Plan, stack: Stack, rows: Rows, threads: int) -> NDArray[np.float64]:
    """The loss of each of m networks on the same rows, (m,): what evaluating each alone gives, to the bit."""
    said = new_many(plan, stack, threads).evaluate(rows.x, rows.classes, rows.targets, rows.weights)
    return np.asarray(said[:, 0])


def outputs_of_many(plan: Plan, stack: Stack, x: NDArray[Any], threads: int) -> NDArray[Any]:
    """What each of m networks gives for the rows of x, (m, n, outputs): probabilities, or numbers."""
    return np.asarray(new_many(plan, stack, threads).predict(x))


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
    predictor = new_predictor(plan, list(weights), 1)
    pieces = []
    for begin in range(0, max(len(x), 1), ROWS_AT_ONCE):
        of = slice(begin, begin + ROWS_AT_ONCE)
        along = directions[of]
        if head:
            along = _before_head(plan, predictor.predict(x[of]), along)
        pieces.append(predictor.pull_back(x[of], np.ascontiguousarray(along, dtype=x.dtype)))
    return np.concatenate(pieces)


def _before_head(plan: Plan, said: NDArray[Any], directions: NDArray[Any]) -> NDArray[Any]:
    """Directions of what is predicted as directions of the weighted sums it is made of."""
    if isinstance(plan.loss, BinaryCrossEntropy):  # sigmoid: p' = p (1 - p)
        return np.asarray(directions * said * (1 - said))
    if isinstance(plan.loss, Poisson):  # exponential
        return np.asarray(directions * said)
    if plan.task == "classes":  # softmax: dp_c/dz_k = p_c ([c = k] - p_k)
        return np.asarray(said * (directions - (directions * said).sum(axis=1, keepdims=True)))
    return directions
