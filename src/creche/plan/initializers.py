"""How the weights of a layer begin. Biases begin at 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from creche.plan.activations import Activation, Elu, Gelu, GeluTanh, LeakyRelu, Mish, Relu, Selu, Silu, Softplus
from creche.plan.component import Component, Registry, number_field

__all__ = [
    "INITIALIZERS", "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Initializer", "LecunNormal",
    "LecunUniform", "Orthogonal", "Zeros", "default_initializer",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Initializer(Component):
    """The base of all initializers."""

    @property
    def parameter(self) -> float:
        """The one number the engine takes for it."""
        return 1.0


@dataclass(frozen=True, slots=True, repr=False)
class _Scaled(Initializer):
    gain: float = number_field(1.0, above=0)

    @property
    def parameter(self) -> float:
        return self.gain


@dataclass(frozen=True, slots=True, repr=False)
class GlorotUniform(_Scaled):
    """Uniform within gain * sqrt(6 / (n_in + n_out)) (Glorot & Bengio 2010, eq. 16)."""

    key: ClassVar[str] = "glorot_uniform"


@dataclass(frozen=True, slots=True, repr=False)
class GlorotNormal(_Scaled):
    """Normal with standard deviation gain * sqrt(2 / (n_in + n_out))."""

    key: ClassVar[str] = "glorot_normal"


@dataclass(frozen=True, slots=True, repr=False)
class HeUniform(_Scaled):
    """Uniform within gain * sqrt(6 / n_in) (He et al. 2015)."""

    key: ClassVar[str] = "he_uniform"


@dataclass(frozen=True, slots=True, repr=False)
class HeNormal(_Scaled):
    """Normal with standard deviation gain * sqrt(2 / n_in) (He et al. 2015, eq. 10)."""

    key: ClassVar[str] = "he_normal"


@dataclass(frozen=True, slots=True, repr=False)
class LecunUniform(_Scaled):
    """Uniform within gain * sqrt(3 / n_in) (LeCun et al. 1998)."""

    key: ClassVar[str] = "lecun_uniform"


@dataclass(frozen=True, slots=True, repr=False)
class LecunNormal(_Scaled):
    """Normal with standard deviation gain * sqrt(1 / n_in) (LeCun et al. 1998, eq. 16)."""

    key: ClassVar[str] = "lecun_normal"


@dataclass(frozen=True, slots=True, repr=False)
class Orthogonal(_Scaled):
    """Orthonormal rows or columns, times gain (Saxe, McClelland & Ganguli 2014)."""

    key: ClassVar[str] = "orthogonal"


@dataclass(frozen=True, slots=True, repr=False)
class Zeros(Initializer):
    """All weights 0: neurons of a layer then stay equal, which is of use only in experiments."""

    key: ClassVar[str] = "zeros"


@dataclass(frozen=True, slots=True, repr=False)
class Constant(Initializer):
    """All weights the same."""

    key: ClassVar[str] = "constant"
    value: float = number_field(0.0)

    @property
    def parameter(self) -> float:
        return self.value


INITIALIZERS: Registry[Initializer] = Registry(
    "initializer",
    GlorotUniform,
    GlorotNormal,
    HeUniform,
    HeNormal,
    LecunUniform,
    LecunNormal,
    Orthogonal,
    Zeros,
    Constant,
)


def default_initializer(activation: Activation) -> Initializer:
    """The usual initializer for an activation: He's for those like relu, LeCun's for selu, else Glorot's."""
    if isinstance(activation, Relu | LeakyRelu | Elu | Gelu | GeluTanh | Silu | Mish | Softplus):
        return HeUniform()
    return LecunNormal() if isinstance(activation, Selu) else GlorotUniform()
