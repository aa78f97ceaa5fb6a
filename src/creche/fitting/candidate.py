"""Candidates: configurations trained on every fold, stopped at the epoch that is best for all folds together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.outcomes import RUNNING
from creche.engine.parameters import Parameters, count_numbers, parameter_shapes
from creche.fitting.configuration import Configuration
from creche.fitting.fold_tables import FoldTable, FoldTables
from creche.model.model import Model
from creche.plan.plan import Plan
from creche.table.split import hash_sequence

__all__ = [
    "Candidate",
    "Contender",
    "candidate_memory",
    "candidate_work",
    "count_fitting",
    "create_contender",
    "restore_candidate",
    "train_candidates",
]

# A configuration ends after this many times the epochs of the best one, and some more: the rule of Holzmüller et al.
# 2024, B.4, with less patience than their 3 and 10, which rarely find a better epoch.
PATIENCE_FACTOR, PATIENCE_EPOCHS = 2, 6

# In bytes, for the networks of one round and their rows; a configuration that takes more is a round of its own.
ROUND_MEMORY = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A configuration that has been trained on every fold.

    Attributes
    ----------
    number : int
        Its position among all configurations, from 0.
    configuration : Configuration
    loss : float
        The mean loss of the held-out rows at the best epoch; for regression in squared units of the label.
    epoch : int
        The best epoch, counted from 1.
    epochs_done : int
    models : list of Model
        The network of each fold at that epoch.
    predicted : (n, classes) or (n, labels) float64 array
        What these predict for the rows of `Judged`.
    losses : (epochs, 2) float64 array
        The mean loss of the training rows, and of the held-out rows, after each epoch.
    work : float
        The operations of its training, had it used all of its epochs.

    """

    number: int
    configuration: Configuration
    loss: float
    epoch: int
    epochs_done: int
    models: list[Model]
    predicted: NDArray[np.float64]
    losses: NDArray[np.float64]
    work: float


def candidate_work(configuration: Configuration, tables: FoldTables) -> float:
    """Return the operations it takes to train a configuration on every fold for all of its epochs."""
    rows = sum(len(fold.train) for fold in tables.folds)
    alone = replace(configuration, submodels=1)  # each submodel multiplies by the weights that all share
    return 6.0 * _count_parameters(alone, tables) * configuration.submodels * configuration.epochs * rows


def candidate_memory(configuration: Configuration, tables: FoldTables) -> int:
    """Return about how many bytes the networks of a configuration take in training."""
    # Weights, gradients and the state of AdamW, each with a copy from the beginning of the epoch, in lanes, some
    # of them empty; and twice more while networks that are stopped make place for the others.
    return 160 * _count_parameters(configuration, tables) * len(tables)


def count_fitting(configurations: Iterable[Configuration], tables: FoldTables) -> int:
    """Return how many of the first of these configurations one round can hold: at least one, if there are any."""
    taken = needed = 0
    encoded: set[str] = set()
    for configuration in configurations:
        needed += candidate_memory(configuration, tables)
        if (key := repr(configuration.preprocessing)) not in encoded:
            encoded.add(key)
            needed += tables.count_bytes(configuration.preprocessing)
        if taken and needed > ROUND_MEMORY:
            break
        taken += 1
    return taken


def _count_parameters(configuration: Configuration, tables: FoldTables) -> int:
    """Return the number of parameters of one network."""
    features = tables.first_encoders(configuration.preprocessing)
    return configuration.create_network(features, tables.outputs).parameters


@dataclass(slots=True, eq=False)
class Contender:
    """A configuration in training."""

    number: int
    configuration: Configuration
    tables: list[FoldTable]
    members: list[int]
    plans: list[Plan]
    loss: float = math.inf
    epoch: int = 0
    epochs_done: int = 0
    parameters: list[Parameters] = field(default_factory=list)
    losses: list[tuple[float, float]] = field(default_factory=list)

    @property
    def is_hopeless(self) -> bool:
        return self.epochs_done > PATIENCE_FACTOR * max(self.epoch, 1) + PATIENCE_EPOCHS


def train_candidates(
    tables: FoldTables,
    configurations: Sequence[tuple[int, Configuration]],
    seed: int,
    hardware: Hardware,
    *,
    epochs_allowed: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
    on_epoch: Callable[[float], object] | None = None,
) -> tuple[list[Candidate], int, bool]:
    """Train configurations on every fold in one colony.

    Each configuration ends with the weights of its best epoch: that with the lowest mean loss over the held-out rows of
    all folds, the last one of equals.

    Parameters
    ----------
    tables : FoldTables
    configurations : sequence of (int, Configuration)
        With their positions among all configurations, on which their seeds depend.
    seed : int
    hardware : Hardware
    epochs_allowed : int, optional
        End after this epoch: what an earlier call reached before its time was over.
    is_over : callable, optional
        Asked after each epoch whether to end.
    on_epoch : callable, optional
        Called with the share of the epochs that are done.

    Returns
    -------
    candidates : list of Candidate
        Without configurations that diverged.
    epochs : int
        The epochs done.
    interrupted : bool
        Whether Ctrl-C, or `is_over`, ended it.

    """
    jobs: list[Job] = []
    contenders = []
    for number, configuration in configurations:
        contender = create_contender(tables, number, configuration, seed, len(jobs))
        jobs += [
            Job(plan, table.rows, table.held_out) for plan, table in zip(contender.plans, contender.tables, strict=True)
        ]
        contenders.append(contender)
    crew = Crew(jobs, hardware)
    epochs = max(configuration.epochs for _, configuration in configurations)
    last = epochs if epochs_allowed is None else min(epochs, epochs_allowed)
    done, interrupted = 0, False
    active = contenders
    try:
        while done < last and active:
            crew.run(done + 1)
            done += 1  # from here on, the epoch counts
            _judge(active, crew, tables, done)
            stopped = [n for each in active if each.is_hopeless for n in each.members]
            if any(crew.status(n) == RUNNING for n in stopped):
                crew.stop(stopped)
            active = [each for each in active if any(crew.status(n) == RUNNING for n in each.members)]
            if on_epoch is not None:
                on_epoch(done / last)
            if done < last and is_over():
                interrupted = True
                break
    except KeyboardInterrupt:
        interrupted = True
        # It may have come in the middle of this.
        _judge([each for each in active if each.epochs_done < done], crew, tables, done)
    candidates = [_finish(each, tables, hardware.threads) for each in contenders if each.parameters]
    return candidates, done, interrupted


