"""Verdicts on runs that began at one start: whether the learning rate was too low, good or too high, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["RunVerdict", "VerdictWord", "judge_run"]

VerdictWord = Literal["diverged", "too high", "good", "too low", "worse"]

Array = NDArray[np.float64]

# Shares of the loss of the best constant prediction.
NEAR = 0.05  # how close to the lowest loss of all runs a good one ends
FALLING = 0.02  # a fall in the last quarter that counts
FAST = 0.1  # a fall in the last quarter after which no run has ended yet, not even the best one
JUMPS = 0.05  # the mean rise of a curve that jumps up and down
NOTHING = 0.05  # a gain over the constant prediction that is none

HARDLY = 0.1  # the share of the loss at the start by which a run must move it, to have moved it
ABOVE = 1.2  # times the loss at the start, which good steps do not exceed
RISING = 1 / 3  # the share of steps upwards in a curve that jumps
STRETCHES, LAST_STRETCHES = 24, 4  # of the second half and of the last quarter of a curve, whose means are compared


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """What became of a run, beside others from the same start.

    Attributes
    ----------
    word : {"diverged", "too high", "good", "too low", "worse"}
        "worse" if it ended well above the best without a sign that the learning rate is to blame.
    reason : str
        What the curve of its losses shows.

    """

    word: VerdictWord
    reason: str

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


def judge_run(losses: Array, lowest: float, constant: float, *, diverged_in: int | None = None) -> RunVerdict:
    """Judge the losses of a run.

    Parameters
    ----------
    losses : (kept,) float64
        The loss on all training rows along the run, from the start to the end.
    lowest : float
        The lowest final loss of all the runs.
    constant : float
        The loss of the best constant prediction.
    diverged_in : int, optional
        The epoch, counted from 1, in which the loss was no longer finite.

    Examples
    --------
    >>> epochs = np.arange(100)
    >>> judge_run(1.1 * 0.9**epochs, 0.0, 1.1).word, judge_run(1.1 - 0.003 * epochs, 0.0, 1.1).word
    ('good', 'too low')

    """
    start, end = float(losses[0]), float(losses[-1])
    if diverged_in is not None or not np.isfinite(losses).all():
        when = "" if diverged_in is None else f" in epoch {diverged_in}"
        return RunVerdict("diverged", f"the loss stopped being finite{when}")
    late = _stretches(losses)
    changes = np.diff(late)
    rises = changes[changes > 0]
    if end >= start:
        return RunVerdict("too high", f"its final loss, {end:.3g}, is higher than its initial loss, {start:.3g}")
    jumps = len(rises) >= RISING * len(changes) and len(rises) > 1 and rises.mean() >= JUMPS * constant
    if jumps:
        return RunVerdict("too high", f"the loss went up and down between {late.min():.3g} and {late.max():.3g}")
    fall, is_steady = _last_fall(losses)
    if start - float(losses.min()) < HARDLY * start and is_steady:
        return RunVerdict("too low", f"the loss hardly changed, from {start:.3g} to {end:.3g}")
    if fall > FAST * constant and is_steady:
        return RunVerdict("too low", _still_falling(fall, end))
    if end <= lowest + NEAR * max(constant - lowest, 0.0):
        falling = f", and still falling by {fall:.2g}" if fall > FALLING * constant and is_steady else ""
        if end <= lowest:
            return RunVerdict("good", f"its final loss, {end:.3g}, is the lowest{falling}")
        near = f"near the lowest, {lowest:.3g} (that of a constant prediction is {constant:.3g})"
        return RunVerdict("good", f"its final loss, {end:.3g}, is {near}{falling}")
    if losses.max() > ABOVE * start:
        return RunVerdict("too high", f"the loss jumped to {losses.max():.3g}, and ended at {end:.3g}")
    if end > constant - NOTHING * constant and not is_steady:
        return RunVerdict("too high", f"it got stuck at {end:.3g}, no better than a constant prediction")
    if fall > FALLING * constant and is_steady:
        return RunVerdict("too low", _still_falling(fall, end))
    return RunVerdict("worse", f"it levelled off at {end:.3g}, above the lowest loss of {lowest:.3g}")


def _still_falling(fall: float, end: float) -> str:
    return f"still falling when it ended, by {fall:.2g} in the last quarter, to {end:.3g}"


def _stretches(losses: Array) -> Array:
    """Return the means of stretches of the second half of a curve, so that single steps do not count."""
    return _means(losses[len(losses) // 2 :], STRETCHES)


def _last_fall(losses: Array) -> tuple[float, bool]:
    """Return by how much a curve falls in its last quarter, and whether it falls all the time there."""
    quarter = losses[-max(len(losses) // 4, 2) :]
    return float(quarter[0] - quarter[-1]), bool((np.diff(_means(quarter, LAST_STRETCHES)) < 0).all())


def _means(losses: Array, stretches: int) -> Array:
    return np.array([stretch.mean() for stretch in np.array_split(losses, min(stretches, len(losses)))])
