"""What the engine computes beyond training and predicting.

The intermediate results of a batch, the outputs of a layer, gradients with respect to the inputs, the order of an
epoch's rows, and many networks on the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche import _core
from creche.engine.native import Rows, first_positions, new_predictor, new_run, translate, translate_row_order
from creche.engine.parameters import Parameters
from creche.plan.plan import Plan

__all__ = [
    "BatchInternals",
    "NonFinite",
    "batch_internals",
    "batch_rows",
    "epoch_order",
    "evaluate_many",
    "first_layer_inputs",
    "first_non_finite",
    "input_gradients",
    "layer_outputs",
    "new_many_predictor",
    "predict_many",
]

ROWS_AT_ONCE = 4096  # a backward pass keeps the activations of all its rows


@dataclass(frozen=True, slots=True, eq=False)
class BatchInternals:
    """The intermediate results of a batch, in the plan's precision and without dropout.

    Of several submodels, the rows of one follow those of the one before, and the loss is the mean of their losses.

    Attributes
    ----------
    sums : list of (n, width) array
        The weighted sums z = xW + b of each layer.
    activations : list of (n, width) array
        f(z) of each layer. The last are the outputs that the loss takes, before softmax or sigmoid.
    dloss_dsums : list of (n, width) array
        The gradient of the batch's loss with respect to z, for each layer; its rows sum to the gradient of the bias.
    losses : (n,) array
        The loss of each row.
    loss : float
        The loss of the batch: the mean of the rows' losses by their weights.
    gradients : Parameters
        The gradient of the batch's loss with respect to each parameter.
    parameters : Parameters
        Those with which a prediction for these rows gives these activations: with the statistics of the batch, if
        batch normalization took them, as the running ones.

    """

    sums: list[NDArray[Any]]
    activations: list[NDArray[Any]]
    dloss_dsums: list[NDArray[Any]]
    losses: NDArray[Any]
    loss: float
    gradients: Parameters
    parameters: Parameters
    submodels: int = 1


def batch_internals(plan: Plan, parameters: Parameters, rows: Rows, *, as_step: bool = False) -> BatchInternals:
    """Run one forward and backward pass over a batch and keep what training throws away.

    Parameters
    ----------
    plan : Plan
    parameters : Parameters
    rows : Rows
    as_step : bool, default False
        Whether batch normalization takes the statistics of these rows, as in a training step, and not the running ones.

    """
    run = new_run(plan, rows, None, 1)
    run.set_parameters(dict(parameters))
    sums, activations, dloss_dsums, losses, loss, gradients, used = run.introspect(
        rows.x, rows.classes, rows.targets, rows.weights, as_step
    )
    return BatchInternals(
        sums, activations, dloss_dsums, losses, loss, Parameters(gradients), Parameters(used), plan.network.submodels
    )


def new_many_predictor(plan: Plan, stack: Parameters, threads: int) -> Any:
    """Create a predictor of many networks of one shape (`ManyPredictor32` or `ManyPredictor64` of the engine).

    Parameters
    ----------
    plan : Plan
    stack : Parameters
        The parameters of all networks, stacked.
    threads : int

    """
    engine = _core.load()
    kind = engine.ManyPredictor32 if plan.dtype == "float32" else engine.ManyPredictor64
    return kind(translate(engine, plan), dict(stack.map(np.ascontiguousarray)), threads)


def evaluate_many(plan: Plan, stack: Parameters, rows: Rows, threads: int) -> NDArray[np.float64]:
    """Return the loss of each of m networks on the same rows, (m,): to the bit what evaluating each alone gives."""
    predictor = new_many_predictor(plan, stack, threads)
    return np.asarray(predictor.evaluate(rows.x, rows.classes, rows.targets, rows.weights)[:, 0])


def predict_many(plan: Plan, stack: Parameters, x: NDArray[Any], threads: int) -> NDArray[Any]:
    """Return the predictions of each of m networks for the rows of x, (m, n, outputs): probabilities, or numbers."""
    return np.asarray(new_many_predictor(plan, stack, threads).predict(x))


def input_gradients(plan: Plan, parameters: Parameters, x: NDArray[Any], directions: NDArray[Any]) -> NDArray[Any]:
    """Return the gradient of ``(directions * outputs).sum()`` with respect to x, (n, d), by backpropagation.

    Parameters
    ----------
    plan : Plan
    parameters : Parameters
    x : (n, d) array
    directions : (n, outputs) array
        The weight of each output, before the head, of each row; a one in column c gives the gradient of output c.

    """
    predictor = new_predictor(plan, parameters, 1)
    pieces = []
    for begin in range(0, max(len(x), 1), ROWS_AT_ONCE):
        of = slice(begin, begin + ROWS_AT_ONCE)
        pieces.append(predictor.input_gradients(x[of], np.ascontiguousarray(directions[of], dtype=x.dtype)))
    return np.concatenate(pieces)


def layer_outputs(
    plan: Plan, parameters: Parameters, x: NDArray[Any], layer: int, threads: int = 1, submodel: int = 0
) -> NDArray[Any]:
    """Return the activations of a layer (from 0), (n, width); for the output layer, its sums before the head.

    Of several submodels, those of one (from 0).
    """
    return np.asarray(new_predictor(plan, parameters, threads).layer_outputs(x, layer, submodel))


def first_layer_inputs(plan: Plan, parameters: Parameters, x: NDArray[Any]) -> NDArray[Any]:
    """Return the inputs of the first layer, (n, inputs), for rows of the encoded table: x itself without embeddings."""
    return layer_outputs(plan, parameters, x, -1) if plan.network.embeddings else x


@dataclass(frozen=True, slots=True)
class NonFinite:
    """The first number of a batch's intermediate results that is not finite.

    Attributes
    ----------
    what : {"sum", "activation", "loss", "gradient"}
    layer : int
        Counted from 1, the first hidden layer.
    row : int
        Position in the batch, from 0.
    neuron : int or None
        Position in the layer, from 0; None for a loss.

    """

    what: str
    layer: int
    row: int
    neuron: int | None


def first_non_finite(internals: BatchInternals) -> NonFinite | None:
    """Find the first in the forward pass, layer by layer, then in the losses, then in the backward pass."""
    rows = len(internals.losses) // internals.submodels
    for i, (sums, activations) in enumerate(zip(internals.sums, internals.activations, strict=True)):
        for what, array in (("sum", sums), ("activation", activations)):
            wrong = np.argwhere(~np.isfinite(array))
            if len(wrong):
                return NonFinite(what, i + 1, int(wrong[0][0]) % rows, int(wrong[0][1]))
    layers = len(internals.sums)
    wrong = np.argwhere(~np.isfinite(internals.losses))
    if len(wrong):
        return NonFinite("loss", layers, int(wrong[0][0]) % rows, None)
    for i in range(layers - 1, -1, -1):
        wrong = np.argwhere(~np.isfinite(internals.dloss_dsums[i]))
        if len(wrong):
            return NonFinite("gradient", i + 1, int(wrong[0][0]) % rows, int(wrong[0][1]))
    return None


def epoch_order(plan: Plan, epoch: int, rows: int) -> NDArray[np.int64]:
    """Return the positions of the rows, (rows,), in the order in which the plan's epoch (from 0) takes them.

    Examples
    --------
    >>> from creche.plan import Network
    >>> sorted(epoch_order(Plan(Network.of(1, [], 1), seed=3), 7, 5).tolist())
    [0, 1, 2, 3, 4]

    """
    engine = _core.load()
    order = engine.Plan()
    translate_row_order(plan, order)
    return np.asarray(engine.epoch_order(order, epoch, rows))


def batch_rows(plan: Plan, epoch: int, batch: int, rows: int) -> NDArray[np.int64]:
    """Return the positions of the training rows of a batch (from 0) of an epoch (from 0), in their order.

    Where submodels have batches of their own, those of the first submodel come first, then what others add to them.

    Examples
    --------
    >>> from creche.plan import Network
    >>> plan = Plan(Network.of(1, [], 1, submodels=3), batch_size=4, shuffle=False, submodel_batches="own")
    >>> batch_rows(plan, 0, 1, 9).tolist()
    [4, 5, 6, 7, 8, 0, 1, 2, 3]

    """
    begin = batch * plan.batch_size
    order = epoch_order(plan, epoch, rows)
    if plan.submodel_batches == "shared":
        return order[begin : begin + plan.batch_size]
    positions = np.arange(begin, min(begin + plan.batch_size, rows))
    ahead = first_positions(rows, plan.network.submodels)[:, None]
    visited, first = np.unique((positions + ahead) % rows, return_index=True)
    return np.asarray(order[visited[np.argsort(first)]])
