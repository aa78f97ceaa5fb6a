"""The optimizers: how weights change by their gradient. The rules are carried out in core/optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from creche._advice import advise
from creche.errors import PlanError
from creche.plan.component import Component, Registry, count_field, flag_field, number_field
from creche.plan.parameter_groups import GroupFactors, ParameterGroups, StepFactors, ntk_factors
from creche.plan.words import PARAMETERIZATIONS, Parameterization, check_word

__all__ = [
    "LBFGS", "OPTIMIZERS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Lion", "NAdam", "Optimizer", "RAdam",
    "RMSprop",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Optimizer(Component):
    """The base of all optimizers: weights w change by their gradient g in each step.

    Before the rule of any optimizer, gradients are clipped and weights regularized::

        g <- g min(1, clip_norm / norm(g))             clipping by the norm of all gradients
        g <- min(max(g, -clip_value), clip_value)      clipping by value
        g <- g + lambda w + lambda_1 sign(w)           weight decay (coupled) and L1
        w <- (1 - eta lambda) w                        weight decay, if decoupled

    With the neural tangent parameterization, "ntk" (Jacot, Gabriel & Hongler 2018, "Neural tangent kernel"), all this
    is done with W = w sqrt(d) in place of the weights w of a layer with d inputs, as if the layer computed
    x W / sqrt(d) + b. Then one learning rate suits layers of any width; it is larger than usual, such as 0.04 for Adam,
    and "lecun_normal" draws W from the standard normal distribution. The norm of all gradients is not known in W:
    `clip_norm` needs "standard".

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.

    """

    learning_rate: float = number_field(0.01, at_least=0)
    weight_decay: float = number_field(0.0, at_least=0)
    decoupled: bool = flag_field(False)
    l1: float = number_field(0.0, at_least=0)
    regularize_bias: bool = flag_field(False)
    clip_norm: float = number_field(0.0, at_least=0)
    clip_value: float = number_field(0.0, at_least=0)
    parameterization: Parameterization = "standard"
    groups: ParameterGroups = ParameterGroups()  # noqa: RUF009 - frozen

    is_linear: ClassVar[bool] = False  # whether steps are proportional to the gradient
    takes_all_rows: ClassVar[bool] = False  # whether each step needs the loss of all training rows
    has_ntk: ClassVar[bool] = True  # whether the rule does not depend on the gradient's scale otherwise, or is linear

    @property
    def title(self) -> str:
        """What texts call it: ``Adam``."""
        return self._title or type(self).__name__

    def __post_init__(self) -> None:
        name = type(self).__name__
        word = check_word(f"{name}.parameterization", self.parameterization, PARAMETERIZATIONS)
        object.__setattr__(self, "parameterization", word)
        object.__setattr__(self, "groups", ParameterGroups.of(self.groups))
        Component.__post_init__(self)
        if word == "ntk" and not self.has_ntk:
            raise PlanError(
                f"{name}.parameterization: got 'ntk', which the rule of {name} does not allow; give 'standard', or "
                "choose another optimizer",
                argument="parameterization",
            )
        if word == "ntk" and self.clip_norm > 0:
            raise PlanError(
                f"{name}.clip_norm: got {self.clip_norm:g} with {advise('parameterization', 'ntk')}, in which the "
                f"norm is not known; leave {advise('clip_norm')} out, or give {advise('clip_value')} instead",
                argument="clip_norm",
            )

    def factors_of_weights(self, widths: Sequence[int]) -> list[StepFactors]:
        """Return the factors of the optimizer's numbers for the weights of each layer.

        Parameters
        ----------
        widths : sequence of int
            The number of inputs, then the width of each layer.

        """
        factors = [StepFactors()] * (len(widths) - 1)
        if self.parameterization == "ntk":
            numbers = {"is_linear": self.is_linear, "decoupled": self.decoupled}
            factors = [ntk_factors(inputs, **numbers) for inputs in widths[:-1]]
        factors[0] = factors[0].times(self.groups.first_layer)
        factors[-1] = factors[-1].times(self.groups.last_layer)
        return factors

    def factors_of_vectors(self) -> dict[str, StepFactors]:
        """Return the factors for parameters other than weights, by their group: the same in all layers."""
        return {
            name: StepFactors().times(getattr(self.groups, name)) for name in ("biases", "scale", "slopes", "gains")
        }

    def factors_of_embeddings(self) -> dict[str, StepFactors]:
        """Return the factors for the parameters of embeddings, by the key of the embedding."""
        numbers, categories = self.groups.number_embeddings, self.groups.category_embeddings
        groups = {"periodic": numbers, "linear": numbers, "category": categories}
        return {key: StepFactors().times(group) for key, group in groups.items()}


@dataclass(frozen=True, slots=True, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's momentum (Sutskever et al. 2013).

    The update rule, with mu = momentum and tau = dampening::

        w <- w - eta g                                 without momentum
        u <- mu u + (1 - tau) g                        with momentum; u <- g in the first step
        w <- w - eta u
        w <- w - eta (g + mu u)                        with Nesterov's momentum

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    momentum : float, default 0
        mu, from 0 to below 1: the share of the last step's direction that is kept.
    dampening : float, default 0
        tau, from 0 to 1: the share of the gradient that momentum leaves out.
    nesterov : bool, default False
        Whether momentum is Nesterov's; needs a momentum above 0 and no dampening.

    Examples
    --------
    >>> SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=True)

    """

    key: ClassVar[str] = "sgd"
    is_linear: ClassVar[bool] = True
    momentum: float = number_field(0.0, at_least=0, below=1)
    dampening: float = number_field(0.0, at_least=0, at_most=1)
    nesterov: bool = flag_field(False)

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise PlanError(
                f"SGD.nesterov: needs momentum above 0 and dampening 0; got momentum={self.momentum:g}, "
                f"dampening={self.dampening:g}; give {advise('momentum', 0.9)}, for example",
                argument="nesterov",
            )


