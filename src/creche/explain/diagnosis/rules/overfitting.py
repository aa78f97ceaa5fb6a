"""Overfitting: the network learns its rows by heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["overfitting"]

RISE_OF_BASELINE = 0.1


RISE = 0.15


LAST = 5  # a fifth of the epochs: the rise has to last


LEAST_EPOCHS_AFTER = 5


WEIGHT_DECAY = 0.03


DROPOUT = 0.3


def overfitting(case: RunFacts) -> Symptom | None:
    """The validation loss rises, and stays up, while the training loss goes on falling."""
    if not case.has_curve or not case.history.has_validation or case.run.is_at_best:
        return None
    losses, best = case.watched, case.history.best_epoch
    late = losses[-max(len(losses) // LAST, 1) :]
    lowest, now = float(losses[best]), float(np.median(late))
    if len(losses) - 1 - best < max(LEAST_EPOCHS_AFTER, len(losses) // 10):
        return None
    rise = now - lowest
    if rise < RISE_OF_BASELINE * case.baseline or rise < RISE * lowest or late.min() < lowest + rise / 2:
        return None
    if float(np.median(case.train[-len(late) :])) >= case.train[best]:
        return None
    return Symptom(
        f"Overfitting since epoch {best + 1}",
        f"the validation loss was lowest in epoch {best + 1}, {lowest:.3g}, and is {now:.3g} in the last {len(late)} "
        f"of {len(losses)} epochs; the training loss went on falling, from {case.train[best]:.3g} to "
        f"{case.train[-1]:.3g}",
        "what the network still learns is about these rows and not about others; of those it is more and more sure",
        _cures(case),
    )


def _cures(case: RunFacts) -> list[Alternative]:
    found = []
    if case.plan.early_stopping is None:
        found.append(Alternative("stopping where the validation loss is lowest", {"early_stopping": 10}))
    if len(case.plan.network.layers) > 1 and not case.has_dropout:
        found.append(Alternative("dropout of 0.3", {"dropout": DROPOUT}))
    optimizer = case.plan.optimizer
    if optimizer.weight_decay < WEIGHT_DECAY:
        decayed = replace(optimizer, weight_decay=WEIGHT_DECAY)
        found.append(Alternative(f"weight decay of {WEIGHT_DECAY:g}", {"optimizer": decayed}))
    return found
