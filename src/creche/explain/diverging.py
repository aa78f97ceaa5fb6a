"""Where and why a loss stopped being finite: layer, step, row, column and rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.inside import Inside, inside_of
from creche.engine.native import Rows, new_run
from creche.errors import DivergedError, CrecheError
from creche.explain.batch import Batch
from creche.explain.epoch_order import batch_places
from creche.explain.extremes import Extreme, extreme_of
from creche.explain.not_finite import NotFinite, first_not_finite
from creche.explain.sharpness import edge_of_stability
from creche.explain.tracing.choosing import taken
from creche.explain.tracing.stepping import alone, is_finite, stepped
from creche.plan.plan import Plan
from creche.run import Run
from creche.table.parts import Part

__all__ = ["Divergence", "divergence"]

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
    training = run.prepared.encoded(run.prepared.train, run.plan.loss, run.plan.precision)
    observed = None if row is None else (batch.observations, batch.rows, row)
    extreme = extreme_of(run, observed, training)
    epoch, number, rate = where
    called = None if row is None else int(batch.observations.called[row])
    at = (found.what, found.layer, found.neuron, called)
    return Divergence(epoch, number, run.step, rate, part, *at, extreme, _edge(run.plan, training))


def _failed_batch(run: Run) -> tuple[str, Batch]:
    """The rows whose loss, or whose step, was not finite."""
    prepared, plan = run.prepared, run.plan
    count, done = len(prepared.train), int(run._engine.batch_in_epoch)

    def batch_of_part(part: Part) -> Batch:
        rows = prepared.encoded(part, plan.loss, plan.precision)
        return Batch(part.observations, rows, tuple(prepared.features.inputs))

    if done == plan.steps_per_epoch(count) and prepared.validation is not None:
        return "validation", batch_of_part(prepared.validation)
    return "training", taken(batch_of_part(prepared.train), batch_places(plan, run.epoch, done, count))


def _found(run: Run, batch: Batch) -> tuple[NotFinite, int | None]:
    """What is not finite, and the place in the batch of the row that matters."""
    weights = run.weights
    if not is_finite(weights):
        return NotFinite("weights", _first_infinite(weights), 0, None), None
    with np.errstate(all="ignore"):
        inside = inside_of(alone(run.plan, len(batch)), weights, batch.rows)
        found = first_not_finite(inside)
        if found is not None:
            return found, found.row
        step = stepped(run.plan, weights, run.state(), batch.rows)
    if is_finite(step.after):
        return NotFinite("dropout", len(weights), 0, None), None
    layer = _first_infinite(step.after)
    return NotFinite("step", layer, 0, None), _largest_part(inside, layer)


def _first_infinite(weights: list[tuple[NDArray[Any], NDArray[Any]]]) -> int:
    return next(i for i, layer in enumerate(weights) if not is_finite([layer])) + 1


def _largest_part(inside: Inside, layer: int) -> int:
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
    still = alone(plan, len(some))
    first = new_run(plan, rows, None, 1).parameters()
    return edge_of_stability(still, first, chosen)