@dataclass(frozen=True, slots=True, repr=False)
class Adagrad(Optimizer):
    """Adagrad: each weight's rate falls with the sum of its squared gradients (Duchi, Hazan & Singer 2011, figure 1).

    The update rule in step t = 1, 2, …::

        s <- s + g^2
        w <- w - eta / (1 + (t - 1) decay) g / (sqrt(s) + epsilon)

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    learning_rate_decay : float, default 0
        decay >= 0: how fast the learning rate itself falls with the steps.
    initial_accumulator : float, default 0
        The value of s before the first step, at least 0.
    epsilon : float, default 1e-10
        Added to the root, above 0.

    Examples
    --------
    >>> Adagrad(learning_rate=0.05)
    Adagrad(learning_rate=0.05)

    """

    key: ClassVar[str] = "adagrad"
    learning_rate_decay: float = number_field(0.0, at_least=0)
    initial_accumulator: float = number_field(0.0, at_least=0)
    epsilon: float = number_field(1e-10, above=0)

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        if self.parameterization == "ntk" and self.initial_accumulator > 0:
            raise PlanError(
                f"Adagrad.initial_accumulator: got {self.initial_accumulator:g}; needs 0 with "
                f"{advise('parameterization', 'ntk')}",
                argument="initial_accumulator",
            )


