"""`creche.explain.trace`: one training step on a batch, every number of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.engine.introspection import (
    BatchInternals,
    batch_internals,
    batch_rows,
    first_layer_inputs,
    first_non_finite,
)
from creche.engine.native import has_float64, new_predictor
from creche.errors import CrecheError, PlanError, TableError
from creche.explain.rows import Batch, create_batch, read_labels_if_any, select_rows, take_rows
from creche.explain.trace.errors import ClassificationErrors, RegressionErrors
from creche.explain.trace.forward import ForwardPass, forward_pass
from creche.explain.trace.gradient_check import check_gradients
from creche.explain.trace.neuron import find_neuron, largest_gradient_neuron
from creche.explain.trace.result import Trace, TracedLayer
from creche.explain.trace.step import Step, single_batch_plan, take_step
from creche.model.model import Model
from creche.plan.arguments import reject_unknown
from creche.table.labels import encode_classes
from creche.table.observations import Observations
from creche.table.preparation import Preparation
from creche.table.row_weights import apply_class_weights, resolve_sample_weights
from creche.table.table import Table
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.plan.losses import LossFunction
    from creche.plan.plan import Plan

__all__ = ["trace", "training_weights"]

NO_GRADIENT_CHECK = (
    "no gradient check: it needs float64, and this build of Creche has float32 only; build both with `pip install .` "
    "in the folder of Creche's sources"
)


def training_weights(
    model: Model, preparation: Preparation | None, rows: Observations
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Return the weights that training gives these rows, (n,) or None, and notes about them.

    A column of weights counts if the table has it; class weights, "balanced" included, are those of the training rows.
    """
    if preparation is None:
        return None, ()
    weights, notes = None, []
    column = preparation.sample_weight
    if column is not None:
        if isinstance(rows.x, Table) and column in rows.x.columns:
            weights = resolve_sample_weights(column, rows)
            notes.append(f"rows are weighted by {column}, as in training")
        else:
            notes.append(f"training weighted rows by {column}, which this table lacks: here all rows have equal weight")
    if preparation.class_weight is not None:
        weights = _apply_class_weights(model, preparation.class_weight, rows, weights)
        notes.append("rows are weighted by class, as in training")
    return weights, tuple(notes)


