"""The engine looked into: what a network works out on the way for each row, and many networks on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche import _core
from creche.engine.native import Rows, new_predictor, new_run, translate
from creche.plan.losses import CustomLoss
from creche.plan.network import Network
from creche.plan.optimizers import SGD
from creche.plan.plan import Plan

__all__ = [
    "BatchInternals",
    "NonFinite",
    "Stack",
    "Weights",
    "batch_internals",
    "batch_rows",
    "epoch_order",
    "evaluate_many",
    "first_non_finite",
    "input_gradients",
    "new_many_predictor",
    "predict_many",
    "stack_weights",
]

ROWS_AT_ONCE = 4096  # a way back keeps all that it passes


Weights = Sequence[tuple[NDArray[Any], NDArray[Any]]]


"""W (d_in, d_out) and b (d_out,) of each layer."""


Stack = Sequence[tuple[NDArray[Any], NDArray[Any]]]


"""Of m networks of one shape: W (m, d_in, d_out) and b (m, d_out) of each layer."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchInternals:
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


def batch_internals(plan: Plan, weights: Weights, rows: Rows) -> BatchInternals:
    """One forward and backward pass over a batch, with all that training throws away."""
    run = new_run(plan, rows, None, 1)
    run.set_parameters(list(weights))
    sums, activations, dloss_dsums, losses, loss, gradients = run.introspect(
        rows.x, rows.classes, rows.targets, rows.weights
    )
    return BatchInternals(sums, activations, dloss_dsums, losses, loss, gradients)


def stack_weights(weight_sets: Sequence[Weights]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """The weights of several networks of one shape as a `Stack`."""
    layers = zip(*weight_sets, strict=True)
    return [(np.stack([w for w, _ in layer]), np.stack([b for _, b in layer])) for layer in layers]


def new_many_predictor(plan: Plan, stack: Stack, threads: int) -> Any:
    """Networks that predict side by side (`ManyPredictor32` or `ManyPredictor64` of the compiled engine)."""
    engine = _core.load()
    kind = engine.ManyPredictor32 if plan.precision == "float32" else engine.ManyPredictor64
    layers = [(np.ascontiguousarray(w), np.ascontiguousarray(b)) for w, b in stack]
    return kind(translate(engine, plan), layers, threads)


def evaluate_many(plan: Plan, stack: Stack, rows: Rows, threads: int) -> NDArray[np.float64]:
    """The loss of each of m networks on the same rows, (m,): what evaluating each alone gives, to the bit."""
    said = new_many_predictor(plan, stack, threads).evaluate(rows.x, rows.classes, rows.targets, rows.weights)
    return np.asarray(said[:, 0])


def predict_many(plan: Plan, stack: Stack, x: NDArray[Any], threads: int) -> NDArray[Any]:
    """What each of m networks gives for the rows of x, (m, n, outputs): probabilities, or numbers."""
    return np.asarray(new_many_predictor(plan, stack, threads).predict(x))


def input_gradients(plan: Plan, weights: Weights, x: NDArray[Any], directions: NDArray[Any]) -> NDArray[Any]:
    """The gradient of ``(directions * outputs).sum()`` by x, (n, d): exact, by the network's own way back.

    Parameters
    ----------
    plan : Plan
    weights : sequence of (W, b)
    x : (n, d) array
    directions : (n, outputs) array
        How much each output of each row counts; a one in column c gives the gradient of output c.

    """
    predictor = new_predictor(plan, list(weights), 1)
    pieces = []
    for begin in range(0, max(len(x), 1), ROWS_AT_ONCE):
        of = slice(begin, begin + ROWS_AT_ONCE)
        pieces.append(predictor.input_gradients(x[of], np.ascontiguousarray(directions[of], dtype=x.dtype)))
    return np.concatenate(pieces)


@dataclass(frozen=True, slots=True)
class NonFinite:
    """The first number that is not finite.

    Attributes
    ----------
    what : {"sum", "activation", "loss", "gradient"}
    layer : int
        Of neurons: the first hidden layer is 1.
    row : int
        Its place in the batch.
    neuron : int or None
        None for a loss, which is of the row.

    """

    what: str
    layer: int
    row: int
    neuron: int | None


def first_non_finite(inside: BatchInternals) -> NonFinite | None:
    """The first on the way forward, layer by layer, then in the losses, then on the way back; None if there is none."""
    for i, (sums, activations) in enumerate(zip(inside.sums, inside.activations, strict=True)):
        for what, array in (("sum", sums), ("activation", activations)):
            wrong = np.argwhere(~np.isfinite(array))
            if len(wrong):
                return NonFinite(what, i + 1, int(wrong[0][0]), int(wrong[0][1]))
    layers = len(inside.sums)
    wrong = np.argwhere(~np.isfinite(inside.losses))
    if len(wrong):
        return NonFinite("loss", layers, int(wrong[0][0]), None)
    for i in range(layers - 1, -1, -1):
        wrong = np.argwhere(~np.isfinite(inside.dloss_dsums[i]))
        if len(wrong):
            return NonFinite("gradient", i + 1, int(wrong[0][0]), int(wrong[0][1]))
    return None


COLUMNS_OF_HISTORY = (
    "train_loss", "train_metric", "validation_loss", "validation_metric", "learning_rate", "seconds",
)  # fmt: skip


def epoch_order(plan: Plan, epoch: int, rows: int) -> NDArray[np.int64]:
    """The places of the rows, (rows,), in the order in which the plan's epoch (from 0) takes them.

    The engine itself is asked, by a loss that writes down which labels it is given: the order depends on nothing but
    the seed, the epoch and how many rows there are.

    Examples
    --------
    >>> sorted(epoch_order(Plan(Network.of(1, [], 1), seed=3), 7, 5).tolist())
    [0, 1, 2, 3, 4]

    """
    if not plan.shuffle:
        return np.arange(rows)
    seen: list[NDArray[Any]] = []

    def write_down(outputs: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        seen.append(labels[:, 0].astype(np.int64))
        return np.zeros(len(outputs)), np.zeros_like(outputs)

    asked = Plan(
        Network.of(1, [], 1), "regression", CustomLoss(write_down), SGD(learning_rate=0.0), batch_size=rows,
        epochs=epoch + 1, seed=plan.seed, precision="float64",
    )  # fmt: skip
    numbers = np.arange(rows, dtype=np.float64).reshape(-1, 1)
    engine = new_run(asked, Rows(np.zeros_like(numbers), None, numbers), None, 1)
    state = engine.state()
    progress = state["progress"].copy()
    progress[0] = epoch
    history = {f"history.{name}": np.zeros(epoch) for name in COLUMNS_OF_HISTORY}
    engine.set_state({**state, **history, "progress": progress})
    engine.run(steps=1)
    return np.concatenate(seen)


def batch_rows(plan: Plan, epoch: int, batch: int, rows: int) -> NDArray[np.int64]:
    """The places of the training rows that are a batch (from 0) of an epoch (from 0), in their order."""
    begin = batch * plan.batch_size
    return epoch_order(plan, epoch, rows)[begin : begin + plan.batch_size]
