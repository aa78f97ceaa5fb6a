"""Where numbers stop being finite on the way through a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creche.engine.inside import Inside

__all__ = ["NotFinite", "first_not_finite"]


@dataclass(frozen=True, slots=True)
class NotFinite:
    """The first number that is not finite.

    Attributes
    ----------
    what : {"sum", "activation", "loss", "gradient"}
    layer : int
        Of neurons: the first hidden layer is 1.
    row : int
        Its place in the batch.
    neuron : int or None
        None for a loss, which is of the row.

    """

    what: str
    layer: int
    row: int
    neuron: int | None


def first_not_finite(inside: Inside) -> NotFinite | None:
    """The first on the way forward, layer by layer, then in the losses, then on the way back; None if there is none."""
    for i, (sums, activations) in enumerate(zip(inside.sums, inside.activations, strict=True)):
        for what, array in (("sum", sums), ("activation", activations)):
            wrong = np.argwhere(~np.isfinite(array))
            if len(wrong):
                return NotFinite(what, i + 1, int(wrong[0][0]), int(wrong[0][1]))
    layers = len(inside.sums)
    wrong = np.argwhere(~np.isfinite(inside.losses))
    if len(wrong):
        return NotFinite("loss", layers, int(wrong[0][0]), None)
    for i in range(layers - 1, -1, -1):
        wrong = np.argwhere(~np.isfinite(inside.dloss_dsums[i]))
        if len(wrong):
            return NotFinite("gradient", i + 1, int(wrong[0][0]), int(wrong[0][1]))
    return None
