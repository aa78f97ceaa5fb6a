"""What the neurons of a layer do on some rows: how strong, how often silent, how often saturated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rookery.plan.activations import Activation

__all__ = ["Neurons", "can_die", "can_saturate", "neurons_of"]

# Activations that tend to 0 on the left: a neuron that is there on all rows learns nothing more.
CAN_DIE = ("relu", "gelu", "gelu_tanh", "silu", "mish", "softplus")
SILENT = 1e-6  # relu gives exactly 0; the others come near it

# Activations that are level on both sides: greatest slope, and slope by the activation a.
SLOPES = {"tanh": (1.0, lambda a: 1 - a * a), "sigmoid": (0.25, lambda a: a * (1 - a))}
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
    return activation.word in SLOPES


def neurons_of(activation: Activation, a: NDArray[np.floating]) -> Neurons:
    """What the neurons of a layer do; a (n, width): their activations.

    Examples
    --------
    >>> from rookery.plan.activations import Relu
    >>> neurons_of(Relu(), np.array([[0.0, 1.0], [0.0, 3.0]])).silent
    array([1., 0.])

    """
    a = a.astype(np.float64)
    none = np.full(a.shape[1], np.nan)
    silent = (np.abs(a) < SILENT).mean(axis=0) if can_die(activation) else none
    saturated = none
    if can_saturate(activation):
        greatest, slope = SLOPES[activation.word]
        saturated = (slope(a) < LEVEL * greatest).mean(axis=0)
    with np.errstate(all="ignore"):
        return Neurons(a.mean(axis=0), a.std(axis=0), silent, saturated)