@dataclass(frozen=True, slots=True, repr=False)
class Adadelta(Optimizer):
    """Adadelta: steps in the units of the weights, from running means of squares (Zeiler 2012, algorithm 1).

    The update rule::

        v <- rho v + (1 - rho) g^2
        d = g sqrt((u + epsilon) / (v + epsilon))
        u <- rho u + (1 - rho) d^2
        w <- w - eta d

    Parameters
    ----------
    learning_rate : float, default 1
        Factor eta of each step, at least 0; 1 gives the rule of the paper.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    rho : float, default 0.9
        Decay of both running means, from 0 to below 1.
    epsilon : float, default 1e-6
        Added to both running means, above 0.

    Examples
    --------
    >>> Adadelta(rho=0.95)
    Adadelta(rho=0.95)

    """

    key: ClassVar[str] = "adadelta"
    _title: ClassVar[str] = "ADADELTA"
    has_ntk: ClassVar[bool] = False
    learning_rate: float = number_field(1.0, at_least=0)
    rho: float = number_field(0.9, at_least=0, below=1)
    epsilon: float = number_field(1e-6, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class RMSprop(Optimizer):
    """RMSprop: gradients over the root of their running mean square (Tieleman & Hinton 2012, lecture 6e).

    The update rule, with mu = momentum; `centered` is from Graves 2013, equations 38 to 45::

        v <- rho v + (1 - rho) g^2
        a <- rho a + (1 - rho) g                       if centered; else a = 0
        r = sqrt(v - a^2) + epsilon
        w <- w - eta g / r                             without momentum
        u <- mu u + g / r,   w <- w - eta u            with momentum

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    rho : float, default 0.99
        Decay of the running means, from 0 to below 1.
    momentum : float, default 0
        mu, from 0 to below 1: the share of the last step that is kept.
    centered : bool, default False
        Whether the squared mean gradient is subtracted from the mean square.
    epsilon : float, default 1e-8
        Added to the root, above 0.

    Examples
    --------
    >>> RMSprop(momentum=0.9)
    RMSprop(momentum=0.9)

    """

    key: ClassVar[str] = "rmsprop"
    rho: float = number_field(0.99, at_least=0, below=1)
    momentum: float = number_field(0.0, at_least=0, below=1)
    centered: bool = flag_field(False)
    epsilon: float = number_field(1e-8, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class _MomentOptimizer(Optimizer):
    learning_rate: float = number_field(0.001, at_least=0)
    beta1: float = number_field(0.9, at_least=0, below=1)
    beta2: float = number_field(0.999, at_least=0, below=1)
    epsilon: float = number_field(1e-8, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class Adam(_MomentOptimizer):
    """Adam: steps by the running means of gradients and of their squares (Kingma & Ba 2015, algorithm 1).

    The update rule in step t = 1, 2, …::

        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        w <- w - eta m^ / (sqrt(v^) + epsilon)         m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t)

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    beta1 : float, default 0.9
        Decay of the running mean of gradients, from 0 to below 1.
    beta2 : float, default 0.999
        Decay of the running mean of squared gradients, from 0 to below 1.
    epsilon : float, default 1e-8
        Added to the root of the second moment, above 0.
    amsgrad : bool, default False
        Whether v^ is the largest so far (Reddi, Kale & Kumar 2018, algorithm 2), so that a weight's rate never rises.

    Examples
    --------
    >>> Adam(learning_rate=0.01, clip_norm=1.0)
    Adam(learning_rate=0.01, clip_norm=1.0)

    """

    key: ClassVar[str] = "adam"
    amsgrad: bool = flag_field(False)


@dataclass(frozen=True, slots=True, repr=False)
class AdamW(_MomentOptimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    The update rule in step t = 1, 2, …::

        w <- (1 - eta lambda) w
        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        w <- w - eta m^ / (sqrt(v^) + epsilon)         m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t)

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0.01
        lambda >= 0: decays the weights directly, ``w <- (1 - eta lambda) w``, before the rule.
    decoupled : bool, default True
        Always True: with False, weight decay would be `Adam`'s.
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    beta1 : float, default 0.9
        Decay of the running mean of gradients, from 0 to below 1.
    beta2 : float, default 0.999
        Decay of the running mean of squared gradients, from 0 to below 1.
    epsilon : float, default 1e-8
        Added to the root of the second moment, above 0.
    amsgrad : bool, default False
        Whether v^ is the largest so far (Reddi, Kale & Kumar 2018, algorithm 2), so that a weight's rate never rises.

    Examples
    --------
    >>> AdamW(learning_rate=0.01, weight_decay=0.05)
    AdamW(learning_rate=0.01, weight_decay=0.05)

    """

    key: ClassVar[str] = "adamw"
    weight_decay: float = number_field(0.01, at_least=0)
    decoupled: bool = flag_field(True)
    amsgrad: bool = flag_field(False)

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        if not self.decoupled:
            raise PlanError(
                "AdamW.decoupled: got False; AdamW's weight decay is decoupled. Adam's need not be: use Adam",
                argument="decoupled",
            )


@dataclass(frozen=True, slots=True, repr=False)
class NAdam(_MomentOptimizer):
    """Adam with Nesterov's momentum (Dozat 2016), whose momentum follows a schedule.

    The update rule in step t = 1, 2, …, with psi = momentum_decay::

        mu_t = beta1 (1 - 0.96^(t psi) / 2)
        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        d = mu_(t+1) / (1 - mu_1 ⋯ mu_(t+1)) m + (1 - mu_t) / (1 - mu_1 ⋯ mu_t) g
        w <- w - eta d / (sqrt(v^) + epsilon)          v^ = v / (1 - beta2^t)

    Parameters
    ----------
    learning_rate : float, default 0.002
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    beta1 : float, default 0.9
        Decay of the running mean of gradients, from 0 to below 1.
    beta2 : float, default 0.999
        Decay of the running mean of squared gradients, from 0 to below 1.
    epsilon : float, default 1e-8
        Added to the root of the second moment, above 0.
    momentum_decay : float, default 0.004
        psi >= 0: how fast the momentum rises to beta1.

    Examples
    --------
    >>> NAdam(learning_rate=0.01)
    NAdam(learning_rate=0.01)

    """

    key: ClassVar[str] = "nadam"
    learning_rate: float = number_field(0.002, at_least=0)
    momentum_decay: float = number_field(0.004, at_least=0)


@dataclass(frozen=True, slots=True, repr=False)
class RAdam(_MomentOptimizer):
    """Rectified Adam: the adaptive step waits until its variance is tractable (Liu et al. 2020, algorithm 2).

    The update rule in step t = 1, 2, …::

        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        R = 2 / (1 - beta2) - 1,   r = R - 2 t beta2^t / (1 - beta2^t)
        w <- w - eta m^                                if r <= 5, with m^ = m / (1 - beta1^t)
        w <- w - eta c m^ sqrt(1 - beta2^t) / (sqrt(v) + epsilon)      otherwise
        c = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r))

    Parameters
    ----------
    learning_rate : float, default 0.001
        Step size eta, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, or decays the weights directly if `decoupled`.
    decoupled : bool, default False
        Whether weight decay is ``w <- (1 - eta lambda) w`` before the rule (Loshchilov & Hutter 2019).
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    beta1 : float, default 0.9
        Decay of the running mean of gradients, from 0 to below 1.
    beta2 : float, default 0.999
        Decay of the running mean of squared gradients, from 0 to below 1.
    epsilon : float, default 1e-8
        Added to the root of the second moment, above 0.

    Examples
    --------
    >>> RAdam(learning_rate=0.01)
    RAdam(learning_rate=0.01)

    """

    key: ClassVar[str] = "radam"
    has_ntk: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, repr=False)
class Lion(Optimizer):
    """Lion: the sign of a running mean of gradients (Chen et al. 2023, algorithm 2).

    The update rule::

        w <- w - eta (sign(beta1 m + (1 - beta1) g) + lambda w)
        m <- beta2 m + (1 - beta2) g

    Parameters
    ----------
    learning_rate : float, default 0.0001
        Step size eta of every weight, at least 0.
    weight_decay : float, default 0
        lambda >= 0: decays the weights directly, ``w <- (1 - eta lambda) w``, if `decoupled`; else adds ``lambda w`` to
        the gradient.
    decoupled : bool, default True
        Whether weight decay is decoupled, as in the paper.
    l1 : float, default 0
        lambda_1 >= 0: adds ``lambda_1 sign(w)`` to the gradient.
    regularize_bias : bool, default False
        Whether `weight_decay` and `l1` apply to the biases, too.
    clip_norm : float, default 0
        Largest Euclidean norm of all gradients together; a longer gradient is scaled down to it. 0 for no limit.
    clip_value : float, default 0
        Largest absolute value of a single gradient; a larger one is cut off. 0 for no limit.
    parameterization : {"standard", "ntk"}, default "standard"
        Whether steps are those of the weights, or of the weights times the root of their layer's number of inputs.
    groups : ParameterGroups or dict
        Factors of the numbers for groups of parameters, such as the biases.
    beta1 : float, default 0.9
        Share of the running mean in the direction of a step, from 0 to below 1.
    beta2 : float, default 0.99
        Decay of the running mean of gradients, from 0 to below 1.

    Examples
    --------
    >>> Lion(learning_rate=0.001, weight_decay=0.1)
    Lion(learning_rate=0.001, weight_decay=0.1)

    """

    key: ClassVar[str] = "lion"
    learning_rate: float = number_field(0.0001, at_least=0)
    decoupled: bool = flag_field(True)
    beta1: float = number_field(0.9, at_least=0, below=1)
    beta2: float = number_field(0.99, at_least=0, below=1)


@dataclass(frozen=True, slots=True, repr=False)
class LBFGS(Optimizer):
    """L-BFGS: steps by the curvature that past gradients show (Liu & Nocedal 1989), on all training rows at once.

    An epoch is one evaluation of the loss f and its gradient g of all rows, at a point that is tried::

        w = x + t d
        f <= f(x) + 1e-4 t g(x) d                      accepted: x <- w, and (s, y) = (change of w, change of g) is kept
        otherwise                                      t is shortened, to a tenth at least and a half at most
        d = -H g                                       H from the kept pairs by two loops (Nocedal & Wright 2006, 7.4)
        w <- w - eta c H g                             the first point of a direction; c = 1, or without kept pairs
                                                       c = min(1, 1 / sum(abs(g)))

    A point whose loss is not finite, on the training or the validation rows, is replaced by one at a tenth of the
    distance, within the same epoch. The history tells the losses of the points that were tried, so it may rise where
    one is not accepted. Training ends with an accepted point after the last epoch. The batch size is the number of
    training rows, in their order. Since f must not change from epoch to epoch, there is neither dropout nor a schedule.

    Parameters
    ----------
    learning_rate : float, default 1
        The first t in a direction, at least 0; at 0 nothing is learned.
    weight_decay : float, default 0
        lambda >= 0: adds ``lambda w`` to the gradient, and ``lambda / 2 w^2`` to f.
    decoupled : bool, default False
        Always False: weight decay is part of f.
    l1 : float, default 0
        Always 0: f needs a gradient everywhere.
    regularize_bias : bool, default False
        Whether `weight_decay` applies to the biases, too.
    clip_norm : float, default 0
        Always 0: the line search limits the length of a step.
    clip_value : float, default 0
        Always 0: a gradient that is cut off is not that of f.
    parameterization : {"standard"}, default "standard"
        Always "standard".
    groups : ParameterGroups or dict
        Factors of the weight decay for groups of parameters, such as the biases.
    history : int, default 10
        How many pairs are kept, at most 100; each takes as much memory as two copies of the weights.

    Examples
    --------
    >>> LBFGS(weight_decay=0.01)
    LBFGS(weight_decay=0.01)

    """

    key: ClassVar[str] = "lbfgs"
    _title: ClassVar[str] = "L-BFGS"
    takes_all_rows: ClassVar[bool] = True
    has_ntk: ClassVar[bool] = False
    learning_rate: float = number_field(1.0, at_least=0)
    history: int = count_field(10, at_most=100)

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        if self.decoupled:
            raise PlanError(
                "LBFGS.decoupled: got True; the weight decay of L-BFGS is part of the loss, so it needs False",
                argument="decoupled",
            )
        reasons = {
            "l1": f"needs a gradient everywhere, which abs(w) has not at 0; give {advise('weight_decay')} instead",
            "clip_norm": "chooses the length of each step by the loss itself",
            "clip_value": "chooses the length of each step by the loss itself",
        }
        for name, reason in reasons.items():
            if getattr(self, name) != 0:
                raise PlanError(
                    f"LBFGS.{name}: got {getattr(self, name):g}; L-BFGS {reason}; leave {advise(name)} out",
                    argument=name,
                )
        for field in fields(self.groups):
            factors: GroupFactors = getattr(self.groups, field.name)
            if (factors.learning_rate, factors.epsilon) != (1, 1):
                raise PlanError(
                    f"LBFGS.groups: got {field.name}={factors!r}; a step of L-BFGS is one for all parameters together, "
                    f"so groups may have factors of {advise('weight_decay')} only",
                    argument="groups",
                )


OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer", SGD, Adagrad, Adadelta, RMSprop, Adam, AdamW, NAdam, RAdam, Lion, LBFGS
)
