"""The initializers: the weights of a layer before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from creche.plan.activations import Activation, Elu, Gelu, GeluTanh, LeakyRelu, Mish, Relu, Selu, Silu, Softplus
from creche.plan.component import Component, Registry, number_field

__all__ = [
    "INITIALIZERS", "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Initializer", "LecunNormal",
    "LecunUniform", "Orthogonal", "UnitVariance", "Zeros", "default_initializer",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Initializer(Component):
    """The base of all initializers: the weights W (n_in, n_out) of a layer before the first step."""

    @property
    def parameter(self) -> float:
        """The number that the engine needs, for an initializer that has one; otherwise 1."""
        return 1.0


@dataclass(frozen=True, slots=True, repr=False)
class _GainInitializer(Initializer):
    gain: float = number_field(1.0, above=0)

    @property
    def parameter(self) -> float:
        """The number that the engine needs: `gain`."""
        return self.gain


@dataclass(frozen=True, slots=True, repr=False)
class GlorotUniform(_GainInitializer):
    """Uniform in (-a, a) with a = gain sqrt(6 / (n_in + n_out)) (Glorot & Bengio 2010, equation 16).

    Parameters
    ----------
    gain : float, default 1
        Factor of all weights, above 0.

    Examples
    --------
    >>> GlorotUniform(gain=0.5)
    GlorotUniform(gain=0.5)

    """

    key: ClassVar[str] = "glorot_uniform"


@dataclass(frozen=True, slots=True, repr=False)
class GlorotNormal(_GainInitializer):
    """Normal with standard deviation gain sqrt(2 / (n_in + n_out)) (Glorot & Bengio 2010).

    Parameters
    ----------
    gain : float, default 1
        Factor of all weights, above 0.

    Examples
    --------
    >>> GlorotNormal(gain=0.5)
    GlorotNormal(gain=0.5)

    """

    key: ClassVar[str] = "glorot_normal"


@dataclass(frozen=True, slots=True, repr=False)
class HeUniform(_GainInitializer):
    """Uniform in (-a, a) with a = gain sqrt(6 / n_in) (He et al. 2015).

    Parameters
    ----------
    gain : float, default 1
        Factor of all weights, above 0.

    Examples
    --------
    >>> HeUniform(gain=0.5)
    HeUniform(gain=0.5)

    """

    key: ClassVar[str] = "he_uniform"


@dataclass(frozen=True, slots=True, repr=False)
class HeNormal(_GainInitializer):
    """Normal with standard deviation gain sqrt(2 / n_in) (He et al. 2015, equation 10).

    Parameters
    ----------
    gain : float, default 1
        Factor of all weights, above 0.

    Examples
    --------
    >>> HeNormal(gain=0.5)
    HeNormal(gain=0.5)

    """

    key: ClassVar[str] = "he_normal"


@dataclass(frozen=True, slots=True, repr=False)
class LecunUniform(_GainInitializer):
    """Uniform in (-a, a) with a = gain sqrt(3 / n_in) (LeCun et al. 1998).

    Parameters
    ----------
    gain : float, default 1
        Factor of all weights, above 0.

    Examples
    --------
    >>> LecunUniform(gain=0.5)
    LecunUniform(gain=0.5)

    """

    key: ClassVar[str] = "lecun_uniform"


@dataclass(frozen=True, slots=True, repr=False)
class LecunNormal(_GainInitializer):
    """Normal with standard deviation gain sqrt(1 / n_in) (LeCun et al. 1998, equation 16).

    Parameters
    ----------
    gain : float, default 1
        Factor of all weights, above 0.

    Examples
    --------
    >>> LecunNormal(gain=0.5)
    LecunNormal(gain=0.5)

    """

    key: ClassVar[str] = "lecun_normal"


@dataclass(frozen=True, slots=True, repr=False)
class Orthogonal(_GainInitializer):
    """Orthonormal rows or columns, times gain (Saxe, McClelland & Ganguli 2014).

    W = gain Q, where Q is the orthonormal factor of a matrix of standard normal numbers.

    Parameters
    ----------
    gain : float, default 1
        Factor of all weights, above 0.

    Examples
    --------
    >>> Orthogonal(gain=0.5)
    Orthogonal(gain=0.5)

    """

    key: ClassVar[str] = "orthogonal"


@dataclass(frozen=True, slots=True, repr=False)
class Zeros(Initializer):
    """All weights 0: the neurons of a layer then stay equal, which is of use only in experiments."""

    key: ClassVar[str] = "zeros"


@dataclass(frozen=True, slots=True, repr=False)
class Constant(Initializer):
    """All weights the same number.

    Parameters
    ----------
    value : float, default 0
        The number.

    Examples
    --------
    >>> Constant(0.1)
    Constant(value=0.1)

    """

    key: ClassVar[str] = "constant"
    value: float = number_field(0.0)

    @property
    def parameter(self) -> float:
        """The number that the engine needs: `value`."""
        return self.value


@dataclass(frozen=True, slots=True, repr=False)
class UnitVariance(Initializer):
    """Normal, divided so that the weighted sums of each neuron begin with a standard deviation of 1.

    The deviation is that over the first rows of the first epoch, at most 1,024, with the outputs of the layers below as
    they begin (Holzmüller, Grinsztajn & Steinwart 2024, "Better by default", appendix A, where the rows are the first
    batch).
    """

    key: ClassVar[str] = "unit_variance"


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
    UnitVariance,
)


def default_initializer(activation: Activation) -> Initializer:
    """Return the usual initializer for an activation: He's for those like relu, LeCun's for selu, else Glorot's.

    Parameters
    ----------
    activation : Activation
        The activation of the layer.

    Returns
    -------
    Initializer

    Examples
    --------
    >>> import creche as cr
    >>> default_initializer(cr.Relu()), default_initializer(cr.Selu()), default_initializer(cr.Tanh())
    (HeUniform(), LecunNormal(), GlorotUniform())

    """
    if isinstance(activation, Relu | LeakyRelu | Elu | Gelu | GeluTanh | Silu | Mish | Softplus):
        return HeUniform()
    return LecunNormal() if isinstance(activation, Selu) else GlorotUniform()
