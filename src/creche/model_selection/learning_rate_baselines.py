"""Baselines for a loss: the loss of untrained networks, and that of the best constant prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows, as_rows
from creche.model_selection.jobs import Jobs
from creche.plan.arguments import OPTIMIZER_FIELDS
from creche.plan.network import Network
from creche.plan.optimizers import Adam

__all__ = ["Baselines", "train_baselines"]

CONSTANT_ROWS, CONSTANT_EPOCHS = 1_000_000, 30  # that a constant is trained on at most
CONSTANT_LEARNING_RATE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Baselines:
    """Losses of networks that have learnt nothing from the features.

    Attributes
    ----------
    untrained_train : (seeds,) float64
        The training loss with the initial weights of each seed, with dropout.
    untrained : (seeds,) float64
        The validation loss with the initial weights of each seed; the training loss without validation rows.
    constant : float
        The validation (or training) loss of the best prediction that is the same for all rows.

    """

    untrained_train: NDArray[np.float64]
    untrained: NDArray[np.float64]
    constant: float


def train_baselines(jobs: Jobs, seeds: range, hardware: Hardware) -> Baselines:
    """Train networks with a learning rate of 0, and one without features."""
    # An epoch with a learning rate of 0 changes nothing, and records the losses in the same way as training does.
    frozen: dict[str, Any] = {"learning_rate": 0.0, "epochs": 1, "schedule": "constant", "early_stopping": False}
    plan, _ = jobs.create_plan(frozen)
    untrained = Crew([jobs.create_job(replace(plan, seed=seed), frozen) for seed in seeds], hardware)
    untrained.run()
    train, compared = zip(*(_final_losses(untrained, number) for number in range(len(untrained))), strict=True)
    constant = Crew([_create_constant_job(jobs)], hardware)
    constant.run()
    return Baselines(np.array(train), np.array(compared), float(_final_losses(constant, 0)[1]))


def _final_losses(crew: Crew, number: int) -> tuple[float, float]:
    """Return the training loss and the validation (or training) loss of the last epoch; infinite if not finite."""
    history = crew.history(number)
    compared = "train_loss" if crew.jobs[number].validation is None else "validation_loss"
    losses = [float(history[name][-1]) if len(history[name]) else np.inf for name in ("train_loss", compared)]
    return losses[0], float(np.nan_to_num(losses[1], nan=np.inf))


def _create_constant_job(jobs: Jobs) -> Job:
    """Return the job of a network whose only input is always 0: its biases become the best constant, for any loss."""
    choice: dict[str, Any] = {
        "hidden": [], "activation": "relu", "dropout": 0.0, "initializer": None, "optimizer": "adam",
        "learning_rate": CONSTANT_LEARNING_RATE, "schedule": "cosine", "early_stopping": False, "keep": "last",
        **dict.fromkeys(OPTIMIZER_FIELDS),
    }  # fmt: skip
    plan, _ = jobs.create_plan(choice)
    job = jobs.create_job(plan, choice)
    rows = _without_features(job.rows)
    validation = None if job.validation is None else _without_features(job.validation)
    targets = rows.targets
    scale = 1.0 if targets is None else max(1.0, float(np.abs(targets).max()))
    plan = replace(
        plan,
        network=Network.of(1, [], plan.network.outputs),
        optimizer=Adam(learning_rate=CONSTANT_LEARNING_RATE * scale),
        batch_size=min(plan.batch_size, 32),
        epochs=max(1, min(CONSTANT_EPOCHS, CONSTANT_ROWS // len(rows))),
        schedule="cosine",  # type: ignore[arg-type]  # a plan turns words into objects
        label_smoothing_schedule="constant",  # type: ignore[arg-type]
    ).resolved(len(rows))
    return Job(plan, rows, validation)


def _without_features(rows: Rows | StoredRows) -> Rows:
    """Return rows with a single input, which is 0: few bytes, so that they are in memory in any case."""
    labels = as_rows(rows)
    targets = None if labels.targets is None else np.ascontiguousarray(labels.targets)
    return replace(labels, x=np.zeros((len(labels), 1), dtype=labels.x.dtype), targets=targets)
