"""A learning rate that is too high or too low, and training that ended too early."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.alternatives import default_learning_rate, divide_learning_rate
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_learning_rate_too_high", "find_learning_rate_too_low", "find_too_few_epochs"]

# Losses are compared with the loss of the best constant prediction (the baseline), so that noise around a small loss
# does not count.

# Too high: the share of rising epochs in the second half, their mean rise and the loss itself as shares of the
# baseline, and the share of the weights that one step changes.
RISING_EPOCHS = 1 / 3
RISE_OF_BASELINE = 0.03
LEVEL_OF_BASELINE = 0.1
LARGE_UPDATE = 0.003

# Too low: the loss falls in every fifth of the run, in the second half nearly as fast as in the first, and stays high.
STRETCHES = 5
STRAIGHT = 0.35
HIGH_LOSS = 0.5

# Too few epochs: how far the loss still fell in the last quarter, as a share of the baseline and of the loss before.
GAIN_OF_BASELINE = 0.02
GAIN = 0.06


def find_learning_rate_too_high(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the loss goes up and down widely without falling."""
    # Dropout makes the training loss of single epochs noisy.
    losses = facts.watched if facts.has_dropout else facts.train
    if not facts.has_curve or (facts.has_dropout and not facts.history.has_validation):
        return None
    late = losses[len(losses) // 2 :]
    changes = np.diff(late)
    rises = changes[changes > 0]
    level = float(np.median(late))
    if len(rises) < RISING_EPOCHS * len(changes) or level < LEVEL_OF_BASELINE * facts.baseline:
        return None
    if rises.mean() < RISE_OF_BASELINE * facts.baseline:
        return None
    update = facts.update_ratio()
    if update is not None and update < LARGE_UPDATE:
        return None
    step = "" if update is None else f"; one step changed a layer's weights by {100 * update:.2g} % (median)"
    which = "validation" if losses is facts.watched and facts.history.has_validation else "training"
    return Symptom(
        "The learning rate is too high",
        f"the {which} loss rose in {len(rises)} of the last {len(changes)} epochs, by {rises.mean():.2g} on average, "
        f"around a level of {level:.3g}{step}",
        "steps are so long that they jump across the minimum instead of descending to it",
        divide_learning_rate(facts, 3, 10, 100),
        is_forecast=True,
    )


def find_learning_rate_too_low(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the loss falls steadily, in nearly a straight line, and is still high."""
    if not facts.has_curve:
        return None
    means = _stretch_means(facts.watched, STRETCHES)
    if not _is_falling(means) or not _is_falling(_stretch_means(facts.train, STRETCHES)):
        return None
    middle = facts.watched[len(facts.watched) // 2]
    early, late = facts.watched[0] - middle, middle - facts.watched[-1]
    if late < STRAIGHT * early or facts.watched[-1] < HIGH_LOSS * facts.baseline:
        return None
    update = facts.update_ratio()
    step = "" if update is None else f"; one step changed a layer's weights by {100 * update:.1g} % (median)"
    more = _multiply_epochs(facts, 5)
    return Symptom(
        "The learning rate is too low",
        f"the {facts.evaluated_on} loss fell throughout the run, from {facts.watched[0]:.4g} to "
        f"{facts.watched[-1]:.4g}: by {early:.2g} in the first half and by {late:.2g} in the second; the best constant "
        f"prediction has a loss of {facts.baseline:.3g}{step}",
        "training has hardly begun: the steps are too short, or too few",
        [*divide_learning_rate(facts, 1 / 3, 1 / 10, 1 / 100), *default_learning_rate(facts), *more],
        is_forecast=True,
    )


def find_too_few_epochs(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the validation loss was still falling steadily when training ended."""
    if not facts.has_curve or not facts.history.has_validation or facts.run.status == "early_stopped":
        return None
    if find_learning_rate_too_low(facts) is not None:
        return None
    losses = facts.watched
    quarter = max(len(losses) // 4, 6)
    width = max(quarter // 4, 1)
    before, after = float(losses[-quarter:][:width].mean()), float(losses[-width:].mean())
    gain = before - after
    if gain < GAIN_OF_BASELINE * facts.baseline or gain < GAIN * before:
        return None
    if not _is_falling(_stretch_means(losses[-quarter:], 3)) or losses[-width:].min() > losses.min():
        return None
    return Symptom(
        "Training ended too early",
        f"in the last {quarter} of {len(losses)} epochs the validation loss still fell from {before:.3g} to "
        f"{after:.3g}, by {100 * gain / before:.0f} %",
        "the network could learn more from these rows",
        [*_multiply_epochs(facts, 3), *divide_learning_rate(facts, 1 / 3)],
        is_forecast=True,
    )


def _multiply_epochs(facts: RunFacts, times: int) -> list[Alternative]:
    return [Alternative(f"{times} times as many epochs", {"epochs": times * facts.epochs})]


def _stretch_means(losses: NDArray[np.float64], stretches: int) -> list[float]:
    return [float(stretch.mean()) for stretch in np.array_split(losses, min(stretches, len(losses)))]


def _is_falling(means: list[float]) -> bool:
    return all(after < before for before, after in pairwise(means))
