"""How sharply the loss turns, and up to which learning rate gradient descent settles there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import (
    BatchInternals,
    NonFinite,
    Weights,
    batch_internals,
    batch_rows,
    first_non_finite,
)
from creche.engine.native import Rows, new_run
from creche.errors import CrecheError, DivergedError
from creche.explain.rows import Batch, take_rows
from creche.explain.trace.result import as_cell, feature_values
from creche.explain.trace.step import is_finite, single_batch_plan, take_step
from creche.plan.optimizers import SGD
from creche.plan.plan import Plan
from creche.table.observations import Observations
from creche.table.partition import Partition
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.table.encoders.features import Encoder

__all__ = ["Divergence", "Extreme", "divergence", "edge_of_stability", "find_extreme", "sharpness"]

ITERATIONS = 30


AGREES = 1e-3


def edge_of_stability(plan: Plan, weights: Weights, rows: Rows) -> float | None:
    """The learning rate above which the plan's gradient descent cannot settle where these weights are.

    2 / s for plain gradient descent, 2 (1 + mu) / s with momentum mu, 2 (1 + mu) / (s (1 + 2 mu)) with Nesterov's,
    where s is the sharpness, the largest eigenvalue of the loss's second derivatives (Cohen et al. 2021, "Gradient
    Descent on Neural Networks Typically Occurs at the Edge of Stability", section 2 and appendix B).

    Returns
    -------
    float or None
        None for other optimizers and clipped gradients, which have no such edge, and where the loss does not turn
        upwards.

    """
    optimizer = plan.optimizer
    if not isinstance(optimizer, SGD) or optimizer.clip_norm or optimizer.clip_value or optimizer.dampening == 1:
        return None
    sharp = sharpness(plan, weights, rows)
    if sharp is None or sharp <= 0:
        return None
    momentum = optimizer.momentum
    edge = 2 * (1 + momentum) / sharp / (1 - optimizer.dampening)
    return edge / (1 + 2 * momentum) if optimizer.nesterov else edge


def sharpness(plan: Plan, weights: Weights, rows: Rows) -> float | None:
    """The eigenvalue of largest size of the second derivatives of the rows' loss, by power iteration in float64.

    Returns
    -------
    float or None
        None where the loss or its gradient is not finite.

    """
    plan = replace(plan, precision="float64")

    def of(array: NDArray[np.floating] | None) -> NDArray[np.float64] | None:
        return None if array is None else array.astype(np.float64)

    rows = Rows(rows.x.astype(np.float64), rows.classes, of(rows.targets), of(rows.weights))
    with np.errstate(all="ignore"):
        at = _flat([(w.astype(np.float64), b.astype(np.float64)) for w, b in weights])
        direction = np.random.default_rng(0).standard_normal(len(at))
        found = np.nan
        for _ in range(ITERATIONS):
            length = float(np.linalg.norm(direction))
            if length == 0 or not np.isfinite(length):
                break
            direction /= length
            step = 1e-5 * max(1.0, float(np.linalg.norm(at)) / np.sqrt(len(at)))
            above, below = (
                _flat(batch_internals(plan, _like(at + s * direction, weights), rows).gradients) for s in (step, -step)
            )
            turned = (above - below) / (2 * step)
            before, found = found, float(direction @ turned)
            if abs(found - before) <= AGREES * abs(found):
                break
            direction = turned
    return found if np.isfinite(found) else None


def _flat(weights: Weights) -> NDArray[np.float64]:
    return np.concatenate([array.ravel() for layer in weights for array in layer]).astype(np.float64)


def _like(flat: NDArray[np.float64], weights: Weights) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The flat numbers in the shapes of these weights."""
    out, begin = [], 0
    for w, b in weights:
        end = begin + w.size
        out.append((flat[begin:end].reshape(w.shape).copy(), flat[end : end + b.size].copy()))
        begin = end + b.size
    return out


FAR = 30.0  # of a standardised column hardly any number is this far from 0


@dataclass(frozen=True, slots=True)
class Extreme:
    """A number that goes into the network far too large.

    Attributes
    ----------
    column : str
        The column, or the label, as the user calls it.
    is_label : bool
    row : int
        As the user calls it.
    given : str
        The value as it stands in the table.
    encoded : float
        As the network takes it.
    is_constant : bool
        Whether the column is the same in all training rows, and so can teach nothing.

    """

    column: str
    is_label: bool
    row: int
    given: str
    encoded: float
    is_constant: bool

    def __str__(self) -> str:
        what = "The label" if self.is_label else "Column"
        constant = ", and is the same in all training rows" if self.is_constant else ""
        return (
            f"{what} {self.column!r} is {self.given} in row {self.row}, which the network takes as "
            f"{self.encoded:.4g}{constant}: it works with numbers around 1; let columns be standardised, or scale it"
        )


