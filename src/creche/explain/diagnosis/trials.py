"""Cures are tried before they are proposed: the same run with something changed, several seeds, all at once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew, Job
from creche.engine.native import Rows, new_predictor, new_run
from creche.errors import CrecheWarning, PlanError
from creche.explain.diagnosis.findings import Alternative, Trial
from creche.explain.diagnosis.run_facts import RunFacts
from creche.plan.activations import ACTIVATIONS
from creche.plan.initializers import default_initializer
from creche.plan.losses import CustomLoss
from creche.plan.network import Layer
from creche.plan.optimizers import OPTIMIZERS
from creche.plan.plan import EarlyStopping, Plan
from creche.table.encoders.features import Preprocessing
from creche.table.partition import Partition
from creche.table.prepare import Prepared, reencode
from creche.table.row_weights import apply_class_weights

__all__ = ["run_trials"]

MARGIN = 0.1  # of what it was: less is luck as likely as not


MARGIN_OF_BASELINE = 0.01


MEASURES = {"loss": "loss", "rmse": "root mean squared error", "balanced_accuracy": "balanced accuracy"}


Parameters = list[tuple[Any, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class _Setup:
    """A plan and the rows it is trained and judged on."""

    plan: Plan
    rows: Rows
    validation: Rows | None
    scale: float  # of the label, so that errors can be told in its units

    def job(self, seed: int) -> Job:
        return Job(replace(self.plan, seed=seed), self.rows, self.validation)


def run_trials(case: RunFacts, alternatives: Sequence[Alternative], seeds: int) -> dict[int, Trial]:
    """What came of the alternatives, by their places; those that cannot be carried out are left out.

    The run as it was is trained beside them with the same seeds, the first of which is its own, on the same rows.
    """
    setups = {-1: _as_it_was(case)}
    for place, alternative in enumerate(alternatives):
        try:
            setups[place] = _changed(case, setups[-1], alternative.arguments)
        except PlanError:
            continue  # such as a rate out of range
    each = [case.plan.seed + s for s in range(seeds)]
    ended = _trained([setup.job(seed % 2**64) for setup in setups.values() for seed in each], case.run.threads)
    weights = {place: ended[i * seeds : (i + 1) * seeds] for i, place in enumerate(setups)}
    found = {}
    for place in setups:
        if place < 0:
            continue
        one = alternatives[place]
        before = np.array([_judged(setups[-1], w, one.measure) for w in weights[-1]])
        after = np.array([_judged(setups[place], w, one.measure) for w in weights[place]])
        found[place] = Trial(
            one.words, dict(one.arguments), f"{case.judged_by} {MEASURES[one.measure]}",
            float(before.mean()), float(after.mean()), _has_helped(case, before, after, one.measure), seeds,
        )  # fmt: skip
    return found


def _has_helped(case: RunFacts, before: NDArray[np.float64], after: NDArray[np.float64], measure: str) -> bool:
    """Whether it is better with each seed, and by more than a little."""
    if measure == "balanced_accuracy":
        before, after = 1 - before, 1 - after
    if not (np.isfinite(after).all() and (after < before).all()):
        return False
    if not np.isfinite(before).all():
        # Not to diverge is no cure by itself: the network has to have learnt something.
        return measure != "loss" or bool(after.mean() < case.baseline)
    gain = before.mean() - after.mean()
    return bool(gain >= MARGIN * before.mean() and (measure != "loss" or gain >= MARGIN_OF_BASELINE * case.baseline))


def _as_it_was(case: RunFacts) -> _Setup:
    run, plan = case.run, case.plan
    if run.status in ("stopped", "interrupted", "running") and run.epoch:
        plan = replace(plan, epochs=run.epoch)
    scale = case.prepared.labels.scale
    return _Setup(plan, run.rows, run.validation, scale[0] if len(scale) == 1 else 1.0)


def _changed(case: RunFacts, setup: _Setup, arguments: Mapping[str, Any]) -> _Setup:
    """The setup with other arguments of `creche.train`."""
    plan, prepared = setup.plan, case.prepared
    for name, value in arguments.items():
        if name == "learning_rate":
            plan = replace(plan, optimizer=replace(plan.optimizer, learning_rate=value))
        elif name == "optimizer":
            plan = replace(plan, optimizer=OPTIMIZERS.of(value))
        elif name == "epochs":
            plan = _longer(plan, value, len(setup.rows))
        elif name == "early_stopping":
            plan = replace(plan, early_stopping=EarlyStopping.of(value))
        elif name in ("activation", "dropout"):
            plan = _with_layers(plan, name, value)
        elif name == "preprocessing":
            prepared = _reencoded(prepared, value, plan)
        elif name == "class_weight":
            prepared = _weighted(prepared, value)
        else:
            raise PlanError(f"{name}: cannot be changed in a trial")
    if prepared is case.prepared:
        return replace(setup, plan=plan)
    rows, validation = prepared.encode(plan.loss, plan.precision)
    scale = prepared.labels.scale
    return _Setup(plan, rows, validation, scale[0] if len(scale) == 1 else 1.0)


def _longer(plan: Plan, epochs: int, rows: int) -> Plan:
    """More epochs, over which a schedule that lasted the whole run is stretched."""
    was = plan.epochs
    whole = (float(was), float(was * plan.steps_per_epoch(rows)))
    schedule = plan.schedule
    if getattr(schedule, "length", None) in whole and schedule.key in ("cosine", "one_cycle"):
        schedule = replace(schedule, length=None)  # type: ignore[call-arg]
    return replace(plan, epochs=epochs, schedule=schedule).resolved(rows)


def _with_layers(plan: Plan, name: str, value: Any) -> Plan:
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


def _reencoded(prepared: Prepared, preprocessing: Any, plan: Plan) -> Prepared:
    if prepared.preparation.class_weight is not None:
        raise PlanError("preprocessing: cannot be changed in a trial where classes are weighted")
    chosen = replace(prepared.preparation.preprocessing, scaling=Preprocessing.of(preprocessing).scaling)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrecheWarning)  # said when the run was prepared
        return reencode(prepared, chosen, plan.loss)


def _weighted(prepared: Prepared, weights: Any) -> Prepared:
    if prepared.preparation.class_weight is not None:
        raise PlanError("class_weight: is given already")
    train = prepared.train
    count = apply_class_weights(weights, train.observations, prepared.labels, train.weights)
    return replace(prepared, train=Partition(train.observations, count))


def _trained(jobs: Sequence[Job], threads: int) -> list[Parameters | None]:
    """The weights each ends with; None of those that diverged."""
    if isinstance(jobs[0].plan.loss, CustomLoss):  # a function of Python: one by one
        return [_trained_alone(job, threads) for job in jobs]
    try:
        crew = Crew(jobs, threads)
    except PlanError:  # too many for the memory there is
        return [_trained_alone(job, threads) for job in jobs]
    crew.run()
    return [None if crew.status(n) == "diverged" else crew.parameters(n) for n in range(len(crew))]


def _trained_alone(job: Job, threads: int) -> Parameters | None:
    run = new_run(job.plan, job.rows, job.validation, threads)
    return None if run.run(poll=lambda: False) == "diverged" else run.parameters()


def _judged(setup: _Setup, weights: Parameters | None, measure: str) -> float:
    """How good a network is on the validation rows, or else on those it was trained on."""
    if weights is None:
        return 0.0 if measure == "balanced_accuracy" else float("inf")
    rows = setup.rows if setup.validation is None else setup.validation
    if measure == "balanced_accuracy":
        assert rows.classes is not None
        said = new_predictor(setup.plan, weights, 1).predict(rows.x).argmax(axis=1)
        return float(np.mean([(said[rows.classes == c] == c).mean() for c in np.unique(rows.classes)]))
    run = new_run(replace(setup.plan, early_stopping=None), rows, None, 1)
    run.set_parameters(weights)
    loss, metric = run.evaluate(rows.x, rows.classes, rows.targets, rows.weights)
    value = metric * setup.scale if measure == "rmse" else loss
    return float(value) if np.isfinite(value) else float("inf")
