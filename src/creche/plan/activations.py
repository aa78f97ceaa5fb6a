"""The activations: the functions a neuron can apply to its weighted sum z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from creche.plan.component import Component, Registry, number_field

__all__ = [
    "ACTIVATIONS", "Activation", "Elu", "Gelu", "GeluTanh", "Identity", "LeakyRelu", "Mish", "Relu", "Selu", "Sigmoid",
    "Silu", "Softplus", "Tanh",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Activation(Component):
    """The base of all activations: the function f that a neuron applies to its weighted sum z = x W + b."""

    @property
    def parameter(self) -> float:
        """The number that the engine needs, for an activation that has one; otherwise 0."""
        return 0.0


@dataclass(frozen=True, slots=True, repr=False)
class Identity(Activation):
    """The identity, f(z) = z: the activation of the output layer."""

    key: ClassVar[str] = "identity"


@dataclass(frozen=True, slots=True, repr=False)
class Relu(Activation):
    """Rectified linear unit, f(z) = max(0, z), with f'(0) = 0 (Nair & Hinton 2010)."""

    key: ClassVar[str] = "relu"


@dataclass(frozen=True, slots=True, repr=False)
class LeakyRelu(Activation):
    """Leaky rectified linear unit (Maas, Hannun & Ng 2013): f(z) = z where z > 0, slope z elsewhere.

    Parameters
    ----------
    slope : float, default 0.01
        Slope below 0, at least 0.

    Examples
    --------
    >>> LeakyRelu(0.02)
    LeakyRelu(slope=0.02)

    """

    key: ClassVar[str] = "leaky_relu"
    slope: float = number_field(0.01, at_least=0)

    @property
    def parameter(self) -> float:
        """The number that the engine needs: `slope`."""
        return self.slope


@dataclass(frozen=True, slots=True, repr=False)
class Elu(Activation):
    """Exponential linear unit (Clevert, Unterthiner & Hochreiter 2016, equation 15).

    f(z) = z where z > 0, alpha (exp(z) - 1) elsewhere.

    Parameters
    ----------
    alpha : float, default 1
        The activation falls to -alpha for very negative z; above 0.

    Examples
    --------
    >>> Elu(0.5)
    Elu(alpha=0.5)

    """

    key: ClassVar[str] = "elu"
    alpha: float = number_field(1.0, above=0)

    @property
    def parameter(self) -> float:
        """The number that the engine needs: `alpha`."""
        return self.alpha


@dataclass(frozen=True, slots=True, repr=False)
class Selu(Activation):
    """Scaled exponential linear unit (Klambauer et al. 2017, equation 2), which keeps mean 0 and variance 1.

    f(z) = 1.0507 z where z > 0, 1.0507 · 1.6733 (exp(z) - 1) elsewhere.
    """

    key: ClassVar[str] = "selu"


@dataclass(frozen=True, slots=True, repr=False)
class Gelu(Activation):
    """Gaussian error linear unit (Hendrycks & Gimpel 2016): f(z) = z Phi(z), Phi the normal distribution function."""

    key: ClassVar[str] = "gelu"


@dataclass(frozen=True, slots=True, repr=False)
class GeluTanh(Activation):
    """Gaussian error linear unit, approximated by tanh (Hendrycks & Gimpel 2016, section 2).

    f(z) = z (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (z + 0.044715 z^3).
    """

    key: ClassVar[str] = "gelu_tanh"


@dataclass(frozen=True, slots=True, repr=False)
class Silu(Activation):
    """Sigmoid linear unit, also called swish (Elfwing, Uchibe & Doya 2018): f(z) = z / (1 + exp(-z))."""

    key: ClassVar[str] = "silu"


@dataclass(frozen=True, slots=True, repr=False)
class Mish(Activation):
    """Mish (Misra 2019): f(z) = z tanh(log(1 + exp(z)))."""

    key: ClassVar[str] = "mish"


@dataclass(frozen=True, slots=True, repr=False)
class Tanh(Activation):
    """Hyperbolic tangent, f(z) = tanh(z), between -1 and 1."""

    key: ClassVar[str] = "tanh"


@dataclass(frozen=True, slots=True, repr=False)
class Sigmoid(Activation):
    """Logistic function, f(z) = 1 / (1 + exp(-z)), between 0 and 1."""

    key: ClassVar[str] = "sigmoid"


@dataclass(frozen=True, slots=True, repr=False)
class Softplus(Activation):
    """Softplus (Dugas et al. 2001), a smooth `Relu`: f(z) = log(1 + exp(beta z)) / beta.

    Parameters
    ----------
    beta : float, default 1
        Sharpness of the bend at 0, above 0.

    Examples
    --------
    >>> Softplus(2.0)
    Softplus(beta=2.0)

    """

    key: ClassVar[str] = "softplus"
    beta: float = number_field(1.0, above=0)

    @property
    def parameter(self) -> float:
        """The number that the engine needs: `beta`."""
        return self.beta


ACTIVATIONS: Registry[Activation] = Registry(
    "activation", Identity, Relu, LeakyRelu, Elu, Selu, Gelu, GeluTanh, Silu, Mish, Tanh, Sigmoid, Softplus
)
