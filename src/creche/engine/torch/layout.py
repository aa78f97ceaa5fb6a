"""Where the parameters of a network lie: in one flat tensor; each array of parameters is a view of it.

Gradients and the planes of an optimizer's state have the same layout, so that an update is a few kernels for the whole
network. Neighbours have the same coefficients, and among those the same regularization: the order is by groups. Names
and shapes are those of the compiled engine, so that states move between the engines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Layout", "Range"]

# Numbers at which an array may begin: products read whole vectors of memory.
ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Range:
    """Some neighbouring numbers, and the group of parameters that they are in."""

    begin: int
    end: int
    group: int

    def of(self, flat: Tensor) -> Tensor:
        """Return the view of these numbers."""
        return flat[self.begin : self.end]


class Layout:
    """The places of a network's parameters.

    Parameters
    ----------
    shapes : dict of str to tuple
        The shape of each array, in the engine's order.
    groups : dict of str to (int, int)
        For each array that learns, the group whose coefficients it has, and its own group.

    Attributes
    ----------
    size : int
        The length of a flat tensor.
    learned : Range
        What the optimizer changes; behind it are running statistics.
    rules, regularized : list of Range
        The numbers with the same coefficients, and with the same regularization.

    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], groups: Mapping[str, tuple[int, int]]) -> None:
        self.shapes = dict(shapes)
        self._begin: dict[str, int] = {}
        ranges: list[tuple[tuple[int, int], int, int]] = []
        at = 0
        for name in sorted(shapes, key=lambda name: (name not in groups, groups.get(name))):
            self._begin[name] = at
            end = at + math.ceil(math.prod(shapes[name]) / ALIGNMENT) * ALIGNMENT
            if name in groups:
                ranges.append((groups[name], at, end))
            at = end
        self.size = at
        self.learned = Range(0, ranges[-1][2], 0)
        self.rules = list(_join((group[0], begin, end) for group, begin, end in ranges))
        self.regularized = list(_join((group[1], begin, end) for group, begin, end in ranges))

    def view(self, flat: Tensor, name: str) -> Tensor:
        """Return an array of parameters as a view of a flat tensor."""
        shape, begin = self.shapes[name], self._begin[name]
        return flat[begin : begin + math.prod(shape)].view(shape)

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Return all arrays of parameters by name."""
        return {name: self.view(flat, name) for name in self.shapes}

    def to_arrays(self, flat: Tensor, prefix: str = "") -> dict[str, NDArray[Any]]:
        """Copy all arrays of parameters to the host."""
        host = flat.cpu()
        return {prefix + name: self.view(host, name).numpy().copy() for name in self.shapes}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], like: Tensor, what: str, prefix: str = "") -> Tensor:
        """Copy arrays from the host into a new flat tensor like another one.

        Raises
        ------
        ValueError
            If one is missing or has another shape; `what` is the argument, for the message.

        """
        host = torch.zeros(self.size, dtype=like.dtype)
        for name, shape in self.shapes.items():
            if prefix + name not in arrays:
                raise ValueError(f"{what}: '{prefix}{name}' is missing")
            array = np.asarray(arrays[prefix + name])
            if array.shape != shape:
                raise ValueError(f"{what}: '{prefix}{name}': got shape {array.shape}; needs {shape}")
            self.view(host, name).copy_(torch.tensor(array, dtype=like.dtype))
        return host.to(like.device)


def _join(ranges: Iterator[tuple[int, int, int]]) -> Iterator[Range]:
    """Join neighbours of one group."""
    for group, neighbours in groupby(ranges, key=lambda found: found[0]):
        found = list(neighbours)
        yield Range(found[0][1], found[-1][2], group)