def find_extreme(run: Run, failed: tuple[Observations, Rows, int] | None, training: Rows) -> Extreme | None:
    """The largest number of the row that failed if it is far from 0, or else of all training rows; None if none is.

    Parameters
    ----------
    run : Run
    failed : (Observations, Rows, int), optional
        The rows among which one failed, and its place there.
    training : Rows
        All training rows.

    """
    if failed is not None:
        observed, rows, row = failed
        found = _largest(run, observed, rows, np.array([row]), training)
        if found is not None:
            return found
    return _largest(run, run.prepared.train.observations, training, np.arange(len(training)), training)


def _largest(run: Run, observed: Observations, rows: Rows, which: NDArray[np.int64], training: Rows) -> Extreme | None:
    sizes = np.abs(rows.x[which])
    place, column = np.unravel_index(int(np.argmax(sizes)), sizes.shape)
    row = int(which[place])
    of_label = 0.0 if rows.targets is None else float(np.abs(rows.targets[which]).max())
    if max(of_label, float(sizes.max())) <= FAR:
        return None
    if of_label > sizes.max():
        return _of_label(run, observed, rows, which)
    name = next(c.name for c, end in _ends(run) if column < end)
    given = feature_values(observed.take(np.array([row])), run.prepared.features.names)
    constant = bool((training.x[:, column] == training.x[0, column]).all())
    value = as_cell(given[name][0]) if name in given else ""
    return Extreme(name, False, int(observed.row_numbers[row]), value, float(rows.x[row, column]), constant)


def _ends(run: Run) -> list[tuple[Encoder, int]]:
    """Each column's encoder with where its inputs end."""
    columns = run.prepared.features.columns
    return list(zip(columns, np.cumsum([column.width for column in columns]).tolist(), strict=True))


def _of_label(run: Run, observed: Observations, rows: Rows, which: NDArray[np.int64]) -> Extreme:
    assert rows.targets is not None
    place, k = np.unravel_index(int(np.argmax(np.abs(rows.targets[which]))), rows.targets[which].shape)
    row = int(which[place])
    given = observed.y.reshape(len(observed.y), -1)[row, k]
    name = run.prepared.labels.names[int(k)]
    return Extreme(
        name, True, int(observed.row_numbers[row]), as_cell(float(given)), float(rows.targets[row, k]), False
    )


ROWS_FOR_SHARPNESS = 1024


MOST_FLOPS_FOR_SHARPNESS = 2e10


@dataclass(frozen=True, slots=True, repr=False)
class Divergence:
    """Where and why training diverged: made by `creche.explain.divergence`.

    Attributes
    ----------
    epoch, batch : int
        Where the loss was not finite, both from 0.
    step : int
        Completed steps of those whose weights are finite: the next one is taken apart here.
    learning_rate : float
    part : {"training", "validation"}
        Of which rows the loss was not finite.
    what : {"weights", "sum", "activation", "loss", "gradient", "step", "dropout"}
        What was the first not to be finite; "step" is the update of the weights, "dropout" that it is only with the
        activations dropped as they were in training.
    layer : int or None
        Of neurons: the inputs are layer 0, the first hidden layer is layer 1.
    neuron : int or None
    row : int or None
        As the user calls it.
    extreme : Extreme or None
        The column, or the label, whose numbers are far too large for a network, if there is one.
    edge : float or None
        The learning rate above which gradient descent cannot settle near the first weights; None where there is no such
        edge (Adam and the like) or it is not known.

    """

    epoch: int
    batch: int
    step: int
    learning_rate: float
    part: str
    what: str
    layer: int | None
    neuron: int | None
    row: int | None
    extreme: Extreme | None
    edge: float | None

    @property
    def is_above_edge(self) -> bool | None:
        """Whether the learning rate is above the edge; None where that is not known."""
        return None if self.edge is None else self.learning_rate > self.edge

    def __str__(self) -> str:
        said = [
            f"The loss of {self.part} rows stopped being finite in epoch {self.epoch + 1}, batch {self.batch + 1}, at "
            f"learning rate {self.learning_rate:g}. After step {self.step}, {self._where()}."
        ]
        if self.extreme is not None:
            said.append(f"{self.extreme}.")
        if self.edge is not None:
            side = "above" if self.is_above_edge else "below"
            times = self.learning_rate / self.edge
            said.append(
                f"The learning rate is {side} the edge, {self.edge:.3g}, beyond which gradient descent cannot settle "
                f"near the first weights{f': {times:.3g} times as high' if self.is_above_edge else ''}."
            )
        return " ".join(said)

    def _where(self) -> str:
        if self.what == "weights":
            return f"weights that lead to layer {self.layer} are not finite"
        if self.what == "dropout":
            return "all is finite without dropout; with the activations dropped as they were, it is not"
        if self.what == "step":
            return (
                "all numbers of the next batch are finite, but its update takes weights that lead to layer "
                f"{self.layer} beyond the largest number; row {self.row} has the largest part in it"
            )
        if self.what == "loss":
            said = "is the first number that is not finite: what the network gives is too large"
            return f"the loss of row {self.row} {said}"
        what = {"sum": "weighted sum", "gradient": "gradient"}.get(self.what, self.what)
        return (
            f"the {what} of neuron {self.neuron} of layer {self.layer} in row {self.row} is the first number that is "
            "not finite"
        )

    def __repr__(self) -> str:
        return f"Divergence({self})"