def restore_candidate(
    tables: FoldTables,
    numbered: tuple[int, Configuration],
    seed: int,
    hardware: Hardware,
    *,
    parameters: NDArray[Any],
    losses: NDArray[np.float64],
    loss: float,
    epoch: int,
    epochs_done: int,
) -> Candidate:
    """Return a candidate that was trained before, from the parameters of its networks.

    Parameters
    ----------
    tables, numbered, seed, hardware
        As for `train_candidates`.
    parameters : (n,) array
        The parameters of all folds' networks, one after another, each as `Parameters.flatten` orders them.
    losses, loss, epoch, epochs_done
        As `Candidate` has them.

    Raises
    ------
    ValueError
        If they do not fit the networks, or are not finite.

    """
    contender = create_contender(tables, *numbered, seed, 0)
    shapes = [parameter_shapes(plan) for plan in contender.plans]
    ends = np.cumsum([count_numbers(each) for each in shapes])
    if parameters.shape != (ends[-1],) or parameters.dtype != tables.precision or not np.isfinite(parameters).all():
        raise ValueError(f"configuration {numbered[0]} has other parameters than its networks")
    if losses.shape != (epochs_done, 2) or losses.dtype != np.float64 or not 1 <= epoch <= epochs_done:
        raise ValueError(f"configuration {numbered[0]} has {len(losses)} losses of {epochs_done} epochs")
    parts = zip(np.split(parameters, ends[:-1]), shapes, strict=True)
    contender.parameters = [Parameters.of_vectors(numbers, each) for numbers, each in parts]
    contender.loss, contender.epoch, contender.epochs_done = loss, epoch, epochs_done
    contender.losses = [(train, held_out) for train, held_out in losses.tolist()]
    return _finish(contender, tables, hardware.threads)


def create_contender(
    tables: FoldTables, number: int, configuration: Configuration, seed: int, first_member: int
) -> Contender:
    """Return a configuration before its first epoch, whose networks have numbers of a crew from `first_member` on."""
    encoded = tables.encode(configuration.preprocessing)
    seeds = hash_sequence(seed * 1_000_003 + number, len(encoded)) >> np.uint64(1)
    plans = []
    for table, fold_seed in zip(encoded, seeds.tolist(), strict=True):
        labels = table.prepared.labels
        plan = configuration.create_plan(
            table.prepared.features, labels.outputs(tables.loss), table.prepared.task, tables.loss, tables.precision,
            fold_seed,
        ).resolved(len(table.rows))  # fmt: skip
        plans.append(plan)
    members = list(range(first_member, first_member + len(plans)))
    return Contender(number, configuration, encoded, members, plans)


def _judge(contenders: Sequence[Contender], crew: Crew, tables: FoldTables, epochs: int) -> None:
    """Note the joint losses after an epoch, and keep the weights of those for which it is the lowest."""
    learning = [each for each in contenders if each.epochs_done < each.configuration.epochs]
    outcomes = crew.outcomes(n for each in learning for n in each.members)
    for contender in learning:
        if (outcomes.epoch[contender.members] < epochs).any():  # one has diverged
            contender.epochs_done = epochs
            continue
        loss = train_loss = 0.0
        for member, table, weight in zip(contender.members, contender.tables, tables.judged.fold_weights, strict=True):
            if weight == 0.0:  # no row of the fold counts
                continue
            unit = _loss_unit(table, tables)
            loss += weight * float(outcomes.validation_loss[member]) * unit
            train_loss += weight * float(outcomes.train_loss[member]) * unit
        if loss <= contender.loss:  # the last of equals; False for what is not finite
            contender.parameters = [crew.parameters(member).copy() for member in contender.members]
            contender.loss, contender.epoch = loss, epochs
        contender.losses.append((train_loss, loss))
        contender.epochs_done = epochs


def _loss_unit(table: FoldTable, tables: FoldTables) -> float:
    """Return the factor that makes losses of several folds comparable: each fold standardizes its labels."""
    labels = table.prepared.labels
    if labels.classes is not None or not tables.loss.standardizes_labels:
        return 1.0
    power = tables.loss.unit_power  # by products, whose bits do not depend on the machine
    return sum(math.prod((scale,) * power) for scale in labels.scale) / len(labels.scale)


def _finish(contender: Contender, tables: FoldTables, threads: int) -> Candidate:
    models, predicted = [], []
    for plan, table, parameters in zip(contender.plans, contender.tables, contender.parameters, strict=True):
        prepared = table.prepared
        model = Model(plan, prepared.features, prepared.labels, parameters, threads)
        models.append(model)
        predicted.append(model.predict_encoded(table.held_out.x).astype(np.float64))
    return Candidate(
        contender.number, contender.configuration, contender.loss, contender.epoch, contender.epochs_done, models,
        np.concatenate(predicted), np.array(contender.losses), candidate_work(contender.configuration, tables),
    )  # fmt: skip
