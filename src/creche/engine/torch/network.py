"""The way of rows through a whole network, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from creche.engine.torch.embeddings import Embeddings
from creche.engine.torch.layers import Kept, Layer, LayerTensors
from creche.engine.torch.products import Products
from creche.plan.words import Precision

__all__ = ["NamedTensors", "Network", "Passed"]


@dataclass(frozen=True, slots=True)
class NamedTensors:
    """The parameters of a network, or the places of their gradients: views of one flat tensor."""

    flat: Tensor
    named: Mapping[str, Tensor]
    layers: tuple[LayerTensors, ...]

    @classmethod
    def of(cls, flat: Tensor, named: Mapping[str, Tensor], layers: int) -> NamedTensors:
        """Choose those of each layer among the views of a flat tensor."""
        return cls(flat, named, tuple(LayerTensors.of(named, i) for i in range(layers)))


@dataclass(frozen=True, slots=True)
class Passed:
    """What the way back needs of the way forward."""

    layers: list[Kept]
    embeddings: list[tuple[Tensor, ...]]
    own_rows: bool  # of each submodel

    @property
    def sums(self) -> Tensor:
        """The weighted sums of the output layer, those of one submodel below those of the one before."""
        return self.layers[-1].outputs


class Network:
    """The layers and the embeddings of a plan.

    Parameters
    ----------
    plan : Plan
        A plan of the compiled engine.
    device : torch.device
    precision : {"float32", "float64", "tf32", "bfloat16"}

    """

    def __init__(self, plan: Any, device: torch.device, precision: Precision) -> None:
        self.precision: Precision = precision
        products = Products(precision, device)
        self.submodels: int = plan.submodels
        self.embeddings = Embeddings(plan, device)
        self.layers = [Layer(layer, plan.submodels, products) for layer in plan.layers]
        self.has_batch_normalization = any(layer.normalization == "batch" for layer in plan.layers)

    def forward(
        self,
        of: NamedTensors,
        x: Tensor,
        factors: Sequence[Tensor | None] | None = None,
        *,
        by_batch: bool = False,
        own_rows: bool = False,
    ) -> Passed:
        """Pass rows through all layers.

        Parameters
        ----------
        of : NamedTensors
            The parameters. With `by_batch`, running statistics move.
        x : (n, columns) tensor
        factors : sequence of tensor or None, optional
            The factors of dropout of each layer.
        by_batch : bool, default False
            Whether batch normalization takes the statistics of the rows.
        own_rows : bool, default False
            Whether x has rows for each submodel, those of one below those of the one before.

        """
        inputs, embedded = self.embeddings.forward(of.named, x)
        if self.submodels > 1 and not own_rows:
            inputs = inputs.expand(self.submodels, -1, -1).flatten(0, 1)
        kept: list[Kept] = []
        for i, (layer, tensors) in enumerate(zip(self.layers, of.layers, strict=True)):
            factor = None if factors is None else factors[i]
            kept.append(layer.forward(tensors, inputs, factor, by_batch=by_batch))
            inputs = kept[-1].outputs
        return Passed(kept, embedded, own_rows)

    def backward(self, of: NamedTensors, to: NamedTensors, passed: Passed, gradient: Tensor) -> None:
        """Write the gradients of all parameters, from that of the weighted sums of the output layer."""
        below: Tensor | None = gradient
        for i in range(len(self.layers) - 1, -1, -1):
            assert below is not None
            goes_below = i > 0 or of.layers[0].scale is not None or bool(self.embeddings)
            below = self.layers[i].backward(of.layers[i], to.layers[i], passed.layers[i], below, goes_below=goes_below)
        if self.embeddings:
            assert below is not None
            if self.submodels > 1 and not passed.own_rows:
                below = below.unflatten(0, (self.submodels, -1)).sum(0)
            self.embeddings.backward(of.named, to.named, passed.embeddings, below)