def _apply_class_weights(
    model: Model, class_weight: Any, rows: Observations, weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    if class_weight != "balanced":
        return apply_class_weights(class_weight, rows, model.labels, weights)
    assert model.labels.classes is not None
    shares = np.array(model.labels.baseline)
    class_weights = 1 / (len(shares) * np.where(shares > 0, shares, 1.0))
    row_weights = class_weights[encode_classes(rows.y, model.labels.classes, model.labels.name, rows.row_numbers)]
    return np.asarray(row_weights if weights is None else row_weights * weights)


@overload
def trace(
    model: Run,
    data: None = None,
    *,
    rows: Any = None,
    neuron: tuple[int, int] | None = None,
    check: bool = True,
    loss: LossFunction | None = None,
) -> Trace: ...


@overload
def trace(
    model: Model | Run,
    data: Batch | Observations,
    *,
    rows: Any = None,
    sample_weight: Any = None,
    neuron: tuple[int, int] | None = None,
    check: bool = True,
    loss: LossFunction | None = None,
) -> Trace: ...


@overload
def trace(
    model: Model | Run,
    data: Any,
    y: Any = None,
    *,
    rows: Any = None,
    sample_weight: Any = None,
    neuron: tuple[int, int] | None = None,
    check: bool = True,
    loss: LossFunction | None = None,
) -> Trace | ForwardPass: ...


@reject_unknown
def trace(
    model: Model | Run,
    data: Any = None,
    y: Any = None,
    *,
    rows: Any = None,
    sample_weight: Any = None,
    neuron: tuple[int, int] | None = None,
    check: bool = True,
    loss: LossFunction | None = None,
) -> Trace | ForwardPass:
    """Take one training step and return all its numbers: bit for bit those of the step that training takes.

    The rows are one batch. Forward: the features as given and as encoded, the weighted sums and activations of each
    layer, the predictions, their errors and the loss. Backward: the gradient of each weight by backpropagation
    (Rumelhart, Hinton & Williams 1986), compared with a finite difference of the loss. Then the optimizer's update, and
    the loss of the same rows after it. The model or run does not change.

    Rows without a label go forward only, as `forward_pass` takes them: an array without `y`, a table without the column
    of the label, or with nothing in it.

    Parameters
    ----------
    model : Model or Run
        From a model, the step is the first of a fresh optimizer. From a run, the optimizer's state, the number of steps
        and the learning rate are the run's current ones.
    data : file name, DataFrame or (n, d) array, optional
        The rows. With a run it may be left out: the batch is then the next one of training.
    y : (n,) array, optional
        The labels, if `data` does not contain them.
    rows : int, sequence of int, slice, or (n,) boolean mask, optional
        Row numbers of `data`: tables are counted from 1, arrays from 0. ``rows=slice(1, 21)`` selects the rows
        1 to 20 of a table. By default all rows.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts; by default as in training.
    neuron : (int, int), optional
        The neuron that texts and pages show in full: its layer (the inputs are layer 0, the first hidden layer is 1)
        and its number, from 0. By default the neuron of the first layer with the largest gradients.
    check : bool, default True
        Whether to compare gradients with finite differences. The comparison needs float64: where the engine was built
        for float32 only, it is left out, and a note says so.
    loss : callable, optional
        The loss of a model from a file that was trained with a Python function.

    Returns
    -------
    Trace, or ForwardPass for rows without a label
        All arrays. ``.table()`` and ``.to_dict()`` give the same as a DataFrame and plain data, ``.html()`` of a
        trace a page; ``print`` shows it as text.

    Raises
    ------
    TableError
        If there is no such row, the label of some rows is missing, or a cell holds a value that training did not allow.
    PlanError
        If there is no such neuron, or an argument that needs the label is given for rows without one.
    CrecheError
        If the loss of the rows is not finite, so that there is no step.

    Notes
    -----
    Dropout is off in the trace; if training has dropout, the notes of the trace say so. Batch normalization takes the
    means and variances of the rows, as a step does, so that their predictions are others than those of
    `Model.predict`; of a single row, it takes the running ones.

    Examples
    --------
    >>> import creche as cr
    >>> penguins = cr.datasets.penguins()
    >>> run = cr.train(penguins, label="species", hidden=[5, 5], epochs=2, threads=1)
    >>> step = cr.explain.trace(run.model, penguins.head(20))
    >>> [layer.gradient.shape for layer in step.layers]
    [(14, 5), (5, 5), (5, 3)]
    >>> step.loss_after < step.loss
    True
    >>> cr.explain.trace(run.model, penguins.drop("species").head(1))
    ForwardPass(1 row of the table, 14-5-5-3)

    """
    run = model if isinstance(model, Run) else None
    network = run.model if run is not None else model
    if not isinstance(network, Model):
        raise PlanError(f"model: got {type(model).__name__}; needs a Model or a Run")
    network.plan.network.require_one_model("model")
    if data is not None:
        data, y = read_labels_if_any(network, data, y), None
        if not isinstance(data, Batch | Observations):
            for name, value in (("neuron", neuron), ("sample_weight", sample_weight), ("loss", loss)):
                if value is not None:
                    raise PlanError(
                        f"{name}: needs the label {network.labels.name!r}, which these rows lack; leave it out to see "
                        "the way forward", argument=name,
                    )  # fmt: skip
            return forward_pass(network, data, rows=rows)
    plan = network.plan if run is None else run.current_plan
    plan = plan if loss is None else plan.with_function(loss)
    batch, notes = _create_batch(network, run, data, rows, sample_weight)
    state = None if run is None else run.state()
    threads = resolve_threads(network.threads)
    step = take_step(plan, network.parameters, state, batch.rows, threads)
    batch_plan = single_batch_plan(plan, len(batch), step.epoch, step.label_smoothing)
    inside = batch_internals(batch_plan, step.before, batch.rows, as_step=True)
    if not step.is_taken:
        raise _no_step(inside, batch)
    if run is None:
        notes += ("a model does not store the optimizer's state: this is the first step of a new optimizer",)
    dropped = [layer.dropout for layer in plan.network.layers if layer.dropout]
    if dropped:
        notes += (f"training drops up to {max(dropped):.0%} of a layer's activations at random; here dropout is off",)
    if plan.network.first_layer_normalized_by_batch is not None and len(batch) > 1:
        notes += (
            "batch normalization takes the means and variances of these rows, as in training; predictions take the "
            "running ones",
        )
    traced = _assemble(network, plan, batch, step, inside, notes)
    if check and not has_float64():
        traced = replace(traced, notes=(*traced.notes, NO_GRADIENT_CHECK))
    elif check:
        traced = replace(traced, check=check_gradients(batch_plan, step.before, batch.rows, inside.gradients))
    return replace(traced, neuron=largest_gradient_neuron(traced) if neuron is None else find_neuron(traced, neuron))


def _create_batch(
    model: Model, run: Run | None, data: Batch | Observations | None, rows: Any, sample_weight: Any
) -> tuple[Batch, tuple[str, ...]]:
    """Return the rows, encoded and weighted, and notes about them."""
    if data is None and run is not None:
        return _next_batch(model, run, rows), ()
    batch = create_batch(model, data, sample_weight=sample_weight)
    notes: tuple[str, ...] = ()
    if sample_weight is None:
        origin = model.provenance if run is None else run.prepared
        preparation = None if origin is None else origin.preparation
        weights, notes = training_weights(model, preparation, batch.observations)
        if run is not None and run.prepared.external_weights is not None:
            notes += ("training weighted rows by an array that is not a column: here all rows have equal weight",)
        if weights is not None:
            batch = replace(batch, rows=replace(batch.rows, weights=weights.astype(model.plan.dtype)))
    batch = take_rows(batch, select_rows(batch.observations.row_numbers, rows))
    if batch.rows.weights is not None and not batch.rows.weights.any():
        raise TableError("sample_weight: is 0 in all selected rows; at least one must count")
    return batch, notes


def _next_batch(model: Model, run: Run, rows: Any) -> Batch:
    """Return the next batch of training rows; or, of all training rows, those that the user selects."""
    part = run.prepared.train
    encoded = run.prepared.encode_part(part, run.current_plan.loss, run.current_plan.dtype)
    batch = Batch(part.observations, encoded, tuple(model.features.inputs))
    if rows is not None:
        return take_rows(batch, select_rows(batch.observations.row_numbers, rows))
    epoch, done = run.epoch, run.batch
    if done == run.current_plan.steps_per_epoch(len(batch)):
        epoch, done = epoch + 1, 0
    return take_rows(batch, batch_rows(run.current_plan, epoch, done, len(batch)))


def _no_step(inside: BatchInternals, batch: Batch) -> CrecheError:
    where = first_non_finite(inside)
    if where is None:
        return CrecheError("the loss of these rows is not finite, so there is no step to trace")
    row = batch.observations.row_numbers[where.row]
    what = "the loss" if where.neuron is None else f"the {where.what} of neuron {where.neuron} of layer {where.layer}"
    return CrecheError(
        f"row {row}: {what} is not finite, so there is no step to trace; the row's numbers, or the network's weights, "
        "are too large"
    )


def _assemble(
    model: Model, plan: Plan, batch: Batch, step: Step, inside: BatchInternals, notes: tuple[str, ...]
) -> Trace:
    observed = batch.observations
    errors, outputs = _errors(model, plan, batch, inside)
    losses_after, loss_after = np.full(len(batch), np.nan), float("nan")
    if step.after.is_finite():
        later_plan = single_batch_plan(plan, len(batch), label_smoothing=step.label_smoothing)
        later = batch_internals(later_plan, step.after, batch.rows, as_step=True)
        losses_after, loss_after = later.losses, later.loss
    else:
        notes += ("the step is so large that weights are no longer finite",)
    source = observed.x.source if isinstance(observed.x, Table) else "X"
    return Trace(
        plan, source, observed, model.features.names, observed.row_numbers, batch.rows.weights, model.input_names,
        first_layer_inputs(plan, step.before, batch.rows.x), _layers(plan, step, inside), inside.gradients,
        model.labels.output_names(plan.network.outputs), outputs, model.classes, errors, inside.losses, inside.loss,
        losses_after, loss_after, step.epoch, step.number, step.learning_rate, None, (1, 0), notes,
        library=observed.library,
    )  # fmt: skip


def _layers(plan: Plan, step: Step, inside: BatchInternals) -> tuple[TracedLayer, ...]:
    out = []
    before, after, gradients = step.before.layers, step.after.layers, inside.gradients.layers
    others = step.before.of_embeddings(False).beyond_layers
    states = {
        name: (kept.layers, step.optimizer_state_after[name].layers)
        for name, kept in step.optimizer_state_before.items()
    }
    for i, layer in enumerate(plan.network.layers):
        is_last = i == len(plan.network.layers) - 1
        state = {name: (kept[i], later[i]) for name, (kept, later) in states.items()}
        applied = plan.loss.head(plan.task).key if is_last else layer.activation.key
        numbers = (inside.sums[i], inside.activations[i], inside.dloss_dsums[i])
        parts = {name.partition(".")[2]: array for name, array in others.items() if step.before.layer_of(name) == i}
        out.append(TracedLayer(applied, *numbers, *before[i], *gradients[i], *after[i], state, parts))
    return tuple(out)


def _errors(
    model: Model, plan: Plan, batch: Batch, inside: BatchInternals
) -> tuple[ClassificationErrors | RegressionErrors, NDArray[Any]]:
    """Return the errors of the predictions, and the network's own outputs."""
    observed, rows = batch.observations, batch.rows
    outputs: NDArray[Any] = new_predictor(plan, inside.parameters, 1).predict(rows.x)
    predicted = model.decode_outputs(outputs)
    if model.classes is not None:
        return ClassificationErrors.of(
            predicted, encode_classes(observed.y, model.classes, observed.label, observed.row_numbers)
        ), outputs
    assert rows.targets is not None
    true = model.labels.repeat(observed.y.astype(np.float64).reshape(len(batch), -1))
    scaled = plan.loss.head(plan.task).finish(outputs)
    return RegressionErrors.of(true, predicted, rows.targets, scaled), outputs
