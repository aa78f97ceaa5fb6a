"""The learning rate and how long it was followed: too high, too low, too short."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.changes import default_rate, lower_rates
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["rate_too_high", "rate_too_low", "too_short"]

# Too high. Shares of the loss of saying the same of every row, so that noise around a small loss is no matter.
RISES = 1 / 3  # of the epochs of the second half


RISE_OF_BASELINE = 0.03


LEVEL_OF_BASELINE = 0.1


LARGE_UPDATE = 0.003  # of the weights, in one step: what is calmer does not bounce


# Too low: nearly as fast in the second half as in the first, and little reached.
STRETCHES = 5


STRAIGHT = 0.35


LITTLE_REACHED = 0.5


# Too short: what the last quarter of the run still gained.
GAIN_OF_BASELINE = 0.02


GAIN = 0.06


def rate_too_high(case: RunFacts) -> Symptom | None:
    """The loss goes up and down by much, and does not come down."""
    # Dropout makes the training loss of single epochs noisy.
    losses = case.watched if case.has_dropout else case.train
    if not case.has_curve or (case.has_dropout and not case.history.has_validation):
        return None
    late = losses[len(losses) // 2 :]
    changes = np.diff(late)
    rises = changes[changes > 0]
    level = float(np.median(late))
    if len(rises) < RISES * len(changes) or level < LEVEL_OF_BASELINE * case.baseline:
        return None
    if rises.mean() < RISE_OF_BASELINE * case.baseline:
        return None
    update = case.update_ratio()
    if update is not None and update < LARGE_UPDATE:
        return None
    seen = "" if update is None else f"; one step changed {update:.2g} of a layer's weights (median)"
    which = "validation" if losses is case.watched and case.history.has_validation else "training"
    return Symptom(
        "The learning rate is too high",
        f"the {which} loss rose in {len(rises)} of the last {len(changes)} epochs, by {rises.mean():.2g} on average, "
        f"around a level of {level:.3g}{seen}",
        "steps are so long that they jump across the valley instead of going down into it",
        lower_rates(case, 3, 10, 100),
        is_forecast=True,
    )


def rate_too_low(case: RunFacts) -> Symptom | None:
    """The loss falls all the time in nearly a straight line, and has not come far."""
    if not case.has_curve:
        return None
    means = _means(case.watched, STRETCHES)
    if not _falls(means) or not _falls(_means(case.train, STRETCHES)):
        return None
    middle = case.watched[len(case.watched) // 2]
    early, late = case.watched[0] - middle, middle - case.watched[-1]
    if late < STRAIGHT * early or case.watched[-1] < LITTLE_REACHED * case.baseline:
        return None
    update = case.update_ratio()
    seen = "" if update is None else f"; one step changed {update:.1g} of a layer's weights (median)"
    more = _more_epochs(case, 5)
    return Symptom(
        "The learning rate is too low",
        f"the {case.judged_by} loss fell in every fifth of the run, from {case.watched[0]:.4g} to "
        f"{case.watched[-1]:.4g}, and in the second half by {late:.2g} after {early:.2g} in the first; saying the same "
        f"of every row has a loss of {case.baseline:.3g}{seen}",
        "the network is still at the beginning of its way: steps are too short for so few of them",
        [*lower_rates(case, 1 / 3, 1 / 10, 1 / 100), *default_rate(case), *more],
        is_forecast=True,
    )


def too_short(case: RunFacts) -> Symptom | None:
    """The validation loss was still falling steadily when training ended."""
    if not case.has_curve or not case.history.has_validation or case.run.status == "early_stopped":
        return None
    if rate_too_low(case) is not None:
        return None
    losses = case.watched
    quarter = max(len(losses) // 4, 6)
    width = max(quarter // 4, 1)
    before, after = float(losses[-quarter:][:width].mean()), float(losses[-width:].mean())
    gain = before - after
    if gain < GAIN_OF_BASELINE * case.baseline or gain < GAIN * before:
        return None
    if not _falls(_means(losses[-quarter:], 3)) or losses[-width:].min() > losses.min():
        return None
    return Symptom(
        "Training ended too early",
        f"in the last {quarter} of {len(losses)} epochs the validation loss still fell from {before:.3g} to "
        f"{after:.3g}, by {100 * gain / before:.0f} %",
        "the network had not learnt all it can learn from these rows",
        [*_more_epochs(case, 3), *lower_rates(case, 1 / 3)],
        is_forecast=True,
    )


def _more_epochs(case: RunFacts, times: int) -> list[Alternative]:
    return [Alternative(f"{times} times as many epochs", {"epochs": times * case.epochs})]


def _means(losses: NDArray[np.float64], stretches: int) -> list[float]:
    return [float(stretch.mean()) for stretch in np.array_split(losses, min(stretches, len(losses)))]


def _falls(means: list[float]) -> bool:
    return all(after < before for before, after in pairwise(means))
