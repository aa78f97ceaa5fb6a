"""The activations and their derivatives, by the words of the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["ACTIVATIONS", "Activation"]

aten = torch.ops.aten

# The fixed point of mean 0 and variance 1 (Klambauer et al. 2017, eq. 14).
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717

# From here on log(1 + exp(z)) is z in float64 too, and exp(z) is far from overflow.
SOFTPLUS_IS_LINEAR = 40.0


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation f.

    Attributes
    ----------
    apply : callable
        From z and the activation's parameter to f(z).
    backward : callable
        From a gradient, z, f(z) and the parameter to the gradient times f'(z).

    """

    apply: Callable[[Tensor, float], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor, float], Tensor]


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(lambda z, _: z, lambda g, z, a, _: g),
    "relu": Activation(lambda z, _: torch.relu(z), lambda g, z, a, _: aten.threshold_backward(g, a, 0)),
    "leaky_relu": Activation(
        lambda z, slope: functional.leaky_relu(z, slope),
        lambda g, z, a, slope: aten.leaky_relu_backward(g, z, slope, False),
    ),
    "elu": Activation(
        lambda z, alpha: functional.elu(z, alpha), lambda g, z, a, alpha: aten.elu_backward(g, alpha, 1, 1, True, a)
    ),
    "selu": Activation(
        lambda z, _: torch.selu(z), lambda g, z, a, _: aten.elu_backward(g, SELU_ALPHA, SELU_SCALE, 1, True, a)
    ),
    "gelu": Activation(lambda z, _: functional.gelu(z), lambda g, z, a, _: aten.gelu_backward(g, z)),
    "gelu_tanh": Activation(
        lambda z, _: functional.gelu(z, approximate="tanh"),
        lambda g, z, a, _: aten.gelu_backward(g, z, approximate="tanh"),
    ),
    "silu": Activation(lambda z, _: functional.silu(z), lambda g, z, a, _: aten.silu_backward(g, z)),
    "mish": Activation(lambda z, _: functional.mish(z), lambda g, z, a, _: aten.mish_backward(g, z)),
    "tanh": Activation(lambda z, _: torch.tanh(z), lambda g, z, a, _: aten.tanh_backward(g, a)),
    "sigmoid": Activation(lambda z, _: torch.sigmoid(z), lambda g, z, a, _: aten.sigmoid_backward(g, a)),
    "softplus": Activation(
        lambda z, beta: functional.softplus(z, beta, SOFTPLUS_IS_LINEAR),
        lambda g, z, a, beta: aten.softplus_backward(g, z, beta, SOFTPLUS_IS_LINEAR),
    ),
}
