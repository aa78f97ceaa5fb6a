"""A curve of the loss against one weight, with what there is to see on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.landings import Landing

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LossAgainstWeight"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossAgainstWeight:
    """The loss as a function of one weight or bias, all others fixed: made by `loss_against_weight`.

    Attributes
    ----------
    name : str
        Such as "weight from bill_length_mm to neuron 3 of layer 1".
    layer, column : int
    row : int or None
        None for a bias.
    weights : (points,) array of the plan's precision
        Rising; the weight as it is is one of them.
    losses : (points,) float64
        Of the network with that weight, what evaluating it alone gives, to the bit.
    index : int
        The place of the weight as it is.
    gradient : float
        dL/dw there: the slope of the tangent.
    valley : int
        The place of the lowest point downhill from there.
    landings : tuple of Landing
        Where one step with each learning rate would land.
    path : (steps,) float64 or None
        The weight's values during training.
    ends : tuple of bool
        Whether the loss stops being finite right below, and above, what is shown.
    left_out : int
        How many points within were left out because their loss is not finite.

    """

    name: str
    layer: int
    row: int | None
    column: int
    weights: NDArray[Any]
    losses: Array
    index: int
    gradient: float
    valley: int
    landings: tuple[Landing, ...]
    path: Array | None
    ends: tuple[bool, bool]
    left_out: int

    @property
    def at(self) -> float:
        """The weight as it is."""
        return float(self.weights[self.index])

    @property
    def loss(self) -> float:
        """The loss as it is."""
        return float(self.losses[self.index])

    def tangent(self, weights: Any) -> Array:
        """The straight line through the current point whose slope is the gradient."""
        return np.asarray(self.loss + self.gradient * (np.asarray(weights, dtype=np.float64) - self.at))

    def table(self) -> pl.DataFrame:
        """The curve as a Polars DataFrame: weight, loss, and the tangent."""
        import polars as pl

        weights = self.weights.astype(np.float64)
        return pl.DataFrame({"weight": weights, "loss": self.losses, "tangent": self.tangent(weights)})

    def landing_table(self) -> pl.DataFrame:
        """The steps as a Polars DataFrame: learning rate, where it lands, the loss there, and the verdict."""
        import polars as pl

        names = ("learning_rate", "at", "loss", "verdict")
        return pl.DataFrame({name: [getattr(landing, name) for landing in self.landings] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """As plain data; a loss that is not finite is None."""
        landings = [
            {"learning_rate": landing.learning_rate, "at": landing.at, "loss": _finite(landing.loss),
             "verdict": landing.verdict} for landing in self.landings
        ]  # fmt: skip
        return {
            "name": self.name, "layer": self.layer, "row": self.row, "column": self.column, "at": self.at,
            "loss": self.loss, "gradient": self.gradient, "valley": float(self.weights[self.valley]),
            "landings": landings, "ends": list(self.ends), "left_out": self.left_out,
            "path": None if self.path is None else self.path.tolist(),
            "weights": self.weights.tolist(), "losses": self.losses.tolist(),
        }  # fmt: skip

    def notes(self) -> list[str]:
        """What the picture cannot show."""
        said = []
        ends = zip(("below", "above"), (self.weights[0], self.weights[-1]), self.ends, strict=True)
        sides = [f"{word} {float(weight):.4g}" for word, weight, is_end in ends if is_end]
        if sides:
            said.append(f"not far {' and '.join(sides)} the loss is no longer finite")
        if self.left_out:
            said.append(f"{self.left_out:,} points within were left out: their loss is not finite")
        return said

    def plot(self, axes: Any = None) -> Any:
        """The curve, the current point, the tangent and the landings, as matplotlib Axes (needs the `plots` extra)."""
        from creche.plots.landscape import loss_against_weight

        return loss_against_weight(self, axes=axes)

    def __repr__(self) -> str:
        return (
            f"LossAgainstWeight({self.name}: {self.at:.4g}, loss {self.loss:.4g}, gradient {self.gradient:.4g}; "
            f"{len(self.weights):,} points from {self.weights[0]:.4g} to {self.weights[-1]:.4g})"
        )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