def divergence(diverged: Run | DivergedError) -> Divergence:
    """Where and why the loss of a run stopped being finite.

    The run keeps its last finite weights; the step that failed is done again on the rows it was done on, layer by
    layer, without dropout.

    Parameters
    ----------
    diverged : Run or DivergedError
        The run, or the error that it raised.

    Returns
    -------
    Divergence
        ``print`` says it in words.

    Raises
    ------
    CrecheError
        If the run has not diverged, or is in another process.

    Examples
    --------
    >>> import creche as cr
    >>> x, y = np.arange(40.0).reshape(20, 2) * 1e6, np.arange(20) * 1000.0
    >>> try:
    ...     cr.train(x, y, hidden=[], optimizer="sgd", learning_rate=0.1, standardize=False, epochs=9, threads=1)
    ... except cr.DivergedError as error:
    ...     found = cr.explain.divergence(error)
    >>> found.extreme.column, found.is_above_edge
    ('x1', True)

    """
    run = diverged.run if isinstance(diverged, DivergedError) else diverged
    if run is None:
        raise CrecheError("the run that diverged is in another process; train it again in this one")
    if not isinstance(run, Run):
        raise CrecheError(f"divergence: got {type(run).__name__}; needs a Run that diverged, or the error it raised")
    where = run.divergence
    if where is None:
        raise CrecheError(f"the run has not diverged: it is {run.status.replace('_', ' ')}")
    part, batch = _failed_batch(run)
    found, row = _found(run, batch)
    training = run.prepared.encode_part(run.prepared.train, run.plan.loss, run.plan.precision)
    observed = None if row is None else (batch.observations, batch.rows, row)
    extreme = find_extreme(run, observed, training)
    epoch, number, rate = where
    called = None if row is None else int(batch.observations.row_numbers[row])
    at = (found.what, found.layer, found.neuron, called)
    return Divergence(epoch, number, run.step, rate, part, *at, extreme, _edge(run.plan, training))


def _failed_batch(run: Run) -> tuple[str, Batch]:
    """The rows whose loss, or whose step, was not finite."""
    prepared, plan = run.prepared, run.plan
    count, done = len(prepared.train), int(run._engine.batch_in_epoch)

    def batch_of_part(part: Partition) -> Batch:
        rows = prepared.encode_part(part, plan.loss, plan.precision)
        return Batch(part.observations, rows, tuple(prepared.features.inputs))

    if done == plan.steps_per_epoch(count) and prepared.validation is not None:
        return "validation", batch_of_part(prepared.validation)
    return "training", take_rows(batch_of_part(prepared.train), batch_rows(plan, run.epoch, done, count))


def _found(run: Run, batch: Batch) -> tuple[NonFinite, int | None]:
    """What is not finite, and the place in the batch of the row that matters."""
    weights = run.weights
    if not is_finite(weights):
        return NonFinite("weights", _first_infinite(weights), 0, None), None
    with np.errstate(all="ignore"):
        inside = batch_internals(single_batch_plan(run.plan, len(batch)), weights, batch.rows)
        found = first_non_finite(inside)
        if found is not None:
            return found, found.row
        step = take_step(run.plan, weights, run.state(), batch.rows)
    if is_finite(step.after):
        return NonFinite("dropout", len(weights), 0, None), None
    layer = _first_infinite(step.after)
    return NonFinite("step", layer, 0, None), _largest_part(inside, layer)


def _first_infinite(weights: list[tuple[NDArray[Any], NDArray[Any]]]) -> int:
    return next(i for i, layer in enumerate(weights) if not is_finite([layer])) + 1


def _largest_part(inside: BatchInternals, layer: int) -> int:
    """The row whose gradient at this layer is largest."""
    return int(np.argmax(np.abs(inside.dloss_dsums[layer - 1].astype(np.float64)).max(axis=1)))


def _edge(plan: Plan, rows: Rows) -> float | None:
    """At the first weights, on some of the training rows."""
    some = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ROWS_FOR_SHARPNESS)).astype(np.int64))
    if 6.0 * plan.network.parameters * len(some) * 60 > MOST_FLOPS_FOR_SHARPNESS:
        return None

    def of(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else array[some]

    chosen = Rows(np.ascontiguousarray(rows.x[some]), of(rows.classes), of(rows.targets), of(rows.weights))
    still = single_batch_plan(plan, len(some))
    first = new_run(plan, rows, None, 1).parameters()
    return edge_of_stability(still, first, chosen)
