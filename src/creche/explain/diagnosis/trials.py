"""Trials: a run with one thing changed, trained with several seeds, as is the run as it was."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._progress import count_steps, track
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.native import Rows, new_predictor, new_run
from creche.engine.parameters import Parameters
from creche.engine.stored_rows import StoredRows, as_rows
from creche.errors import CrecheWarning, DivergedError, PlanError
from creche.explain.diagnosis.findings import Alternative, Trial
from creche.explain.diagnosis.run_facts import RunFacts
from creche.plan.activations import ACTIVATIONS
from creche.plan.arguments import NUMBER_SCHEDULES
from creche.plan.initializers import default_initializer
from creche.plan.losses import LOSSES
from creche.plan.network import Layer
from creche.plan.optimizers import OPTIMIZERS
from creche.plan.plan import EarlyStopping, Plan
from creche.plan.schedules import RunSchedule
from creche.table.encoders.features import Preprocessing
from creche.table.partition import Partition
from creche.table.prepare import Prepared, reencode
from creche.table.row_weights import apply_class_weights
from creche.training.run import Run
from creche.training.watching import create_measure, true_classes

__all__ = ["run_trials"]

# How much better a remedy must be: as a share of the measure before, and of the baseline's loss. Less may be luck.
MARGIN = 0.1
MARGIN_OF_BASELINE = 0.01

MEASURES = {
    "loss": "loss",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "deviance": "mean Poisson deviance",
    "balanced_accuracy": "balanced accuracy",
}

# Of counts below 0 the deviance is infinite; they count as this share of the mean.
LEAST_COUNT = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class _Setup:
    """A plan and the rows it is trained and evaluated on."""

    plan: Plan
    prepared: Prepared
    rows: Rows | StoredRows
    validation: Rows | StoredRows | None

    @property
    def scale(self) -> float:
        """The scale of the label, so that errors are in its units."""
        scale = self.prepared.labels.scale
        return scale[0] if len(scale) == 1 else 1.0

    def job(self, seed: int) -> Job:
        measure = create_measure(self.plan, self.prepared, as_rows(self.validation or self.rows), threads=1)
        return Job(replace(self.plan, seed=seed), self.rows, self.validation, measure)


def run_trials(facts: RunFacts, alternatives: Sequence[Alternative], seeds: int) -> dict[int, Trial]:
    """Return the trial of each alternative, by its place; alternatives that cannot be carried out are left out.

    The run as it was is trained with them, on the same rows and with the same seeds; the first is its own.
    """
    setups = {-1: _original_setup(facts)}
    for place, alternative in enumerate(alternatives):
        try:
            setups[place] = _change_setup(facts, setups[-1], alternative)
        except PlanError:
            continue  # for example, a learning rate out of range
    seeds_of_each = [facts.plan.seed + s for s in range(seeds)]
    trained = _train_all([(setup, seed % 2**64) for setup in setups.values() for seed in seeds_of_each], facts)
    weights = {place: trained[i * seeds : (i + 1) * seeds] for i, place in enumerate(setups)}
    trials = {}
    for place in setups:
        if place < 0:
            continue
        one = alternatives[place]
        before = np.array([_evaluate(setups[-1], w, one.measure) for w in weights[-1]])
        after = np.array([_evaluate(setups[place], w, one.measure) for w in weights[place]])
        trials[place] = Trial(
            one.change, dict(one.arguments), f"{facts.evaluated_on} {MEASURES[one.measure]}",
            float(before.mean()), float(after.mean()), _has_helped(facts, before, after, one.measure), seeds,
        )  # fmt: skip
    return trials


def _has_helped(facts: RunFacts, before: NDArray[np.float64], after: NDArray[np.float64], measure: str) -> bool:
    """Whether the measure is better with each seed, and by a clear margin."""
    if measure == "balanced_accuracy":
        before, after = 1 - before, 1 - after
    if not (np.isfinite(after).all() and (after < before).all()):
        return False
    if not np.isfinite(before).all():
        # Not diverging is not a remedy by itself: the network must have learned something.
        return measure != "loss" or bool(after.mean() < facts.baseline)
    gain = before.mean() - after.mean()
    return bool(gain >= MARGIN * before.mean() and (measure != "loss" or gain >= MARGIN_OF_BASELINE * facts.baseline))


def _original_setup(facts: RunFacts) -> _Setup:
    run, plan = facts.run, facts.plan
    if run.status in ("stopped", "interrupted", "running") and run.epoch:
        plan = replace(plan, epochs=run.epoch)
    return _Setup(plan, facts.prepared, run.rows, run.validation)


def _change_setup(facts: RunFacts, setup: _Setup, alternative: Alternative) -> _Setup:
    """Return the setup with other arguments of `creche.train`, or without some training rows."""
    plan, prepared = setup.plan, facts.prepared
    if alternative.without_rows:
        prepared = _leave_out(prepared, alternative.without_rows, plan)
    for name, value in alternative.arguments.items():
        if name == "learning_rate":
            plan = replace(plan, optimizer=replace(plan.optimizer, learning_rate=value))
        elif name == "optimizer":
            plan = replace(plan, optimizer=OPTIMIZERS.of(value))
        elif name == "epochs":
            plan = _extend_epochs(plan, value, len(setup.rows))
        elif name == "early_stopping":
            plan = replace(plan, early_stopping=EarlyStopping.of(value)).resolved(len(setup.rows))
        elif name == "keep":
            plan = replace(plan, keep=value)
        elif name == "loss":
            plan = replace(plan, loss=LOSSES.of(value))
            prepared = reencode(prepared, prepared.preparation.preprocessing, plan.loss)
        elif name in ("activation", "dropout"):
            plan = _change_layers(plan, name, value)
        elif name == "preprocessing":
            prepared = _reencode(prepared, value, plan)
        elif name == "class_weight":
            prepared = _weight_classes(prepared, value)
        else:
            raise PlanError(f"{name}: cannot be changed in a trial")
    if prepared is facts.prepared:
        return replace(setup, plan=plan)
    rows, validation = prepared.encode(plan.loss, plan.dtype)
    return _Setup(plan, prepared, rows, validation)


def _extend_epochs(plan: Plan, epochs: int, rows: int) -> Plan:
    """Return a plan with more epochs; a schedule that covered the whole run is stretched over them."""
    whole = (float(plan.epochs), float(plan.epochs * plan.steps_per_epoch(rows)))
    schedules = {name: getattr(plan, name) for name in ("schedule", *NUMBER_SCHEDULES)}
    for name, schedule in schedules.items():
        if isinstance(schedule, RunSchedule) and schedule.length in whole:
            schedules[name] = replace(schedule, length=None)
    return replace(plan, epochs=epochs, **schedules).resolved(rows)


def _change_layers(plan: Plan, name: str, value: Any) -> Plan:
    *hidden, last = plan.network.layers
    changed: list[Layer] = []
    for layer in hidden:
        if name == "dropout":
            changed.append(replace(layer, dropout=value))
            continue
        activation = ACTIVATIONS.of(value)
        own = (
            layer.initializer
            if layer.initializer != default_initializer(layer.activation)
            else default_initializer(activation)
        )
        changed.append(replace(layer, activation=activation, initializer=own))
    return replace(plan, network=replace(plan.network, layers=(*changed, last)))


def _leave_out(prepared: Prepared, rows: Sequence[int], plan: Plan) -> Prepared:
    rest = np.setdiff1d(np.arange(len(prepared.train)), rows)
    prepared = replace(prepared, train=prepared.train.take(rest))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrecheWarning)
        return reencode(prepared, prepared.preparation.preprocessing, plan.loss)


def _reencode(prepared: Prepared, preprocessing: Any, plan: Plan) -> Prepared:
    if prepared.preparation.class_weight is not None:
        raise PlanError("preprocessing: cannot be changed in a trial where classes are weighted")
    chosen = replace(prepared.preparation.preprocessing, scaling=Preprocessing.of(preprocessing).scaling)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrecheWarning)  # the run itself gave the warning
        return reencode(prepared, chosen, plan.loss)


def _weight_classes(prepared: Prepared, weights: Any) -> Prepared:
    if prepared.preparation.class_weight is not None:
        raise PlanError("class_weight: is set already")
    train = prepared.train
    row_weights = apply_class_weights(weights, train.observations, prepared.labels, train.weights)
    return replace(prepared, train=Partition(train.observations, row_weights))


def _train_all(trials: Sequence[tuple[_Setup, int]], facts: RunFacts) -> list[Parameters | None]:
    """Return the final parameters of each setup with a seed; None for those that diverged."""
    hardware = facts.run.hardware
    if facts.plan.loss.is_python:  # a Python function runs one network at a time
        return [_train_alone(setup, seed, hardware) for setup, seed in track(trials, "networks")]
    try:
        crew = Crew([setup.job(seed) for setup, seed in trials], hardware)
    except PlanError:  # too many networks for the memory
        return [_train_alone(setup, seed, hardware) for setup, seed in track(trials, "networks")]
    with count_steps(crew.epochs[1], "epochs of trials") as report:
        crew.run(on_progress=lambda: report(crew.epochs[0]))
    return [None if crew.status(n) == "diverged" else crew.parameters(n) for n in range(len(crew))]


def _train_alone(setup: _Setup, seed: int, hardware: Hardware) -> Parameters | None:
    try:
        return Run(replace(setup.plan, seed=seed), setup.prepared, hardware).resume().parameters
    except DivergedError:
        return None


def _evaluate(setup: _Setup, parameters: Parameters | None, measure: str) -> float:
    """Return a measure of a network on the validation rows; without any, on the training rows."""
    if parameters is None:
        return 0.0 if measure == "balanced_accuracy" else float("inf")
    rows = as_rows(setup.rows if setup.validation is None else setup.validation)
    if measure == "balanced_accuracy":
        outputs, true = new_predictor(setup.plan, parameters, 1).predict(rows.x), true_classes(rows, setup.plan.loss)
        predicted = setup.plan.loss.head(setup.plan.task).finish(outputs).argmax(axis=1)
        return float(np.mean([(predicted[true == c] == c).mean() for c in np.unique(true)]))
    if measure in ("mae", "deviance"):
        return _measure_numbers(setup, rows, parameters, measure)
    run = new_run(replace(setup.plan, early_stopping=None, keep="last"), rows, None, 1)
    run.set_parameters(dict(parameters))
    loss, metric = run.evaluate(rows.x, rows.classes, rows.targets, rows.weights)
    value = metric * setup.scale if measure == "rmse" else loss
    return float(value) if np.isfinite(value) else float("inf")


def _measure_numbers(setup: _Setup, rows: Rows, parameters: Parameters, measure: str) -> float:
    """Return a measure of predicted numbers, in the units of the labels whatever the loss makes of them."""
    assert rows.targets is not None
    labels = setup.prepared.labels
    with np.errstate(all="ignore"):
        predicted = labels.clamp(labels.unscale(new_predictor(setup.plan, parameters, 1).predict(rows.x)))
        true = labels.unscale(rows.targets)
        if measure == "mae":
            value = np.abs(predicted - true).mean()
        else:
            count = np.maximum(predicted, LEAST_COUNT * true.mean())
            of_log = np.where(true > 0, true * np.log(np.maximum(true, LEAST_COUNT) / count), 0.0)
            value = 2 * (of_log - true + count).mean()
    return float(value) if np.isfinite(value) else float("inf")
