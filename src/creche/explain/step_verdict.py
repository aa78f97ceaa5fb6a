"""Where a step of gradient descent would land on a curve of the loss, and whether its learning rate suits the curve."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError

__all__ = ["Landing", "choose_rates", "find_valley", "judge_step", "parse_rates"]

NOISE = 1e-6  # of the loss: float32 knows no finer differences


RISE = 0.05  # of the drop: how far the loss must rise again before the valley is behind


LEVEL = 1e-4  # of the drop: what it hardly falls any more by


NEAR = 0.1  # of the drop: how near to the valley's loss a good step comes


SHORT = 0.1  # of the good rate


OVER = 0.25  # of the drop, or of the wall at the bottom of a valley: how much higher than before overshooting ends


Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Landing:
    """Where one step with one learning rate lands: w - η g.

    Attributes
    ----------
    learning_rate : float
        η.
    at : float
        The weight after the step.
    loss : float
        There, all other weights as they are.
    verdict : {"too low", "good", "overshooting", "no step"}
        "good" if the step gains nine tenths of what the valley downhill has to give, or more; else "too low" if it
        lands short of the valley's lowest point, "overshooting" if beyond it. "no step" where the gradient is 0.

    """

    learning_rate: float
    at: float
    loss: float
    verdict: str


def parse_rates(given: Any) -> list[float] | None:
    """Learning rates as a user gives them: one or several; None for those that suit the curve.

    Raises
    ------
    PlanError
        If one is no number above 0.

    """
    if given is None:
        return None
    if isinstance(given, np.ndarray):
        given = given.tolist()
    several = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    for rate in several:
        if isinstance(rate, bool) or not isinstance(rate, numbers.Real) or not 0 < float(rate) < math.inf:
            raise PlanError(f"learning_rate: got {rate!r}; needs a number above 0, or several")
    return list(dict.fromkeys(map(float, several)))


def find_valley(weights: Array, losses: Array, here: int, gradient: float) -> int:
    """The place of the valley's lowest point, walking downhill from `here` until the loss rises again.

    Where the loss only levels off, the place from which it hardly falls any more. `here`, if downhill there is nothing
    to gain.
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


def judge_step(at: float, loss: float, start: tuple[float, float], valley: tuple[float, float]) -> str:
    """What to say of a step from `start` to (`at`, `loss`), each a weight and its loss, near a `valley`."""
    (begin, before), (bottom, lowest) = start, valley
    if at == begin:
        return "no step"
    if math.isfinite(loss) and loss <= lowest + max(NEAR * (before - lowest), NOISE * abs(before)):
        return "good"
    return "too low" if bottom != begin and abs(at - begin) < abs(bottom - begin) else "overshooting"


def choose_rates(weights: Array, losses: Array, here: int, gradient: float) -> list[float]:
    """A rate too low, a good one and one that overshoots, as far as the curve has them, to two digits."""
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
