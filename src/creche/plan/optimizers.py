"""How weights change, given their gradient. The rules themselves, with their equations, are in core/optimizers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from creche.errors import PlanError
from creche.plan.component import Component, Registry, flag_field, number_field

__all__ = [
    "OPTIMIZERS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Lion", "NAdam", "Optimizer", "RAdam", "RMSprop",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Optimizer(Component):
    """What all optimizers take.

    Parameters
    ----------
    learning_rate : float
        The step size. 0 is allowed: nothing is learnt.
    weight_decay : float, default 0
        Pulls weights towards 0; added to the gradient, or, if `decoupled`, subtracted from the weights directly, times
        the learning rate (Loshchilov & Hutter 2019).
    l1 : float, default 0
        Adds `l1` times the sign of a weight to its gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` reach the biases too.
    clip_norm, clip_value : float, default 0
        The most that the norm of all gradients together, or any single one, may be; 0 for no limit.

    """

    learning_rate: float = number_field(0.01, at_least=0)
    weight_decay: float = number_field(0.0, at_least=0)
    decoupled: bool = flag_field(False)
    l1: float = number_field(0.0, at_least=0)
    regularize_bias: bool = flag_field(False)
    clip_norm: float = number_field(0.0, at_least=0)
    clip_value: float = number_field(0.0, at_least=0)


@dataclass(frozen=True, slots=True, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013)."""

    key: ClassVar[str] = "sgd"
    momentum: float = number_field(0.0, at_least=0, below=1)
    dampening: float = number_field(0.0, at_least=0, at_most=1)
    nesterov: bool = flag_field(False)

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise PlanError(
                f"SGD.nesterov: needs momentum above 0 and dampening 0; got momentum={self.momentum:g}, "
                f"dampening={self.dampening:g}. Give momentum=0.9, say"
            )


@dataclass(frozen=True, slots=True, repr=False)
class Adagrad(Optimizer):
    """Duchi, Hazan & Singer 2011."""

    key: ClassVar[str] = "adagrad"
    learning_rate_decay: float = number_field(0.0, at_least=0)
    initial_accumulator: float = number_field(0.0, at_least=0)
    epsilon: float = number_field(1e-10, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class Adadelta(Optimizer):
    """Zeiler 2012; its learning rate is a factor, 1 in the paper."""

    key: ClassVar[str] = "adadelta"
    learning_rate: float = number_field(1.0, at_least=0)
    rho: float = number_field(0.9, at_least=0, below=1)
    epsilon: float = number_field(1e-6, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class RMSprop(Optimizer):
    """Tieleman & Hinton 2012; centered as in Graves 2013."""

    key: ClassVar[str] = "rmsprop"
    rho: float = number_field(0.99, at_least=0, below=1)
    momentum: float = number_field(0.0, at_least=0, below=1)
    centered: bool = flag_field(False)
    epsilon: float = number_field(1e-8, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class _Moments(Optimizer):
    learning_rate: float = number_field(0.001, at_least=0)
    beta1: float = number_field(0.9, at_least=0, below=1)
    beta2: float = number_field(0.999, at_least=0, below=1)
    epsilon: float = number_field(1e-8, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class Adam(_Moments):
    """Kingma & Ba 2015; with `amsgrad`, Reddi, Kale & Kumar 2018."""

    key: ClassVar[str] = "adam"
    amsgrad: bool = flag_field(False)


@dataclass(frozen=True, slots=True, repr=False)
class AdamW(_Moments):
    """Adam with decoupled weight decay, 0.01 by default (Loshchilov & Hutter 2019)."""

    key: ClassVar[str] = "adamw"
    weight_decay: float = number_field(0.01, at_least=0)
    decoupled: bool = flag_field(True)
    amsgrad: bool = flag_field(False)

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        if not self.decoupled:
            raise PlanError(
                "AdamW.decoupled: got False; AdamW's weight decay is decoupled. Adam's need not be: use Adam"
            )


@dataclass(frozen=True, slots=True, repr=False)
class NAdam(_Moments):
    """Adam with Nesterov's momentum (Dozat 2016)."""

    key: ClassVar[str] = "nadam"
    learning_rate: float = number_field(0.002, at_least=0)
    momentum_decay: float = number_field(0.004, at_least=0)


@dataclass(frozen=True, slots=True, repr=False)
class RAdam(_Moments):
    """Adam that waits until the variance of its step can be known (Liu et al. 2020)."""

    key: ClassVar[str] = "radam"


@dataclass(frozen=True, slots=True, repr=False)
class Lion(Optimizer):
    """The sign of an average of gradients (Chen et al. 2023); its weight decay is decoupled."""

    key: ClassVar[str] = "lion"
    learning_rate: float = number_field(0.0001, at_least=0)
    decoupled: bool = flag_field(True)
    beta1: float = number_field(0.9, at_least=0, below=1)
    beta2: float = number_field(0.99, at_least=0, below=1)


OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer", SGD, Adagrad, Adadelta, RMSprop, Adam, AdamW, NAdam, RAdam, Lion
)
