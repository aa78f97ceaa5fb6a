"""The update rules of the optimizers, by the words of the plan; core/optimizers has their formulas and sources.

Each changes weights and planes in place, by the coefficients of the step, which are numbers on the device: no rule asks
the host for anything. Where the compiled engine sets numbers below 2^-100 to 0 in each step, here `flush` does it once
in a while: it costs a kernel, and the numbers are too small to be seen in any weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["NUMBERS_OF_GROUP", "RULES", "Coefficients", "Regularization", "Regularizers", "Rule", "flush"]

FLUSHED = 2.0**-100


class Coefficients(NamedTuple):
    """The coefficients of a step, in the engine's order."""

    learning_rate: Tensor
    gradient_rate: Tensor
    beta1: Tensor
    rest1: Tensor
    beta2: Tensor
    rest2: Tensor
    scale: Tensor
    epsilon: Tensor


class Regularization(NamedTuple):
    """What comes before the rule, in the engine's order."""

    clip_value: Tensor
    weight_decay: Tensor
    l1: Tensor
    shrink: Tensor


NUMBERS_OF_GROUP = len(Coefficients._fields) + len(Regularization._fields)

# Takes weights, gradients, planes and coefficients.
Rule: TypeAlias = Callable[[Tensor, Tensor, Sequence[Tensor], Coefficients], None]


def flush(planes: Sequence[Tensor]) -> None:
    """Set numbers below 2^-100 to 0, so that the state is that of the compiled engine."""
    for plane in planes:
        plane.copy_(functional.hardshrink(plane, FLUSHED))


@dataclass(frozen=True, slots=True)
class Regularizers:
    """What an optimizer's plan has of regularization."""

    clips_values: bool
    decays: bool
    decays_decoupled: bool
    has_l1: bool

    @classmethod
    def of(cls, plan: Any) -> Regularizers:
        """Look it up in an optimizer's plan, of the compiled engine."""
        decoupled = plan.decoupled or plan.kind == "adamw"
        decays = plan.weight_decay != 0
        return cls(plan.clip_value > 0, decays and not decoupled, decays and decoupled, plan.l1 != 0)

    def apply(self, w: Tensor, g: Tensor, by: Regularization) -> None:
        """Clip by value, add weight decay and L1 to the gradient, shrink the weights."""
        if self.clips_values:
            torch.clamp(g, -by.clip_value, by.clip_value, out=g)
        if self.decays:
            g.addcmul_(w, by.weight_decay)
        if self.has_l1:
            g.addcmul_(torch.sign(w), by.l1)
        if self.decays_decoupled:
            w.mul_(by.shrink)


def _descend(w: Tensor, direction: Tensor, rate: Tensor) -> None:
    w.addcmul_(direction, rate, value=-1)


def _take_sgd(momentum: bool, nesterov: bool) -> Rule:
    def take(w: Tensor, g: Tensor, planes: Sequence[Tensor], c: Coefficients) -> None:
        if momentum:
            (u,) = planes
            u.mul_(c.beta1).addcmul_(g, c.rest1)
            g = torch.addcmul(g, u, c.beta1) if nesterov else u
        _descend(w, g, c.learning_rate)

    return take


def _take_adagrad(w: Tensor, g: Tensor, planes: Sequence[Tensor], c: Coefficients) -> None:
    (s,) = planes
    s.addcmul_(g, g)
    _descend(w, g / torch.sqrt(s).add_(c.epsilon), c.learning_rate)


def _take_adadelta(w: Tensor, g: Tensor, planes: Sequence[Tensor], c: Coefficients) -> None:
    v, u = planes
    v.lerp_(torch.square(g), c.rest2)
    delta = torch.sqrt((u + c.epsilon).div_(v + c.epsilon)).mul_(g)
    u.lerp_(torch.square(delta), c.rest2)
    _descend(w, delta, c.learning_rate)


def _take_rmsprop(centered: bool, momentum: bool) -> Rule:
    def take(w: Tensor, g: Tensor, planes: Sequence[Tensor], c: Coefficients) -> None:
        v = planes[0].lerp_(torch.square(g), c.rest2)
        if centered:
            a = planes[1].lerp_(g, c.rest2)
            v = torch.addcmul(v, a, a, value=-1).clamp_(min=0)
        step = g / torch.sqrt(v).add_(c.epsilon)
        if momentum:
            step = planes[-1].mul_(c.beta1).add_(step)
        _descend(w, step, c.learning_rate)

    return take


def _divisor(moment: Tensor, c: Coefficients) -> Tensor:
    return torch.addcmul(c.epsilon, torch.sqrt(moment), c.scale)


def _take_adam(amsgrad: bool) -> Rule:
    def take(w: Tensor, g: Tensor, planes: Sequence[Tensor], c: Coefficients) -> None:
        m = planes[0].lerp_(g, c.rest1)
        moment = planes[1].lerp_(torch.square(g), c.rest2)
        if amsgrad:
            moment = torch.maximum(planes[2], moment, out=planes[2])
        _descend(w, m / _divisor(moment, c), c.learning_rate)

    return take


def _take_nadam(w: Tensor, g: Tensor, planes: Sequence[Tensor], c: Coefficients) -> None:
    m = planes[0].lerp_(g, c.rest1)
    v = planes[1].lerp_(torch.square(g), c.rest2)
    step = (m * c.learning_rate).addcmul_(g, c.gradient_rate)
    w.sub_(step.div_(_divisor(v, c)))


def _take_lion(w: Tensor, g: Tensor, planes: Sequence[Tensor], c: Coefficients) -> None:
    (m,) = planes
    direction = torch.lerp(m, g, c.rest1)
    m.lerp_(g, c.rest2)
    # torch.sign is 0 for NaN, which would hide that training diverges.
    _descend(w, torch.where(direction.isnan(), direction, direction.sign()), c.learning_rate)


# What an optimizer's plan makes of its word; nothing for L-BFGS, which searches a line instead.
RULES: dict[str, Callable[[Any], Rule | None]] = {
    "sgd": lambda plan: _take_sgd(plan.momentum != 0, plan.nesterov),
    "adagrad": lambda _: _take_adagrad,
    "adadelta": lambda _: _take_adadelta,
    "rmsprop": lambda plan: _take_rmsprop(plan.centered, plan.momentum != 0),
    "adam": lambda plan: _take_adam(plan.amsgrad),
    "adamw": lambda plan: _take_adam(plan.amsgrad),
    "nadam": lambda _: _take_nadam,
    "radam": lambda _: _take_adam(False),
    "lion": lambda _: _take_lion,
    "lbfgs": lambda _: None,
}
