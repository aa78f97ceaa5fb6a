"""Overfitting: the network memorizes its training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_overfitting"]

# How far the validation loss must rise: as a share of the baseline's loss and of its own minimum.
RISE_OF_BASELINE = 0.1
RISE = 0.15

LAST = 5  # the rise must last for a fifth of the epochs
MIN_EPOCHS_AFTER_BEST = 5

WEIGHT_DECAY = 0.03
DROPOUT = 0.3


def find_overfitting(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the validation loss rises and stays up while the training loss goes on falling."""
    if not facts.has_curve or not facts.history.has_validation or facts.run.is_at_best:
        return None
    losses, best = facts.watched, facts.history.best_epoch
    late = losses[-max(len(losses) // LAST, 1) :]
    lowest, now = float(losses[best]), float(np.median(late))
    if len(losses) - 1 - best < max(MIN_EPOCHS_AFTER_BEST, len(losses) // 10):
        return None
    rise = now - lowest
    if rise < RISE_OF_BASELINE * facts.baseline or rise < RISE * lowest or late.min() < lowest + rise / 2:
        return None
    if float(np.median(facts.train[-len(late) :])) >= facts.train[best]:
        return None
    return Symptom(
        f"Overfitting since epoch {best + 1}",
        f"the validation loss was lowest in epoch {best + 1}, at {lowest:.3g}, and is {now:.3g} in the last "
        f"{len(late)} of {len(losses)} epochs; the training loss fell further, from {facts.train[best]:.3g} to "
        f"{facts.train[-1]:.3g}",
        "what the network learns from then on applies to the training rows only, and it becomes overconfident on "
        "others",
        _alternatives(facts),
    )


def _alternatives(facts: RunFacts) -> list[Alternative]:
    alternatives = []
    if facts.plan.keep == "last":
        kept = {"early_stopping": 10, "keep": "best"}
        alternatives.append(Alternative("stopping early, at the lowest validation loss", kept))
    if len(facts.plan.network.layers) > 1 and not facts.has_dropout:
        alternatives.append(Alternative(f"dropout of {DROPOUT:g}", {"dropout": DROPOUT}))
    optimizer = facts.plan.optimizer
    if optimizer.weight_decay < WEIGHT_DECAY:
        decayed = replace(optimizer, weight_decay=WEIGHT_DECAY)
        alternatives.append(Alternative(f"weight decay of {WEIGHT_DECAY:g}", {"optimizer": decayed}))
    return alternatives
