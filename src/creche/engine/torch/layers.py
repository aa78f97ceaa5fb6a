"""One layer: forward to its outputs, and back to the layer below, by hand.

core/layers/layer.hpp has the formulas. The rows of a submodel lie below those of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from creche.engine.torch.activations import ACTIVATIONS
from creche.engine.torch.products import Products

__all__ = ["Kept", "Layer", "LayerTensors"]

aten = torch.ops.aten

VARIANCE_EPSILON = 1e-5
RUNNING_MOMENTUM = 0.1  # of the running statistics of batch normalization


@dataclass(frozen=True, slots=True)
class LayerTensors:
    """The parameters of a layer, or the places of their gradients; None for what it lacks."""

    weights: Tensor
    bias: Tensor
    scale: Tensor | None = None
    output_scale: Tensor | None = None
    shift: Tensor | None = None
    gain: Tensor | None = None
    running_mean: Tensor | None = None
    running_variance: Tensor | None = None
    slopes: Tensor | None = None

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], layer: int) -> LayerTensors:
        """Choose those of a layer among all of a network."""
        return cls(**{name: tensors.get(f"{layer}.{name}") for name in cls.__dataclass_fields__})


@dataclass(slots=True)
class Kept:
    """What the way back needs of the way forward, with a row for each row of each submodel.

    Attributes
    ----------
    inputs, outputs : (n, width) tensor
    scaled : (n, inputs) tensor
        The inputs times their scale.
    unscaled_sums : (n, width) tensor, or None
        The sums before the factors of the outputs.
    sums : (n, width) tensor
        The weighted sums z.
    normalized : (n, width) tensor
        What the activation takes.
    statistics : pair of tensor, or None
        Mean and inverse deviation, by which they were normalized.
    has_batch_statistics : bool
        Whether those are of the batch.
    values : (n, width) tensor
        The activations, before slopes, dropout and inputs that are added.
    factor : (n, width) tensor, or None
        The factors of dropout.
    gradient : (n, width) tensor, or None
        After the way back: of the sums, or of those before the factors of the outputs.

    """

    inputs: Tensor
    outputs: Tensor
    scaled: Tensor
    unscaled_sums: Tensor | None
    sums: Tensor
    normalized: Tensor
    statistics: tuple[Tensor, Tensor] | None
    has_batch_statistics: bool
    values: Tensor
    factor: Tensor | None
    gradient: Tensor | None = None


class Layer:
    """One layer of a network.

    Parameters
    ----------
    plan : LayerPlan
        A plan of the compiled engine.
    submodels : int

    """

    def __init__(self, plan: Any, submodels: int, products: Products) -> None:
        self._products = products
        self.width: int = plan.width
        self.dropout: float = plan.dropout
        self.submodels = submodels
        self._activation = ACTIVATIONS[plan.activation]
        self._parameter: float = plan.activation_parameter
        self._normalization: str = plan.normalization
        self._residual: bool = plan.residual
        self.owns_weights = submodels > 1 and plan.sharing == "none"
        self.owns_scale = submodels > 1 and plan.sharing != "all"

    def forward(self, of: LayerTensors, inputs: Tensor, factor: Tensor | None, *, by_batch: bool) -> Kept:
        """Compute the outputs.

        Parameters
        ----------
        of : LayerTensors
            The parameters. With `by_batch`, running statistics move.
        inputs : (n, inputs) tensor
        factor : (n, width) tensor, or None
            The factors of dropout.
        by_batch : bool
            Whether batch normalization takes the statistics of the rows.

        """
        scaled = inputs if of.scale is None else self._times(inputs, of.scale, self.owns_scale)
        unscaled = None
        if self.owns_weights:
            sums = self._products.add(of.bias.unsqueeze(1), self._by_submodel(scaled), of.weights).flatten(0, 1)
        elif of.output_scale is not None:
            unscaled = self._products.multiply(scaled, of.weights)
            by_submodel = self._by_submodel(unscaled)
            sums = torch.addcmul(of.bias.unsqueeze(1), by_submodel, of.output_scale.unsqueeze(1)).flatten(0, 1)
        else:
            sums = self._products.add(of.bias, scaled, of.weights)
        normalized, statistics = self._normalize(of, sums, by_batch)
        values = self._activation.apply(normalized, self._parameter)
        outputs = values if of.slopes is None else torch.lerp(normalized, values, of.slopes)
        if factor is not None:
            outputs = outputs * factor
        if self._residual:
            outputs = outputs + inputs
        return Kept(
            inputs, outputs, scaled, unscaled, sums, normalized, statistics,
            by_batch and self._normalization == "batch", values, factor,
        )  # fmt: skip

    def backward(
        self, of: LayerTensors, to: LayerTensors, kept: Kept, gradient: Tensor, *, goes_below: bool
    ) -> Tensor | None:
        """Write the gradients of the parameters, and return that of the inputs if it is needed.

        Parameters
        ----------
        of, to : LayerTensors
            The parameters, and the places of their gradients.
        kept : Kept
            What the way forward returned.
        gradient : (n, width) tensor
            The gradient of the outputs.
        goes_below : bool
            Whether there are parameters below.

        """
        g = gradient if kept.factor is None else gradient * kept.factor
        if of.slopes is not None:
            torch.sum((kept.values - kept.normalized).mul_(g), 0, out=to.slopes)
            g = torch.lerp(g, self._through_activation(kept, g), of.slopes)
        else:
            g = self._through_activation(kept, g)
        g = self._through_normalization(of, to, kept, g)
        if of.output_scale is not None:
            assert kept.unscaled_sums is not None
            by_submodel = self._by_submodel(g)
            torch.sum(by_submodel, 1, out=to.bias)
            torch.sum(by_submodel * self._by_submodel(kept.unscaled_sums), 1, out=to.output_scale)
            g = self._times(g, of.output_scale, True)
        kept.gradient = g
        if self.owns_weights:
            by_submodel = self._by_submodel(g)
            self._products.multiply_into(self._by_submodel(kept.scaled).transpose(1, 2), by_submodel, to.weights)
            torch.sum(by_submodel, 1, out=to.bias)
        else:
            self._products.multiply_into(kept.scaled.t(), g, to.weights)
            if of.output_scale is None:
                torch.sum(g, 0, out=to.bias)
        return self._through_inputs(of, to, kept, g, gradient) if goes_below else None

    def _through_inputs(self, of: LayerTensors, to: LayerTensors, kept: Kept, g: Tensor, of_outputs: Tensor) -> Tensor:
        if self.owns_weights:
            below = self._products.multiply(self._by_submodel(g), of.weights.transpose(1, 2)).flatten(0, 1)
        else:
            below = self._products.multiply(g, of.weights.t())
        if of.scale is not None:
            terms = below * kept.inputs
            torch.sum(self._by_submodel(terms) if self.owns_scale else terms, int(self.owns_scale), out=to.scale)
            below = self._times(below, of.scale, self.owns_scale)
        return below + of_outputs if self._residual else below

    def _through_activation(self, kept: Kept, g: Tensor) -> Tensor:
        return self._activation.backward(g, kept.normalized, kept.values, self._parameter)

    def _normalize(self, of: LayerTensors, sums: Tensor, by_batch: bool) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        if self._normalization == "none":
            return sums, None
        if self._normalization == "layer":
            out, *statistics = aten.native_layer_norm(sums, [self.width], of.gain, of.shift, VARIANCE_EPSILON)
        else:
            out, *statistics = aten.native_batch_norm(
                sums, of.gain, of.shift, of.running_mean, of.running_variance, by_batch, RUNNING_MOMENTUM,
                VARIANCE_EPSILON,
            )  # fmt: skip
        return out, (statistics[0], statistics[1])

    def _through_normalization(self, of: LayerTensors, to: LayerTensors, kept: Kept, g: Tensor) -> Tensor:
        if kept.statistics is None:
            return g
        wanted = [True, True, True]
        if self._normalization == "layer":
            below, gain, shift = aten.native_layer_norm_backward(
                g, kept.sums, [self.width], *kept.statistics, of.gain, of.shift, wanted
            )
        else:
            below, gain, shift = aten.native_batch_norm_backward(
                g, kept.sums, of.gain, of.running_mean, of.running_variance, *kept.statistics,
                kept.has_batch_statistics, VARIANCE_EPSILON, wanted,
            )  # fmt: skip
        assert to.gain is not None
        assert to.shift is not None
        to.gain.copy_(gain)
        to.shift.copy_(shift)
        return below

    def _by_submodel(self, rows: Tensor) -> Tensor:
        return rows.unflatten(0, (self.submodels, -1))

    def _times(self, rows: Tensor, factors: Tensor, own: bool) -> Tensor:
        return (self._by_submodel(rows) * factors.unsqueeze(1)).flatten(0, 1) if own else rows * factors
