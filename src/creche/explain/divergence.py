"""Where and why training diverged: the first number that was not finite, and columns with extreme numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._displayed import Displayed
from creche.engine.introspection import (
    BatchInternals,
    NonFinite,
    batch_internals,
    batch_rows,
    first_non_finite,
)
from creche.engine.native import Rows, new_run
from creche.engine.parameters import Parameters
from creche.errors import CrecheError, DivergedError
from creche.explain.cells import feature_values, format_cell
from creche.explain.rows import Batch, take_rows
from creche.explain.sharpness import edge_of_stability
from creche.explain.trace.step import single_batch_plan, take_step
from creche.plan.plan import Plan
from creche.table.observations import Observations
from creche.table.partition import Partition
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.table.encoders.features import Encoder

__all__ = ["Divergence", "Extreme", "divergence", "find_extreme"]

FAR = 30.0  # hardly any number of a standardized column is this far from 0


@dataclass(frozen=True, slots=True)
class Extreme:
    """A number that is far too large for a network.

    Attributes
    ----------
    column : str
        The name of the column or label.
    is_label : bool
    row : int
        The row's number.
    value : str
        The value in the table.
    encoded : float
        The network's input, or target, for it.
    is_constant : bool
        Whether the column is constant in the training rows.

    """

    column: str
    is_label: bool
    row: int
    value: str
    encoded: float
    is_constant: bool

    def __str__(self) -> str:
        what = "The label" if self.is_label else "Column"
        constant = "; the column is constant in the training rows" if self.is_constant else ""
        return (
            f"{what} {self.column!r} is {self.value} in row {self.row}, encoded as {self.encoded:.4g}{constant}. "
            "Networks learn from numbers around 1: standardize the columns, or scale this one"
        )


def find_extreme(run: Run, failed: tuple[Observations, Rows, int] | None, training: Rows) -> Extreme | None:
    """Return the largest number of the row that failed, or else of all training rows, if it is far from 0; or None.

    Parameters
    ----------
    run : Run
    failed : (Observations, Rows, int), optional
        The rows, and the place of the one that failed.
    training : Rows
        All training rows.

    """
    if failed is not None:
        observed, rows, row = failed
        extreme = _find_largest(run, observed, rows, np.array([row]), training)
        if extreme is not None:
            return extreme
    return _find_largest(run, run.prepared.train.observations, training, np.arange(len(training)), training)


def _find_largest(
    run: Run, observed: Observations, rows: Rows, which: NDArray[np.int64], training: Rows
) -> Extreme | None:
    sizes = np.abs(rows.x[which])
    place, column = np.unravel_index(int(np.argmax(sizes)), sizes.shape)
    row = int(which[place])
    largest_target = 0.0 if rows.targets is None else float(np.abs(rows.targets[which]).max())
    if max(largest_target, float(sizes.max())) <= FAR:
        return None
    if largest_target > sizes.max():
        return _extreme_of_label(run, observed, rows, which)
    name = next(c.name for c, end in _column_ends(run) if column < end)
    cells = feature_values(observed.take(np.array([row])), run.prepared.features.names)
    constant = bool((training.x[:, column] == training.x[0, column]).all())
    value = format_cell(cells[name][0], digits=10) if name in cells else ""
    return Extreme(name, False, int(observed.row_numbers[row]), value, float(rows.x[row, column]), constant)


def _column_ends(run: Run) -> list[tuple[Encoder, int]]:
    """Return each column's encoder with the end of its inputs."""
    columns = run.prepared.features.columns
    return list(zip(columns, np.cumsum([column.width for column in columns]).tolist(), strict=True))


def _extreme_of_label(run: Run, observed: Observations, rows: Rows, which: NDArray[np.int64]) -> Extreme:
    assert rows.targets is not None
    place, k = np.unravel_index(int(np.argmax(np.abs(rows.targets[which]))), rows.targets[which].shape)
    row = int(which[place])
    which_label = run.prepared.labels.label_of(int(k))
    label = observed.y.reshape(len(observed.y), -1)[row, which_label]
    name = run.prepared.labels.names[which_label]
    return Extreme(
        name,
        True,
        int(observed.row_numbers[row]),
        format_cell(float(label), digits=10),
        float(rows.targets[row, k]),
        False,
    )


