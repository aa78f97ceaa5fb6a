"""The losses, their gradients, metrics and mean predictions, by the words of the engine's plan.

core/losses has the formulas. Each works on the rows of a batch at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["CLASS_LOSSES", "LOSSES", "LossNumbers", "mean_prediction", "metric_from_mean", "metric_of_rows"]

CLASS_LOSSES = ("cross_entropy", "squared_error_of_classes")


@dataclass(frozen=True, slots=True)
class LossNumbers:
    """The numbers of a loss.

    Attributes
    ----------
    label_smoothing : 0-dimensional tensor, or None
        None if the plan has none.
    delta : float
    quantiles : (outputs,) tensor
    class_numbers : (outputs,) tensor
        0, 1, 2, …

    """

    label_smoothing: Tensor | None
    delta: float
    quantiles: Tensor
    class_numbers: Tensor

    @classmethod
    def of(cls, plan: Any, outputs: int, like: Tensor) -> LossNumbers:
        """Return the numbers of a loss's plan, as they are outside of training."""
        levels = list(plan.quantiles)
        smoothing = torch.tensor(plan.label_smoothing, dtype=like.dtype, device=like.device)
        return cls(
            smoothing if plan.label_smoothing else None,
            plan.delta,
            torch.tensor(levels * outputs if len(levels) == 1 else levels, dtype=like.dtype, device=like.device),
            torch.arange(outputs, device=like.device),
        )


# From the weighted sums z (n, outputs) and the labels, (n,) classes or (n, outputs) targets, to the losses (n,) and the
# gradient (n, outputs) of each row's loss.
Loss: TypeAlias = Callable[[Tensor, Tensor, LossNumbers], tuple[Tensor, Tensor]]


def _one_hot(z: Tensor, classes: Tensor, numbers: LossNumbers) -> Tensor:
    return torch.eq(classes.unsqueeze(1), numbers.class_numbers, out=torch.empty_like(z))


def _cross_entropy(z: Tensor, classes: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    logarithms = torch.log_softmax(z, 1)
    q = _one_hot(z, classes, numbers)
    if numbers.label_smoothing is None:
        losses = functional.nll_loss(logarithms, classes, reduction="none")
    else:
        q = torch.lerp(q, torch.full_like(q, 1 / z.shape[1]), numbers.label_smoothing)
        losses = -(q * logarithms).sum(1)
    return losses, torch.exp(logarithms).sub_(q)


def _squared_error_of_classes(z: Tensor, classes: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    p = torch.softmax(z, 1)
    error = p - _one_hot(z, classes, numbers)
    drift = (p * error).sum(1, keepdim=True)
    return torch.square(error).mean(1), (error - drift).mul_(p).mul_(2 / z.shape[1])


def _binary_cross_entropy(z: Tensor, y: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    losses = functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    return losses.mean(1), torch.sigmoid(z).sub_(y).div_(z.shape[1])


def _squared_error(z: Tensor, y: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    error = z - y
    return torch.square(error).mean(1), error * (2 / z.shape[1])


def _absolute_error(z: Tensor, y: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    error = z - y
    return error.abs().mean(1), error.sign().div_(z.shape[1])


def _huber(z: Tensor, y: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    losses = functional.huber_loss(z, y, reduction="none", delta=numbers.delta)
    return losses.mean(1), (z - y).clamp_(-numbers.delta, numbers.delta).div_(z.shape[1])


def _poisson(z: Tensor, y: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    rate = torch.exp(z)
    return torch.addcmul(rate, y, z, value=-1).mean(1), (rate - y).div_(z.shape[1])


def _quantile(z: Tensor, y: Tensor, numbers: LossNumbers) -> tuple[Tensor, Tensor]:
    error = y - z
    if_above, if_below = numbers.quantiles, numbers.quantiles - 1
    slope = torch.where(error > 0, -if_above, torch.where(error < 0, -if_below, torch.zeros_like(if_above)))
    return torch.maximum(if_above * error, if_below * error).mean(1), slope / z.shape[1]


LOSSES: dict[str, Loss] = {
    "cross_entropy": _cross_entropy,
    "squared_error_of_classes": _squared_error_of_classes,
    "binary_cross_entropy": _binary_cross_entropy,
    "squared_error": _squared_error,
    "absolute_error": _absolute_error,
    "huber": _huber,
    "poisson": _poisson,
    "quantile": _quantile,
}


def metric_of_rows(kind: str, z: Tensor, labels: Tensor) -> Tensor:
    """Return for each row whether its class is right, the share of right sides, or the mean of squared errors."""
    if kind in CLASS_LOSSES:
        return z.argmax(1) == labels
    if kind == "binary_cross_entropy":
        return ((z > 0) == (labels > 0.5)).to(z.dtype).mean(1)
    predicted = torch.exp(z) if kind == "poisson" else z
    return torch.square(predicted - labels).mean(1)


def metric_from_mean(kind: str, mean: float) -> float:
    """Return accuracy, or the root of the mean of squared errors."""
    return mean if kind in CLASS_LOSSES or kind == "binary_cross_entropy" else math.sqrt(mean)


def mean_prediction(kind: str, z: Tensor) -> Tensor:
    """Return the weighted sums, (n, outputs), whose prediction is the mean of those of submodels.

    core/losses/mean_prediction.hpp has the formulas; z is (submodels, n, outputs).
    """

    def log_mean_exp(x: Tensor) -> Tensor:
        return torch.logsumexp(x, 0) - math.log(len(x))

    if kind in CLASS_LOSSES:
        return log_mean_exp(torch.log_softmax(z, 2))
    if kind == "binary_cross_entropy":
        return log_mean_exp(functional.logsigmoid(z)) - log_mean_exp(functional.logsigmoid(-z))
    return log_mean_exp(z) if kind == "poisson" else z.mean(0)
