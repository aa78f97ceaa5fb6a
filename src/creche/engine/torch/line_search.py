"""The steps of L-BFGS: whether the point that was tried is accepted, and which one is tried next.

core/engines/line_search.hpp has the rules and their sources. The decisions need the loss, so that the host waits for
the device in each step, which takes all rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

__all__ = ["Evaluated", "LineSearch"]

SUFFICIENT_DECREASE = 1e-4
LEAST_FACTOR = 0.1
MOST_RETRIES = 20
LEAST_CURVATURE = 1e-9
POINT, DIRECTION, GRADIENT, PAIRS = 0, 1, 2, 3  # planes of the optimizer's state

# The loss of the accepted point, the length of the step, the number of pairs, and of shorter steps that were tried.
Scalars: TypeAlias = tuple[float, float, float, float]
BEGINNING: Scalars = (math.inf, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What has been evaluated: the weights become the next point.

    Attributes
    ----------
    weights, gradients : flat tensor
    loss : float
    learning_rate : float
    decays : flat tensor, or None
        The weight decay of each weight.
    is_last : bool
        Whether the weights become those of the accepted point.

    """

    weights: Tensor
    gradients: Tensor
    loss: float
    learning_rate: float
    decays: Tensor | None
    is_last: bool


class LineSearch:
    """The line search of a run.

    Parameters
    ----------
    planes : sequence of flat tensor
        The optimizer's state.

    """

    def __init__(self, planes: Sequence[Tensor]) -> None:
        self._planes = planes
        self._history = (len(planes) - PAIRS) // 2

    def step(self, at: Evaluated, scalars: Scalars) -> Scalars:
        """Choose the next point; return the scalars after it."""
        x, d, g_of_x = self._planes[POINT], self._planes[DIRECTION], self._planes[GRADIENT]
        accepted, t, pairs, _ = scalars
        loss = at.loss + self._add_weight_decay(at)
        size = float(_to_float64(at.gradients).abs().sum())
        continues = math.isfinite(accepted) and self._is_at_trial(at.weights, t)
        slope = _dot(g_of_x, d) if continues else 0.0
        is_tried = continues and t != 0
        if is_tried and not (math.isfinite(loss) and math.isfinite(size)):
            scalars = accepted, LEAST_FACTOR * t, *scalars[2:]
        elif is_tried and not loss <= accepted + SUFFICIENT_DECREASE * t * slope:
            lowest = _divide(-slope * t * t, 2 * (loss - accepted - slope * t))
            scalars = _shorten(scalars, max(LEAST_FACTOR * t, min(0.5 * t, lowest)))
        else:
            if not continues:
                pairs = 0
            elif t != 0:
                pairs = self._keep_pair(at, pairs)
            x.copy_(at.weights)
            g_of_x.copy_(at.gradients)
            pairs = self._find_direction(at, pairs)
            t = self._finite_length(at.learning_rate * (1.0 if pairs else min(1.0, _divide(1.0, size))))
            scalars = loss, t, pairs, 0.0
        if at.is_last:
            scalars = scalars[0], 0.0, *scalars[2:]
        at.weights.copy_(self._trial(scalars[1]))
        return scalars

    def shorten(self, weights: Tensor, scalars: Scalars) -> Scalars | None:
        """Put the weights nearer to the accepted point, where the loss is not finite; return the scalars then.

        Return None, and change nothing, if the search has not led there.
        """
        accepted, t, _, _ = scalars
        if not math.isfinite(accepted) or t == 0 or not self._is_at_trial(weights, t):
            return None
        scalars = accepted, LEAST_FACTOR * t, *scalars[2:]
        weights.copy_(self._trial(scalars[1]))
        return scalars

    def _finite_length(self, t: float) -> float:
        """Return the first length at which all weights are finite."""
        largest = torch.finfo(self._planes[POINT].dtype).max
        while t > 0 and (t > largest or not torch.isfinite(self._trial(t)).all()):
            t *= LEAST_FACTOR
        return t

    def _trial(self, t: float) -> Tensor:
        return torch.add(self._planes[POINT], self._planes[DIRECTION], alpha=t)

    def _is_at_trial(self, weights: Tensor, t: float) -> bool:
        # The compiled engine rounds once where this rounds twice: a state of it is at the trial all the same.
        x, d = self._planes[POINT].abs(), self._planes[DIRECTION].abs()
        rounding = torch.add(x, d, alpha=abs(t)).mul_(2 * torch.finfo(weights.dtype).eps)
        return bool(((weights - self._trial(t)).abs() <= rounding).all())

    def _add_weight_decay(self, at: Evaluated) -> float:
        """Add the gradient of the penalty, and return the penalty."""
        if at.decays is None:
            return 0.0
        penalty = at.decays * at.weights
        at.gradients.add_(penalty)
        return 0.5 * _dot(penalty, at.weights)

    def _keep_pair(self, at: Evaluated, pairs: float) -> float:
        s, y = at.weights - self._planes[POINT], at.gradients - self._planes[GRADIENT]
        if not _dot(s, y) > LEAST_CURVATURE * math.sqrt(_dot(s, s)) * math.sqrt(_dot(y, y)):
            return pairs
        kept_s, kept_y = self._pair(pairs)
        kept_s.copy_(s)
        kept_y.copy_(y)
        return pairs + 1

    def _pair(self, number: float) -> tuple[Tensor, Tensor]:
        slot = PAIRS + 2 * (int(number) % self._history)
        return self._planes[slot], self._planes[slot + 1]

    def _find_direction(self, at: Evaluated, pairs: float) -> float:
        """Write the direction, and return the number of pairs that it has."""
        d = self._planes[DIRECTION]
        torch.neg(at.gradients, out=d)
        kept = [self._pair(pairs - 1 - k) for k in range(int(min(pairs, self._history)))]
        curvatures, factors = [], []
        for s, y in kept:
            curvatures.append(_dot(s, y))
            factors.append(_divide(_dot(s, d), curvatures[-1]))
            d.add_(y, alpha=-factors[-1])
        if kept:
            d.mul_(_divide(curvatures[0], _dot(kept[0][1], kept[0][1])))
        for (s, y), curvature, factor in reversed(list(zip(kept, curvatures, factors, strict=True))):
            d.add_(s, alpha=factor - _divide(_dot(y, d), curvature))
        if kept and math.isfinite(slope := _dot(at.gradients, d)) and slope < 0:
            return pairs
        torch.neg(at.gradients, out=d)
        return 0.0


def _shorten(scalars: Scalars, t: float) -> Scalars:
    """Try this length instead; after too many of them, forget the history."""
    accepted, _, pairs, retries = scalars
    return (accepted, t, pairs, retries + 1) if retries + 1 <= MOST_RETRIES else BEGINNING


def _dot(a: Tensor, b: Tensor) -> float:
    return float(torch.dot(_to_float64(a), _to_float64(b)))


def _to_float64(tensor: Tensor) -> Tensor:
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).to(torch.float64)


def _divide(a: float, b: float) -> float:
    """Divide as processors do."""
    return a / b if b != 0 else math.copysign(math.inf, a) if a != 0 else math.nan
