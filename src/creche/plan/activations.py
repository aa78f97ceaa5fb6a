"""The functions a neuron can apply to its weighted sum z."""

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
    """The base of all activations."""

    @property
    def parameter(self) -> float:
        """The one number the engine takes for it."""
        return 0.0


@dataclass(frozen=True, slots=True, repr=False)
class Identity(Activation):
    """z as it is."""

    key: ClassVar[str] = "identity"


@dataclass(frozen=True, slots=True, repr=False)
class Relu(Activation):
    """max(0, z); its derivative at 0 is taken as 0."""

    key: ClassVar[str] = "relu"


@dataclass(frozen=True, slots=True, repr=False)
class LeakyRelu(Activation):
    """z where positive, slope * z elsewhere (Maas, Hannun & Ng 2013)."""

    key: ClassVar[str] = "leaky_relu"
    slope: float = number_field(0.01, at_least=0)

    @property
    def parameter(self) -> float:
        return self.slope


@dataclass(frozen=True, slots=True, repr=False)
class Elu(Activation):
    """z where positive, alpha * (exp(z) - 1) elsewhere (Clevert, Unterthiner & Hochreiter 2016)."""

    key: ClassVar[str] = "elu"
    alpha: float = number_field(1.0, above=0)

    @property
    def parameter(self) -> float:
        return self.alpha


@dataclass(frozen=True, slots=True, repr=False)
class Selu(Activation):
    """ELU scaled so that activations keep mean 0 and variance 1 (Klambauer et al. 2017)."""

    key: ClassVar[str] = "selu"


@dataclass(frozen=True, slots=True, repr=False)
class Gelu(Activation):
    """z * Phi(z), Phi the normal distribution function (Hendrycks & Gimpel 2016)."""

    key: ClassVar[str] = "gelu"


@dataclass(frozen=True, slots=True, repr=False)
class GeluTanh(Activation):
    """GELU with Phi approximated through tanh, as in the same paper."""

    key: ClassVar[str] = "gelu_tanh"


@dataclass(frozen=True, slots=True, repr=False)
class Silu(Activation):
    """z * sigmoid(z), also called swish (Elfwing, Uchibe & Doya 2018)."""

    key: ClassVar[str] = "silu"


@dataclass(frozen=True, slots=True, repr=False)
class Mish(Activation):
    """z * tanh(softplus(z)) (Misra 2020)."""

    key: ClassVar[str] = "mish"


@dataclass(frozen=True, slots=True, repr=False)
class Tanh(Activation):
    """The hyperbolic tangent."""

    key: ClassVar[str] = "tanh"


@dataclass(frozen=True, slots=True, repr=False)
class Sigmoid(Activation):
    """1 / (1 + exp(-z))."""

    key: ClassVar[str] = "sigmoid"


@dataclass(frozen=True, slots=True, repr=False)
class Softplus(Activation):
    """log(1 + exp(beta * z)) / beta."""

    key: ClassVar[str] = "softplus"
    beta: float = number_field(1.0, above=0)

    @property
    def parameter(self) -> float:
        return self.beta


ACTIVATIONS: Registry[Activation] = Registry(
    "activation", Identity, Relu, LeakyRelu, Elu, Selu, Gelu, GeluTanh, Silu, Mish, Tanh, Sigmoid, Softplus
)
