"""What a loss is to be compared with: that of networks that were not trained, and that of saying always the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew, Job
from creche.engine.native import Rows
from creche.model_selection.jobs import Jobs
from creche.plan.arguments import OPTIMIZER_FIELDS
from creche.plan.network import Network
from creche.plan.optimizers import Adam

__all__ = ["Baselines", "train_baselines"]

ROWS_OF_CONSTANT, EPOCHS_OF_CONSTANT = 1_000_000, 30


RATE_OF_CONSTANT = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Baselines:
    """Losses of networks that have learnt nothing.

    Attributes
    ----------
    untrained : (seeds,) float64
        The loss on the training rows with the initial weights of each seed, dropout and all.
    untrained_watched : (seeds,) float64
        The validation loss, or, without validation rows, the same.
    constant : float
        Validation loss (or training loss) of the best prediction that is the same for all rows.

    """

    untrained: NDArray[np.float64]
    untrained_watched: NDArray[np.float64]
    constant: float


def train_baselines(jobs: Jobs, seeds: range, threads: int) -> Baselines:
    """Trains networks with a learning rate of 0, and one that sees no feature."""
    # One epoch with the rate 0 changes nothing, and records the losses as those of training are recorded.
    still: dict[str, Any] = {"learning_rate": 0.0, "epochs": 1, "schedule": "constant", "early_stopping": None}
    plan, _ = jobs.planned(still)
    crew = Crew([jobs.job(replace(plan, seed=seed), still) for seed in seeds], threads)
    crew.run()
    train, watched = zip(*(_last(crew, number) for number in range(len(crew))), strict=True)
    blind = Crew([_blind(jobs)], threads)
    blind.run()
    return Baselines(np.array(train), np.array(watched), float(_last(blind, 0)[1]))


def _last(crew: Crew, number: int) -> tuple[float, float]:
    """The training loss and the watched loss of the last epoch; infinite where they are not finite."""
    history = crew.history(number)
    watched = "train_loss" if crew.jobs[number].validation is None else "validation_loss"
    losses = [float(history[name][-1]) if len(history[name]) else np.inf for name in ("train_loss", watched)]
    return losses[0], float(np.nan_to_num(losses[1], nan=np.inf))


def _blind(jobs: Jobs) -> Job:
    """A network whose only input is always 0, so that its biases alone can learn: the best constant, for any loss."""
    choice: dict[str, Any] = {
        "hidden": [], "activation": "relu", "dropout": 0.0, "initializer": None, "optimizer": "adam",
        "learning_rate": RATE_OF_CONSTANT, "schedule": "cosine", "early_stopping": None,
        **dict.fromkeys(OPTIMIZER_FIELDS),
    }  # fmt: skip
    plan, _ = jobs.planned(choice)
    job = jobs.job(plan, choice)
    targets = job.rows.targets
    size = 1.0 if targets is None else max(1.0, float(np.abs(targets).max()))
    plan = replace(
        plan,
        network=Network.of(1, [], plan.network.outputs),
        optimizer=Adam(learning_rate=RATE_OF_CONSTANT * size),
        batch_size=min(plan.batch_size, 32),
        epochs=max(1, min(EPOCHS_OF_CONSTANT, ROWS_OF_CONSTANT // len(job.rows))),
        schedule="cosine",  # type: ignore[arg-type]  # words become objects
    ).resolved(len(job.rows))
    return Job(plan, _unseen(job.rows), None if job.validation is None else _unseen(job.validation))


def _unseen(rows: Rows) -> Rows:
    return replace(rows, x=np.zeros((len(rows), 1), dtype=rows.x.dtype))
