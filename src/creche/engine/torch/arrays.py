"""The arrays of a run on the device: parameters, gradients, the optimizer's state, the best parameters so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor

from creche.engine.torch.layout import Layout
from creche.engine.torch.network import NamedTensors
from creche.engine.torch.rules import flush

__all__ = ["Arrays", "RunArrays"]

Arrays: TypeAlias = dict[str, NDArray[Any]]


class RunArrays:
    """The arrays of a run.

    Parameters
    ----------
    layout : Layout
    layers : int
        The number of layers of the network.
    planes : sequence of float
        The numbers with which the planes of the optimizer's state begin.
    keeps_best : bool
    like : tensor
        A tensor of the run's type, on its device.

    Attributes
    ----------
    weights, gradients : NamedTensors
    planes : list of flat tensor
    best : flat tensor, or None

    """

    def __init__(self, layout: Layout, layers: int, planes: list[float], keeps_best: bool, like: Tensor) -> None:
        self.layout = layout
        self._layers = layers
        zeros = like.new_zeros(layout.size)
        self.weights, self.gradients = self.named(zeros), self.named(torch.zeros_like(zeros))
        self.planes = [torch.full_like(zeros, value) for value in planes]
        self.best = torch.zeros_like(zeros) if keeps_best else None

    def named(self, flat: Tensor) -> NamedTensors:
        """Return the arrays of parameters that a flat tensor holds."""
        return NamedTensors.of(flat, self.layout.views(flat), self._layers)

    @property
    def trained(self) -> list[Tensor]:
        """All that a step changes and the next one reads."""
        return [self.weights.flat, *self.planes]

    def are_finite(self) -> bool:
        """Return whether all parameters are finite; the host waits for the device."""
        return bool(torch.isfinite(self.weights.flat).all())

    def set_parameters(self, parameters: Mapping[str, NDArray[Any]]) -> None:
        """Copy all parameters to the device.

        Raises
        ------
        ValueError
            That names an array if one is missing, unknown or of another shape.

        """
        unknown = next((name for name in parameters if name not in self.layout.shapes), None)
        if unknown is not None:
            raise ValueError(f"parameters: the network has no '{unknown}'; it has {', '.join(self.layout.shapes)}")
        self.weights.flat.copy_(self.layout.from_arrays(parameters, self.weights.flat, "parameters"))

    def to_state(self) -> Arrays:
        """Copy all arrays to the host, with the names, shapes and types of the compiled engine's state."""
        flush(self.planes)
        state: Arrays = {}
        for prefix, flat in self._by_prefix().items():
            state |= self.layout.to_arrays(flat, prefix)
        return state

    def read_state(self, state: Mapping[str, NDArray[Any]]) -> list[Tensor]:
        """Return what `take_over` needs of a state.

        Raises
        ------
        ValueError
            If an array is missing or of another shape.

        """
        targets = self._by_prefix()
        return [self.layout.from_arrays(state, target, "state", prefix) for prefix, target in targets.items()]

    def take_over(self, read: list[Tensor]) -> None:
        """Take over the arrays of a state."""
        for target, values in zip(self._by_prefix().values(), read, strict=True):
            target.copy_(values)

    def _by_prefix(self) -> dict[str, Tensor]:
        flat = {"network.": self.weights.flat}
        flat |= {f"optimizer.{number}.": plane for number, plane in enumerate(self.planes)}
        return flat if self.best is None else {**flat, "best.": self.best}
