"""What the neurons of a layer do on some rows: how strong, how often silent, how often saturated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.plan.activations import Activation

__all__ = ["Neurons", "can_die", "can_saturate", "neurons_of"]

# Activations that tend to 0 on the left: a neuron that is there on all rows learns nothing more.
CAN_DIE = ("relu", "gelu", "gelu_tanh", "silu", "mish", "softplus")
SILENT = 1e-6  # relu gives exactly 0; the others come near it

CAN_SATURATE = ("tanh", "sigmoid")
LEVEL = 0.05  # of the greatest slope


@dataclass(frozen=True, slots=True, eq=False)
class Neurons:
    """Of each neuron of a layer, on the same rows.

    Attributes
    ----------
    mean, deviation : (width,) float64
        Of its activation.
    silent : (width,) float64
        The share of rows on which it gives 0; NaN where the activation cannot die.
    saturated : (width,) float64
        The share of rows on which its slope f'(z) is less than a twentieth of the greatest; NaN where the activation is
        not level on both sides.

    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    silent: NDArray[np.float64]
    saturated: NDArray[np.float64]


def can_die(activation: Activation) -> bool:
    return activation.word in CAN_DIE


def can_saturate(activation: Activation) -> bool:
    return activation.word in CAN_SATURATE


def neurons_of(activation: Activation, activations: NDArray[Any]) -> Neurons:
    """What the neurons of a layer do; activations (n, width).

    Examples
    --------
    >>> from creche.plan.activations import Relu
    >>> neurons_of(Relu(), np.array([[0.0, 1.0], [0.0, 3.0]])).silent
    array([1., 0.])

    """
    a: NDArray[np.float64] = activations.astype(np.float64)
    none = np.full(a.shape[1], np.nan)
    silent = (np.abs(a) < SILENT).mean(axis=0) if can_die(activation) else none
    saturated = (_slope(activation, a) < LEVEL).mean(axis=0) if can_saturate(activation) else none
    with np.errstate(all="ignore"):
        return Neurons(a.mean(axis=0), a.std(axis=0), silent, saturated)


def _slope(activation: Activation, a: NDArray[np.float64]) -> NDArray[np.float64]:
    """f'(z) by a = f(z), as a share of the greatest."""
    return np.asarray(1 - a * a if activation.word == "tanh" else 4 * a * (1 - a))
