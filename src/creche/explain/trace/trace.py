"""How much each row of a traced batch counts: as in training, unless it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.engine.introspection import BatchInternals, batch_internals, batch_rows, first_non_finite
from creche.engine.native import new_predictor
from creche.errors import CrecheError, PlanError, TableError
from creche.explain.rows import Batch, create_batch, select_places, take_rows
from creche.explain.trace.gradient_check import check_gradients
from creche.explain.trace.neuron import find_neuron, largest_gradient_neuron
from creche.explain.trace.result import ClassificationErrors, RegressionErrors, Trace, TracedLayer
from creche.explain.trace.step import Step, is_finite, single_batch_plan, take_step
from creche.model.model import Model
from creche.plan.losses import BinaryCrossEntropy, Poisson
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


def training_weights(
    model: Model, preparation: Preparation | None, rows: Observations
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """The weights that training gives these rows, (n,) or None, and what is to be said of them.

    The column of weights counts if the table has it; class weights, "balanced" among them, are those of the training
    rows.
    """
    if preparation is None:
        return None, ()
    weights, said = None, []
    column = preparation.sample_weight
    if column is not None:
        if isinstance(rows.x, Table) and column in rows.x.columns:
            weights = resolve_sample_weights(column, rows)
            said.append(f"each row counts by its {column}, as in training")
        else:
            said.append(f"training counted rows by {column}, which this table lacks: here all count the same")
    if preparation.class_weight is not None:
        weights = _of_classes(model, preparation.class_weight, rows, weights)
        said.append("each row counts by the weight of its class, as in training")
    return weights, tuple(said)


def _of_classes(
    model: Model, class_weight: Any, rows: Observations, weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    if class_weight != "balanced":
        return apply_class_weights(class_weight, rows, model.labels, weights)
    assert model.labels.classes is not None
    shares = np.array(model.labels.baseline)
    of_class = 1 / (len(shares) * np.where(shares > 0, shares, 1.0))
    of_row = of_class[encode_classes(rows.y, model.labels.classes, model.labels.name, rows.row_numbers)]
    return np.asarray(of_row if weights is None else of_row * weights)


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
) -> Trace:
    """One training step, taken apart into numbers: those of the step that training takes, to the bit.

    The rows are one batch. Forward: the features as given and as encoded, the weighted sums and activations of each
    layer, the predictions, how far they are from the labels, the loss. Back: the gradient of each weight, by
    backpropagation (Rumelhart, Hinton & Williams 1986), beside a finite difference of the loss. Then what the optimizer
    makes of it, and the loss of the same rows after. Nothing of the model or the run is changed.

    Parameters
    ----------
    model : Model or Run
        With a model, the step is the first of a fresh optimizer, from the model's weights. With a run, weights, the
        optimizer's state, the count of steps and the learning rate are those where the run stands.
    data : file name, DataFrame or (n, d) array, optional
        The rows, with their label. With a run it may be left out: then the batch is the one that training takes next.
    y : (n,) array, optional
        The labels, if `data` is without them.
    rows : slice, or sequence of int or bool, optional
        Which rows of `data`, by place from 0, as in ``rows=slice(0, 20)``; by default all.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts; by default as in training.
    neuron : (int, int), optional
        The layer (the inputs are 0, the first hidden layer is 1) and number (from 0) of the neuron that texts and pages
        follow in full; by default the neuron of the first layer that the loss depends on most.
    check : bool, default True
        Whether gradients are compared with finite differences.
    loss : callable, optional
        The Python function that is the loss of a model from a file.

    Returns
    -------
    Trace
        Arrays; ``.table()``, ``.to_dict()`` and ``.html()`` are the same as a Polars DataFrame, plain data and a page,
        and ``print`` shows it as text.

    Raises
    ------
    TableError
        If a row is not there, or holds what it did not hold in training, or its label is missing.
    PlanError
        If there is no such neuron.
    CrecheError
        If the loss of the rows is not finite, so that there is no step.

    Notes
    -----
    Dropout is off in the trace, and its notes say so where training has it.

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

    """
    run = model if isinstance(model, Run) else None
    network = run.model if run is not None else model
    if not isinstance(network, Model):
        raise PlanError(f"model: got {type(model).__name__}; needs a Model or a Run")
    plan = network.plan if loss is None else network.plan.with_function(loss)
    batch, notes = _batch(network, run, data, y, rows, sample_weight)
    state = None if run is None else run.state()
    threads = resolve_threads(network.threads)
    step = take_step(plan, network.weights, state, batch.rows, threads)
    plan_of_step = single_batch_plan(plan, len(batch), step.epoch)
    inside = batch_internals(plan_of_step, step.before, batch.rows)
    if not step.is_taken:
        raise _no_step(inside, batch)
    if run is None:
        notes += ("a model keeps no optimizer's state: this is the first step of a fresh optimizer",)
    dropped = [layer.dropout for layer in plan.network.layers if layer.dropout]
    if dropped:
        notes += (f"training drops activations at random (up to {max(dropped):.0%} of a layer's); here dropout is off",)
    found = _assembled(network, plan, batch, step, inside, notes)
    if check:
        gradients = [(at.gradient, at.bias_gradient) for at in found.layers]
        found = replace(found, check=check_gradients(plan_of_step, step.before, batch.rows, gradients))
    return replace(found, neuron=largest_gradient_neuron(found) if neuron is None else find_neuron(found, neuron))


def _batch(
    model: Model, run: Run | None, data: Any, y: Any, rows: Any, sample_weight: Any
) -> tuple[Batch, tuple[str, ...]]:
    """The rows, encoded and weighed, and what is to be said of them."""
    if data is None and run is not None:
        return _next_batch(model, run, rows), ()
    batch = create_batch(model, data, y, sample_weight=sample_weight)
    notes: tuple[str, ...] = ()
    if sample_weight is None:
        origin = model.provenance if run is None else run.prepared
        preparation = None if origin is None else origin.preparation
        weights, notes = training_weights(model, preparation, batch.observations)
        if run is not None and run.prepared.external_weights is not None:
            notes += ("training counted rows by weights that no column holds: here all count the same",)
        if weights is not None:
            batch = replace(batch, rows=replace(batch.rows, weights=weights.astype(model.plan.precision)))
    batch = take_rows(batch, select_places(rows, len(batch)))
    if batch.rows.weights is not None and not batch.rows.weights.any():
        raise TableError("sample_weight: is 0 in each of the rows chosen; at least one must count")
    return batch, notes


def _next_batch(model: Model, run: Run, rows: Any) -> Batch:
    """The training rows that the run takes next, or those of them that are chosen."""
    part = run.prepared.train
    encoded = run.prepared.encode_part(part, run.plan.loss, run.plan.precision)
    batch = Batch(part.observations, encoded, tuple(model.features.inputs))
    if rows is not None:
        return take_rows(batch, select_places(rows, len(batch)))
    epoch, done = run.epoch, int(run.state()["progress"][2])
    if done == run.plan.steps_per_epoch(len(batch)):
        epoch, done = epoch + 1, 0
    return take_rows(batch, batch_rows(run.plan, epoch, done, len(batch)))


def _no_step(inside: BatchInternals, batch: Batch) -> CrecheError:
    where = first_non_finite(inside)
    if where is None:
        return CrecheError("the loss of these rows is not finite, so there is no step to take apart")
    row = batch.observations.row_numbers[where.row]
    what = "the loss" if where.neuron is None else f"the {where.what} of neuron {where.neuron} of layer {where.layer}"
    return CrecheError(
        f"row {row}: {what} is not finite, so there is no step to take apart; the row's numbers, or the network's "
        "weights, are too large"
    )


def _assembled(
    model: Model, plan: Plan, batch: Batch, step: Step, inside: BatchInternals, notes: tuple[str, ...]
) -> Trace:
    observed = batch.observations
    mistakes, outputs = _mistakes(model, plan, batch, step)
    losses_after, loss_after = np.full(len(batch), np.nan), float("nan")
    if is_finite(step.after):
        later = batch_internals(single_batch_plan(plan, len(batch)), step.after, batch.rows)
        losses_after, loss_after = later.losses, later.loss
    else:
        notes += ("the step is so long that weights are no longer finite",)
    source = observed.x.source if isinstance(observed.x, Table) else "X"
    names = model.labels.names if model.classes is None else [str(value) for value in model.classes]
    return Trace(
        plan, source, observed, model.features.names, observed.row_numbers, batch.rows.weights, batch.inputs,
        batch.rows.x,
        _layers(plan, step, inside), tuple(names[-plan.network.outputs :]), outputs, model.classes, mistakes,
        inside.losses, inside.loss, losses_after, loss_after, step.epoch, step.number, step.learning_rate, None,
        (1, 0), notes,
    )  # fmt: skip


def _layers(plan: Plan, step: Step, inside: BatchInternals) -> tuple[TracedLayer, ...]:
    out = []
    for i, layer in enumerate(plan.network.layers):
        is_last = i == len(plan.network.layers) - 1
        planes = {name: (step.planes_before[name][i], step.planes_after[name][i]) for name in step.planes_before}
        applied = _head(plan) if is_last else layer.activation.key
        numbers = (inside.sums[i], inside.activations[i], inside.dloss_dsums[i])
        out.append(TracedLayer(applied, *numbers, *step.before[i], *inside.gradients[i], *step.after[i], planes))
    return tuple(out)


def _head(plan: Plan) -> str:
    """What turns the last weighted sums into predictions."""
    if isinstance(plan.loss, BinaryCrossEntropy):
        return "sigmoid"
    if plan.task == "classification":
        return "softmax"
    return "exp" if isinstance(plan.loss, Poisson) else "identity"


def _mistakes(
    model: Model, plan: Plan, batch: Batch, step: Step
) -> tuple[ClassificationErrors | RegressionErrors, NDArray[Any]]:
    """Predictions beside labels, and what the network itself gives."""
    observed, rows = batch.observations, batch.rows
    outputs: NDArray[Any] = new_predictor(plan, step.before, 1).predict(rows.x)
    said = model.decode_outputs(outputs)
    if model.classes is not None:
        return ClassificationErrors.of(
            said, encode_classes(observed.y, model.classes, observed.label, observed.row_numbers)
        ), outputs
    truth = observed.y.astype(np.float64).reshape(len(batch), -1)
    assert rows.targets is not None
    return RegressionErrors.of(truth, said.reshape(len(batch), -1), rows.targets, outputs), outputs