ROWS_FOR_SHARPNESS = 1024
MAX_FLOPS_FOR_SHARPNESS = 2e10


@dataclass(frozen=True, slots=True, repr=False)
class Divergence(Displayed):
    """Where and why training diverged: made by `creche.explain.divergence`.

    Attributes
    ----------
    epoch, batch : int
        The epoch and batch in which the loss was not finite, both from 0.
    step : int
        The number of completed steps after which the weights were still finite; the next one failed.
    learning_rate : float
        The learning rate of that step.
    part : {"training", "validation"}
        The rows whose loss was not finite.
    what : {"weights", "sum", "activation", "loss", "gradient", "step", "dropout"}
        The first quantity that was not finite. "step" is the update of the weights; "dropout" means that all numbers
        are finite without dropout.
    layer : int or None
        The layer of the neuron: the inputs are layer 0, the first hidden layer is layer 1.
    neuron : int or None
        The neuron's number in its layer, from 0.
    row : int or None
        The row's number.
    extreme : Extreme or None
        A number of a column or label that is far too large for a network, if there is one.
    edge : float or None
        The learning rate above which gradient descent cannot converge near the initial weights; None if there is no
        such edge (Adam and other adaptive optimizers) or it is not known.

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
        sentences = [
            f"The loss of the {self.part} rows stopped being finite in epoch {self.epoch + 1}, batch {self.batch + 1}, "
            f"at learning rate {self.learning_rate:g}. After step {self.step}, {self._where()}."
        ]
        if self.extreme is not None:
            sentences.append(f"{self.extreme}.")
        if self.edge is not None:
            side = "above" if self.is_above_edge else "below"
            times = self.learning_rate / self.edge
            sentences.append(
                f"The learning rate is {side} the limit, {self.edge:.3g}, beyond which gradient descent cannot "
                f"converge "
                f"near the initial weights{f': {times:.3g} times as high' if self.is_above_edge else ''}."
            )
            if self.is_above_edge:
                sentences.append(f"Try a learning rate of {self.edge / 2:.1g} or lower.")
        return " ".join(sentences)

    def _where(self) -> str:
        if self.what == "weights":
            return f"weights that lead to layer {self.layer} are not finite"
        if self.what == "dropout":
            return "all numbers of the next batch are finite without dropout, but not with the dropout of training"
        if self.what == "step":
            return (
                f"all numbers of the next batch are finite, but its update makes weights that lead to layer "
                f"{self.layer} larger than the largest number; row {self.row} contributes most"
            )
        if self.what == "loss":
            return (
                f"the loss of row {self.row} is the first number that is not finite: the network's output is too large"
            )
        what = {"sum": "weighted sum", "gradient": "gradient"}.get(self.what, self.what)
        return (
            f"the {what} of neuron {self.neuron} of layer {self.layer} in row {self.row} is the first number that is "
            "not finite"
        )

    def __repr__(self) -> str:
        return f"Divergence({self})"


def divergence(diverged: Run | DivergedError) -> Divergence:
    """Find out where and why the loss of a run stopped being finite.

    The run keeps its last finite weights; the step that failed is repeated on the same rows, layer by layer and without
    dropout.

    Parameters
    ----------
    diverged : Run or DivergedError
        The run, or the error that it raised.

    Returns
    -------
    Divergence
        ``print`` shows it in words.

    Raises
    ------
    CrecheError
        If the run did not diverge, or belongs to another process.

    Examples
    --------
    >>> import creche as cr
    >>> x, y = np.arange(40.0).reshape(20, 2) * 1e6, np.arange(20) * 1000.0
    >>> try:
    ...     cr.train(x, y, hidden=[], optimizer="sgd", learning_rate=0.1, standardize=False, epochs=9, threads=1)
    ... except cr.DivergedError as error:
    ...     diverged = cr.explain.divergence(error)
    >>> diverged.extreme.column, diverged.is_above_edge
    ('x1', True)

    """
    run = diverged.run if isinstance(diverged, DivergedError) else diverged
    if run is None:
        raise CrecheError("the run that diverged belongs to another process; train it again in this one")
    if not isinstance(run, Run):
        raise CrecheError(f"divergence: got {type(run).__name__}; needs a Run that diverged, or the error it raised")
    where = run.divergence
    if where is None:
        raise CrecheError(f"the run did not diverge: it is {run.status.replace('_', ' ')}")
    part, batch = _failed_batch(run)
    non_finite, row = _find_non_finite(run, batch, as_step=part == "training")
    training = run.prepared.encode_part(run.prepared.train, run.current_plan.loss, run.current_plan.dtype)
    observed = None if row is None else (batch.observations, batch.rows, row)
    extreme = find_extreme(run, observed, training)
    epoch, number, rate = where
    row_number = None if row is None else int(batch.observations.row_numbers[row])
    place = (non_finite.what, non_finite.layer, non_finite.neuron, row_number)
    return Divergence(epoch, number, run.step, rate, part, *place, extreme, _edge(run.current_plan, training))


def _failed_batch(run: Run) -> tuple[str, Batch]:
    """Return the rows whose loss, or whose step, was not finite."""
    prepared, plan = run.prepared, run.current_plan
    count, done = len(prepared.train), run.batch

    def encode_part(part: Partition) -> Batch:
        rows = prepared.encode_part(part, plan.loss, plan.dtype)
        return Batch(part.observations, rows, tuple(prepared.features.inputs))

    if done == plan.steps_per_epoch(count) and prepared.validation is not None:
        return "validation", encode_part(prepared.validation)
    return "training", take_rows(encode_part(prepared.train), batch_rows(plan, run.epoch, done, count))


def _find_non_finite(run: Run, batch: Batch, *, as_step: bool) -> tuple[NonFinite, int | None]:
    """Return what is not finite, and the place in the batch of the row that caused it."""
    parameters = run.parameters
    if not parameters.is_finite():
        return NonFinite("weights", _first_non_finite_layer(parameters), 0, None), None
    with np.errstate(all="ignore"):
        plan = single_batch_plan(run.current_plan, len(batch))
        inside = batch_internals(plan, parameters, batch.rows, as_step=as_step)
        non_finite = first_non_finite(inside)
        if non_finite is not None:
            return non_finite, non_finite.row
        step = take_step(run.current_plan, parameters, run.state(), batch.rows)
    if step.after.is_finite():
        return NonFinite("dropout", len(inside.sums), 0, None), None
    layer = _first_non_finite_layer(step.after)
    return NonFinite("step", layer, 0, None), _largest_contribution(inside, layer)


def _first_non_finite_layer(parameters: Parameters) -> int:
    return next(parameters.layer_of(name) for name, array in parameters.items() if not np.isfinite(array).all()) + 1


def _largest_contribution(inside: BatchInternals, layer: int) -> int:
    """Return the place of the row with the largest gradient at this layer."""
    largest = np.abs(inside.dloss_dsums[layer - 1].astype(np.float64)).max(axis=1)
    return int(np.argmax(largest)) % (len(inside.losses) // inside.submodels)


def _edge(plan: Plan, rows: Rows) -> float | None:
    """Return the edge of stability at the initial weights, on a sample of the training rows."""
    some = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ROWS_FOR_SHARPNESS)).astype(np.int64))
    if 6.0 * plan.network.parameters * len(some) * 60 > MAX_FLOPS_FOR_SHARPNESS:
        return None

    def of(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else array[some]

    chosen = Rows(np.ascontiguousarray(rows.x[some]), of(rows.classes), of(rows.targets), of(rows.weights))
    still = single_batch_plan(plan, len(some))
    first = Parameters(new_run(plan, rows, None, 1).parameters())
    return edge_of_stability(still, first, chosen)
