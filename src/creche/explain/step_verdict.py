"""Where a step of gradient descent would land on a curve of the loss, and whether its learning rate is good there."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError

__all__ = ["JudgedStep", "choose_rates", "find_valley", "judge_step", "parse_rates"]

NOISE = 1e-6  # as a share of the loss: float32 has no finer differences

# Shares of the drop from the current loss to that of the valley.
RISE = 0.05  # how far the loss must rise again for the valley to end
LEVEL = 1e-4  # a fall that no longer counts
NEAR = 0.1  # how close to the valley's loss a good step comes
OVER = 0.25  # how far above the current loss the suggested overshooting step ends

SHORT = 0.1  # the suggested low rate, as a share of the good one


Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """Where one step with one learning rate lands: w - η g.

    Attributes
    ----------
    learning_rate : float
        η, the learning rate of the step.
    weight : float
        The weight after the step.
    loss : float
        The loss after the step, with all other weights unchanged.
    verdict : {"too low", "good", "overshooting", "no step"}
        "good" if the step gains at least nine tenths of the drop to the valley's lowest point; otherwise "too low" if
        it lands short of that point, and "overshooting" if beyond it. "no step" where the gradient is 0.

    """

    learning_rate: float
    weight: float
    loss: float
    verdict: str


def parse_rates(rates: Any) -> list[float] | None:
    """Return a user's learning rates, one or several, as a list; None stays None.

    Raises
    ------
    PlanError
        If one is not a number above 0.

    """
    if rates is None:
        return None
    if isinstance(rates, np.ndarray):
        rates = rates.tolist()
    several = list(rates) if isinstance(rates, Sequence) and not isinstance(rates, str) else [rates]
    for rate in several:
        if isinstance(rate, bool) or not isinstance(rate, numbers.Real) or not 0 < float(rate) < math.inf:
            raise PlanError(f"learning_rate: got {rate!r}; needs a number above 0, or several")
    return list(dict.fromkeys(map(float, several)))


def find_valley(weights: Array, losses: Array, here: int, gradient: float) -> int:
    """Return the place of the valley's lowest point, going downhill from `here` until the loss rises again.

    Where the loss only levels off, it is the place from which the loss hardly falls. It is `here` if nothing can be
    gained downhill.
    """
    downhill = np.arange(here, -1, -1) if gradient > 0 else np.arange(here, len(weights))
    if gradient == 0:
        return here
    walked = losses[downhill]
    lowest = np.minimum.accumulate(walked)
    noise = NOISE * abs(walked[0])
    rises = np.flatnonzero(walked > lowest + RISE * (walked[0] - lowest) + noise)
    if len(rises):
        walked = walked[: rises[0]]
    drop = walked[0] - walked.min()
    if drop <= noise:
        return here
    return int(downhill[np.argmax(walked <= walked.min() + LEVEL * drop)])


def judge_step(weight: float, loss: float, start: tuple[float, float], valley: tuple[float, float]) -> str:
    """Return the verdict on a step from `start` to (`weight`, `loss`) near a `valley`; points are (weight, loss)."""
    (begin, before), (bottom, lowest) = start, valley
    if weight == begin:
        return "no step"
    if math.isfinite(loss) and loss <= lowest + max(NEAR * (before - lowest), NOISE * abs(before)):
        return "good"
    return "too low" if bottom != begin and abs(weight - begin) < abs(bottom - begin) else "overshooting"


def choose_rates(weights: Array, losses: Array, here: int, gradient: float) -> list[float]:
    """Return a rate that is too low, a good one and one that overshoots, if the curve has them, to two digits."""
    valley = find_valley(weights, losses, here, gradient)
    if gradient == 0:
        return []
    rates = []
    if valley != here:
        good = (weights[here] - weights[valley]) / gradient
        rates += [SHORT * good, good]
    beyond = np.arange(valley, -1, -1) if gradient > 0 else np.arange(valley, len(weights))
    drop = losses[here] - losses[valley]
    rise = OVER * (drop if drop > 0 else float(losses.max() - losses[here]))
    high = beyond[losses[beyond] >= losses[here] + rise] if rise > 0 else []
    if len(high):
        rates.append((weights[here] - weights[high[0]]) / gradient)
    return [float(f"{rate:.2g}") for rate in rates]
